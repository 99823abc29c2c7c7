-- A restart that is itself cut off begins again, as often as it takes.
--@ require unforced
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT g, g FROM generate_series(1, 20) g;
CHECKPOINT;
UPDATE t SET a = -a WHERE id % 2 = 0;
DELETE FROM t WHERE id > 18;
--@ expect invariant "SELECT count(*) = 18 AND sum(a) = -9 FROM t"
--@ expect invariant "SELECT count(*) = 9 FROM t WHERE a < 0"
--@ crash each restart.* with drop_unsynced
--@ restart crash
--@ end
--@ crash at restart.redo.table
--@ restart crash
--@ crash at restart.done
--@ restart crash
SELECT count(*) FROM t WHERE a > 0;
--| 9
