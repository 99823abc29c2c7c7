-- Every directive of the language once, as far as it is not told by its failure (tests/script/test_runner.py).
CREATE TABLE t (a int PRIMARY KEY, b text);
--@ expect tag INSERT 0 2
INSERT INTO t VALUES (1, 'one'), (2, NULL);
--@ expect invariant "SELECT count(*) >= 2 FROM t"
SELECT * FROM t ORDER BY a;
--| 1 | one
--| 2 | NULL
--@ expect error 23505
INSERT INTO t VALUES (1, 'x');
--@ restart clean
--@ restart crash
SELECT count(*) FROM t;
--| 2
--@ crash at wal.flush.before_sync drop_unsynced
INSERT INTO t VALUES (3, 'lost');
SELECT a FROM t ORDER BY a;
--| 1
--| 2
--@ crash at wal.flush.after_sync
INSERT INTO t VALUES (3, 'kept');
SELECT a FROM t ORDER BY a;
--| 1
--| 2
--| 3
--@ session a
BEGIN;
UPDATE t SET b = 'a' WHERE a = 1;
--@ session b
--@ expect blocked by a
UPDATE t SET b = 'b' WHERE a = 1;
--@ session a
COMMIT;
--@ wait b
SELECT b FROM t WHERE a = 1;
--| b
--@ crash each checkpoint.superblock* pages.*
INSERT INTO t VALUES (4, 'x');
CHECKPOINT;
--@ end
--@ session main
--@ loop i 10..12
INSERT INTO t VALUES (:i, 'x');
SELECT a FROM t WHERE a = :i;
--| :i
--@ end
--@ expect counter wal_bytes < 8kB
DELETE FROM t WHERE a = 10;
--@ expect plan "Index"
SELECT b FROM t WHERE a = 1;
--@ permute all
--@ session a
BEGIN;
UPDATE t SET b = 'a' WHERE a = 1;
COMMIT;
--@ session b
BEGIN;
UPDATE t SET b = 'b' WHERE a = 1;
COMMIT;
--@ end
--@ fault enospc at wal.flush.before_write
--@ expect error 53100
INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(100, 400) g;
SELECT count(*) FROM t WHERE a >= 100;
--| 0
--@ fault eio at wal.flush.before_sync
--@ expect error 58030 or 40003
INSERT INTO t VALUES (50, 'y');
--@ restart crash
SELECT count(*) IN (0, 1) FROM t WHERE a = 50;
--| t
--@ fault short_write at wal.flush.before_write bytes=20
--@ expect error 58030 or 40003
INSERT INTO t VALUES (60, 'short');
--@ restart crash
SELECT count(*) FROM t WHERE a = 60;
--| 0
--@ fault clock_jump at wal.append.commit seconds=86400
INSERT INTO t VALUES (61, 'tomorrow');
--@ crash at wal.flush.before_sync torn=30
INSERT INTO t VALUES (62, 'torn');
SELECT a FROM t WHERE a IN (61, 62);
--| 61
--@ crash at restart.redo
--@ restart crash
SELECT a FROM t WHERE a IN (61, 62);
--| 61
--@ crash at close.log
--@ restart clean
--@ fault bit_flip at pages.write
CHECKPOINT;
COPY t FROM STDIN;
70	copied
\.
COPY (SELECT a FROM t WHERE a = 70) TO STDOUT;
--| 70
--@ expect rows subset
SELECT a FROM t;
--| 70
--@ expect rows sorted
SELECT a FROM t WHERE a IN (61, 70) ORDER BY a DESC;
--| 61
--| 70
--@ foreach type in int4, int8, numeric
SELECT pg_typeof(1::$type)::text = '1' OR true;
--| t
--@ end
