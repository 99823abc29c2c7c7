-- REPEATABLE READ: one snapshot; who writes what has changed since fails with 40001.
CREATE TABLE t (id int PRIMARY KEY, n int);
INSERT INTO t VALUES (1, 10), (2, 20);
--@ session a
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT sum(n) FROM t;
--| 30
--@ session b
UPDATE t SET n = 11 WHERE id = 1;
INSERT INTO t VALUES (3, 30);
--@ session a
SELECT sum(n) FROM t;
--| 30
UPDATE t SET n = 21 WHERE id = 2;
--@ expect error 40001
UPDATE t SET n = 12 WHERE id = 1;
--@ expect error 25P02
SELECT 1;
ROLLBACK;
SELECT sum(n) FROM t;
--| 61
-- The same while the other one still runs.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM t;
--| 3
--@ session b
BEGIN;
UPDATE t SET n = 0 WHERE id = 2;
--@ session a
--@ expect blocked by b
UPDATE t SET n = 1 WHERE id = 2;
--@ session b
COMMIT;
--@ expect error 40001
--@ wait a
--@ session a
ROLLBACK;
-- If it rolls back, nothing has changed.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT n FROM t WHERE id = 2;
--| 0
--@ session b
BEGIN;
UPDATE t SET n = 5 WHERE id = 2;
--@ session a
--@ expect blocked by b
UPDATE t SET n = n + 1 WHERE id = 2;
--@ session b
ROLLBACK;
--@ wait a
--@ session a
COMMIT;
SELECT n FROM t WHERE id = 2;
--| 1
