-- Closing: the final checkpoint, the log's removal, the file's end.
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t SELECT generate_series(1, 10);
--@ expect invariant "SELECT count(*) >= 10 FROM t"
--@ crash each close.* checkpoint.superblock* checkpoint.prune
INSERT INTO t SELECT 100 + count(*) FROM t;
--@ restart clean
--@ end
SELECT count(*) FROM t;
--| 11
--@ crash at close.log drop_unsynced
--@ restart clean
--@ crash at close.file drop_unsynced
--@ restart clean
SELECT count(*) FROM t;
--| 11
