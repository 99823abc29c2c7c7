-- A commit is there once its log is synced, and gone if the machine stops before that and loses what was not.
CREATE TABLE t (id int PRIMARY KEY);
--@ expect invariant "SELECT count(*) = count(DISTINCT id) FROM t"
--@ crash at wal.flush.before_write
INSERT INTO t VALUES (1);
--@ expect count 0
SELECT * FROM t;
--@ crash at wal.append.commit
INSERT INTO t VALUES (1);
--@ expect count 0
SELECT * FROM t;
--@ crash at wal.flush.before_sync drop_unsynced
INSERT INTO t VALUES (1);
--@ expect count 0
SELECT * FROM t;
-- Written and not lost: a killed process leaves it to the system.
--@ crash at wal.flush.before_sync
INSERT INTO t VALUES (2);
SELECT * FROM t;
--| 2
-- Torn: the record's checksum tells.
--@ crash at wal.flush.before_sync torn=40
INSERT INTO t VALUES (3);
SELECT * FROM t;
--| 2
--@ crash at wal.flush.before_sync torn=40 drop_unsynced
INSERT INTO t VALUES (4);
SELECT * FROM t;
--| 2
--@ crash at wal.flush.after_sync drop_unsynced
INSERT INTO t VALUES (5);
SELECT * FROM t ORDER BY id;
--| 2
--| 5
--@ crash at wal.segment.made drop_unsynced
INSERT INTO t VALUES (6);
SELECT count(*) FROM t WHERE id = 6;
--| 0
--@ crash at wal.segment.create
INSERT INTO t VALUES (6);
SELECT count(*) FROM t WHERE id = 6;
--| 0
