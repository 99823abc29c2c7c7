-- LOCK TABLE and definitions beside queries.
CREATE TABLE t (a int);
INSERT INTO t VALUES (1);
--@ session a
BEGIN;
LOCK TABLE t IN EXCLUSIVE MODE;
--@ session b
SELECT a FROM t;
--| 1
--@ expect blocked by a
INSERT INTO t VALUES (2);
--@ session a
COMMIT;
--@ wait b
--@ session a
BEGIN;
SELECT count(*) FROM t;
--| 2
--@ session b
--@ expect blocked by a
ALTER TABLE t ADD COLUMN b int;
--@ session a
COMMIT;
--@ wait b
--@ session a
SELECT a, b FROM t ORDER BY a;
--| 1 | NULL
--| 2 | NULL
BEGIN;
DROP TABLE t;
--@ session b
--@ expect blocked by a
SELECT count(*) FROM t;
--@ session a
ROLLBACK;
--@ wait b
--| 2
