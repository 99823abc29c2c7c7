-- A bit that turns over on its way to the disk: nothing is answered from what has a wrong checksum.
--@ require unforced
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT g, 'row' FROM generate_series(1, 10) g;
CHECKPOINT;
UPDATE t SET a = 'new' WHERE id = 1;
-- The superblock: the one before is taken, and the log brings it up to date.
--@ fault bit_flip at checkpoint.superblock
CHECKPOINT;
--@ restart crash
SELECT a, count(*) FROM t GROUP BY a ORDER BY a;
--| new | 1
--| row | 9
UPDATE t SET a = 'newer' WHERE id = 1;
CHECKPOINT;
-- The log's last record, as torn as any other: the machine stops before anything else is written.
--@ fault bit_flip at wal.flush.before_write
--@ crash at wal.flush.after_sync
UPDATE t SET a = 'newest' WHERE id = 1;
SELECT a FROM t WHERE id = 1;
--| newer
