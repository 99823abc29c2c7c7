-- READ COMMITTED: each statement sees what is committed by then; a writer waits for the one before, and looks again.
CREATE TABLE t (id int PRIMARY KEY, n int);
INSERT INTO t VALUES (1, 10), (2, 20);
--@ session a
BEGIN;
UPDATE t SET n = n + 1 WHERE id = 1;
--@ session b
BEGIN;
SELECT n FROM t ORDER BY id;
--| 10
--| 20
--@ expect blocked by a
UPDATE t SET n = n * 2 WHERE id = 1;
--@ session a
COMMIT;
--@ expect tag UPDATE 1
--@ wait b
--@ session b
SELECT n FROM t ORDER BY id;
--| 22
--| 20
COMMIT;
-- A row that another one deletes is gone for who waited.
--@ session a
BEGIN;
DELETE FROM t WHERE id = 2;
--@ session b
--@ expect blocked by a
UPDATE t SET n = 0 WHERE id = 2;
--@ session a
COMMIT;
--@ expect tag UPDATE 0
--@ wait b
-- A unique key waits for the one who has it, too.
--@ session a
BEGIN;
INSERT INTO t VALUES (3, 30);
--@ session b
--@ expect blocked by a
INSERT INTO t VALUES (3, 31);
--@ session a
ROLLBACK;
--@ expect tag INSERT 0 1
--@ wait b
--@ session a
BEGIN;
INSERT INTO t VALUES (4, 40);
--@ session b
--@ expect blocked by a
INSERT INTO t VALUES (4, 41);
--@ session a
COMMIT;
--@ expect error 23505
--@ wait b
--@ session main
SELECT * FROM t ORDER BY id;
--| 1 | 22
--| 3 | 31
--| 4 | 40
