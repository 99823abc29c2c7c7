-- Two who wait for each other: here it is the one who closes the circle that is told so, at once.
--@ require lungfish
CREATE TABLE t (id int PRIMARY KEY, n int);
INSERT INTO t VALUES (1, 0), (2, 0);
--@ session a
BEGIN;
UPDATE t SET n = 1 WHERE id = 1;
--@ session b
BEGIN;
UPDATE t SET n = 2 WHERE id = 2;
--@ session a
--@ expect blocked by b
UPDATE t SET n = 1 WHERE id = 2;
--@ session b
--@ expect error 40P01
UPDATE t SET n = 2 WHERE id = 1;
ROLLBACK;
--@ wait a
--@ session a
COMMIT;
SELECT * FROM t ORDER BY id;
--| 1 | 1
--| 2 | 1
