-- A transaction over two tables and an index: at whichever step of the log the machine stops, all of it is there, or nothing.
CREATE TABLE a (id int PRIMARY KEY, n int);
CREATE TABLE b (id int PRIMARY KEY, n int);
CREATE INDEX b_n ON b (n);
INSERT INTO a VALUES (1, 100);
INSERT INTO b VALUES (1, 0);
--@ expect invariant "SELECT (SELECT n FROM a) + (SELECT n FROM b) = 100"
--@ expect invariant "SELECT (SELECT count(*) FROM b WHERE n BETWEEN 0 AND 100) = 1"
--@ crash each wal.* with drop_unsynced
BEGIN;
UPDATE a SET n = n - 30;
UPDATE b SET n = n + 30;
COMMIT;
--@ end
SELECT a.n, b.n FROM a, b;
--| 70 | 30
--@ crash each wal.flush.*
BEGIN;
UPDATE a SET n = n - 20;
UPDATE b SET n = n + 20;
COMMIT;
--@ end
SELECT a.n, b.n FROM a, b;
--| 50 | 50
