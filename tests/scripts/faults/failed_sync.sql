-- After a failed sync nobody knows what is on the disk: the log takes nothing more until the database is opened again.
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
--@ fault eio at wal.flush.before_sync
--@ expect error 40003
INSERT INTO t VALUES (2);
--@ expect error 58030 or 40003
INSERT INTO t VALUES (3);
--@ restart crash
SELECT count(*) IN (1, 2) FROM t;
--| t
INSERT INTO t VALUES (4);
SELECT id FROM t WHERE id IN (1, 3, 4) ORDER BY id;
--| 1
--| 4
-- The same of the data file: the checkpoint fails, nothing committed is lost.
--@ fault eio at checkpoint.sync
--@ expect error 58030
CHECKPOINT;
--@ restart crash
SELECT id FROM t WHERE id IN (1, 3, 4) ORDER BY id;
--| 1
--| 4
CHECKPOINT;
