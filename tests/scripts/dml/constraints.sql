-- Constraints hold for every statement, and name themselves.
CREATE TABLE t (a int CONSTRAINT a_positive CHECK (a > 0), b int, c int NOT NULL, UNIQUE (a, b), CONSTRAINT ordered CHECK (a < b OR b IS NULL));
INSERT INTO t VALUES (1, 2, 3), (1, NULL, 3), (1, NULL, 4);
--@ expect error 23505
INSERT INTO t VALUES (1, 2, 5);
--@ expect error 23514
INSERT INTO t VALUES (0, 2, 5);
--@ expect error 23514
INSERT INTO t VALUES (5, 2, 5);
--@ expect error 23502
INSERT INTO t VALUES (NULL, 2, NULL);
--@ expect error 23514
UPDATE t SET b = 1 WHERE b = 2;
--@ expect error 23502
UPDATE t SET c = NULL;
SELECT * FROM t ORDER BY b, c;
--| 1 | 2    | 3
--| 1 | NULL | 3
--| 1 | NULL | 4
--@ expect error 23505
INSERT INTO t VALUES (2, 3, 1), (3, 4, 1), (2, 3, 1);
SELECT count(*) FROM t;
--| 3
CREATE TABLE u (a int UNIQUE DEFERRABLE);
INSERT INTO u VALUES (1), (2), (3);
UPDATE u SET a = a + 1;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO u VALUES (4);
DELETE FROM u WHERE a = 4;
COMMIT;
SELECT * FROM u ORDER BY a;
--| 2
--| 3
ALTER TABLE t ADD CONSTRAINT later CHECK (c > 3) NOT VALID;
--@ expect error 23514
INSERT INTO t VALUES (7, 8, 1);
--@ expect error 23514
ALTER TABLE t VALIDATE CONSTRAINT later;
--@ expect error 42P16
CREATE TABLE x (a int PRIMARY KEY, b int PRIMARY KEY);
