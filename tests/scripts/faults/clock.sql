-- The machine's calendar jumps: times are strange, rows are not.
CREATE TABLE t (id int PRIMARY KEY, at timestamptz DEFAULT now());
INSERT INTO t VALUES (1);
--@ fault clock_jump at wal.append.commit seconds=-86400
INSERT INTO t VALUES (2);
INSERT INTO t VALUES (3);
SELECT a.at > b.at FROM t a, t b WHERE a.id = 1 AND b.id = 3;
--| t
CHECKPOINT;
--@ restart crash
SELECT count(*) FROM t;
--| 3
