-- Views, also those that take changes, and materialized ones.
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t VALUES (1, 10, 'x'), (2, 20, 'y'), (3, 30, 'z');
CREATE VIEW v AS SELECT id, a FROM t WHERE a > 10;
SELECT * FROM v ORDER BY id;
--| 2 | 20
--| 3 | 30
INSERT INTO v VALUES (4, 40);
INSERT INTO v VALUES (5, 5);
UPDATE v SET a = a + 1 WHERE id = 2;
DELETE FROM v WHERE id = 3;
DELETE FROM v WHERE id = 5;
SELECT * FROM t ORDER BY id;
--| 1 | 10 | x
--| 2 | 21 | y
--| 4 | 40 | NULL
--| 5 | 5  | NULL
CREATE VIEW w AS SELECT count(*) AS n, sum(a) AS total FROM t;
SELECT * FROM w;
--| 4 | 76
--@ expect error 55000
INSERT INTO w VALUES (1, 2);
CREATE OR REPLACE VIEW w AS SELECT count(*) AS n, sum(a) AS total, max(b) AS last FROM t;
SELECT * FROM w;
--| 4 | 76 | y
--@ expect error 42P16
CREATE OR REPLACE VIEW w AS SELECT count(*) AS n FROM t;
--@ expect error 2BP01
DROP TABLE t;
ALTER TABLE t RENAME TO things;
SELECT * FROM v ORDER BY id;
--| 2 | 21
--| 4 | 40
CREATE MATERIALIZED VIEW m AS SELECT id, a * 2 AS double FROM things;
SELECT * FROM m ORDER BY id;
--| 1 | 20
--| 2 | 42
--| 4 | 80
--| 5 | 10
UPDATE things SET a = 0;
SELECT * FROM m ORDER BY id;
--| 1 | 20
--| 2 | 42
--| 4 | 80
--| 5 | 10
REFRESH MATERIALIZED VIEW m;
SELECT * FROM m ORDER BY id;
--| 1 | 0
--| 2 | 0
--| 4 | 0
--| 5 | 0
--@ expect error 42809
INSERT INTO m VALUES (1, 2);
CREATE VIEW chain AS SELECT * FROM v WHERE id > 0;
--@ expect error 2BP01
DROP VIEW v;
DROP VIEW v CASCADE;
--@ expect error 42P01
SELECT * FROM chain;
DROP TABLE things CASCADE;
--@ expect error 42P01
SELECT * FROM w;
