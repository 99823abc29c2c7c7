-- DELETE and TRUNCATE.
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE s (id int);
INSERT INTO t SELECT g, g % 3 FROM generate_series(1, 10) g;
INSERT INTO s VALUES (2), (4);
DELETE FROM t WHERE id = 1 RETURNING *;
--| 1 | 1
DELETE FROM t USING s WHERE s.id = t.id RETURNING t.id;
--| 2
--| 4
DELETE FROM t WHERE a = (SELECT max(a) FROM t) RETURNING id;
--| 5
--| 8
SELECT * FROM t ORDER BY id;
--| 3  | 0
--| 6  | 0
--| 7  | 1
--| 9  | 0
--| 10 | 1
WITH gone AS (DELETE FROM t WHERE id > 6 RETURNING id) SELECT count(*), sum(id) FROM gone;
--| 3 | 26
--@ expect error 42P01
DELETE FROM nope;
--@ expect error 42703
DELETE FROM t WHERE nope;
TRUNCATE t;
SELECT count(*) FROM t;
--| 0
INSERT INTO t VALUES (1, 1);
DELETE FROM t;
SELECT count(*) FROM t;
--| 0
