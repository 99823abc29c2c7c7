-- A write that stops half way.
--@ require unforced
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
--@ fault short_write at wal.flush.before_write bytes=20
--@ expect error 58030 or 40003
INSERT INTO t VALUES (2);
--@ restart crash
SELECT * FROM t;
--| 1
INSERT INTO t VALUES (3);
--@ fault short_write at pages.write bytes=100
--@ expect error 58030
CHECKPOINT;
--@ restart crash
SELECT id FROM t ORDER BY id;
--| 1
--| 3
CHECKPOINT;
--@ restart crash
SELECT id FROM t ORDER BY id;
--| 1
--| 3
