-- What is committed is there after a restart, however the last life ended; what is not, is not.
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE INDEX t_a ON t (a);
CREATE SEQUENCE s;
CREATE VIEW v AS SELECT count(*) AS n FROM t;
INSERT INTO t VALUES (1, 'one'), (2, 'two');
SELECT nextval('s');
--| 1
--@ restart clean
SELECT * FROM t ORDER BY id;
--| 1 | one
--| 2 | two
SELECT nextval('s') > 1;
--| t
BEGIN;
INSERT INTO t VALUES (3, 'lost');
UPDATE t SET a = 'changed' WHERE id = 1;
--@ restart crash
SELECT * FROM t ORDER BY id;
--| 1 | one
--| 2 | two
SELECT id FROM t WHERE a = 'changed';
--@ expect count 0
SELECT id FROM t WHERE a = 'lost';
BEGIN;
DELETE FROM t;
--@ restart clean
SELECT n FROM v;
--| 2
UPDATE t SET a = 'zwei' WHERE id = 2;
DELETE FROM t WHERE id = 1;
--@ restart crash
SELECT * FROM t;
--| 2 | zwei
SELECT id FROM t WHERE a = 'two';
--@ restart crash
--@ restart crash
SELECT id FROM t WHERE a = 'zwei';
--| 2
