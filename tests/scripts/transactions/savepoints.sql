-- Savepoints, failed transactions, and what is left of them.
CREATE TABLE t (a int PRIMARY KEY);
BEGIN;
INSERT INTO t VALUES (1);
SAVEPOINT a;
INSERT INTO t VALUES (2);
SAVEPOINT b;
--@ expect error 23505
INSERT INTO t VALUES (1);
--@ expect error 25P02
SELECT * FROM t;
ROLLBACK TO b;
INSERT INTO t VALUES (3);
RELEASE b;
ROLLBACK TO a;
INSERT INTO t VALUES (4);
COMMIT;
SELECT a FROM t ORDER BY a;
--| 1
--| 4
BEGIN;
INSERT INTO t VALUES (5);
--@ expect error 22012
SELECT 1 / 0;
--@ expect error 25P02
INSERT INTO t VALUES (6);
COMMIT;
SELECT a FROM t ORDER BY a;
--| 1
--| 4
--@ expect error 25P01
ROLLBACK TO nothing;
--@ expect error 25P01
SAVEPOINT x;
BEGIN;
--@ expect error 3B001
ROLLBACK TO nothing;
ROLLBACK;
BEGIN;
SAVEPOINT s;
INSERT INTO t VALUES (7);
SAVEPOINT s;
INSERT INTO t VALUES (8);
ROLLBACK TO s;
RELEASE s;
ROLLBACK TO s;
COMMIT;
SELECT a FROM t ORDER BY a;
--| 1
--| 4
BEGIN READ ONLY;
--@ expect error 25006
INSERT INTO t VALUES (9);
ROLLBACK;
START TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SHOW transaction_isolation;
--| repeatable read
COMMIT AND CHAIN;
SHOW transaction_isolation;
--| repeatable read
ROLLBACK;
