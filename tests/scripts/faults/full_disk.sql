-- A full disk refuses the commit and nothing else: queries go on, and so does the next commit once there is room.
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t VALUES (1, 'before');
--@ fault enospc at wal.flush.before_write
--@ expect error 53100
INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(2, 300) g;
SELECT * FROM t;
--| 1 | before
INSERT INTO t VALUES (2, 'after');
--@ fault enospc at checkpoint.pages
--@ expect error 53100
CHECKPOINT;
SELECT count(*) FROM t;
--| 2
CHECKPOINT;
--@ fault enospc at checkpoint.publish
--@ expect error 53100
CHECKPOINT (TYPE FULL);
UPDATE t SET a = 'changed';
--@ restart crash
SELECT * FROM t ORDER BY id;
--| 1 | changed
--| 2 | changed
--@ fault enospc at wal.segment.create
--@ expect error 53100
INSERT INTO t VALUES (3, 'refused');
INSERT INTO t VALUES (3, 'taken');
SELECT count(*) FROM t;
--| 3
