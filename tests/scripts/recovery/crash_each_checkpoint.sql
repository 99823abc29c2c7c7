-- A checkpoint: at whichever step the machine stops, the database is the one before or the one after, which hold the same rows.
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT g, repeat('x', g * 10) FROM generate_series(1, 30) g;
DELETE FROM t WHERE id % 3 = 0;
UPDATE t SET a = 'short' WHERE id % 3 = 1;
--@ expect invariant "SELECT count(*) = 20 AND sum(id) = 300 AND sum(length(a)) = 1600 FROM t"
--@ crash each checkpoint.* pages.write with drop_unsynced
CHECKPOINT;
--@ end
SELECT count(*) FROM t;
--| 20
SELECT outcome FROM lungfish.checkpoint_history ORDER BY checkpoint_id DESC LIMIT 1;
--| complete
