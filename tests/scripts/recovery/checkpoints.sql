-- CHECKPOINT, its options and its history.
--@ require lungfish
--@ require unforced
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT g, 'row ' || g FROM generate_series(1, 100) g;
CHECKPOINT;
CHECKPOINT (DRY_RUN);
BEGIN;
--@ expect error 25001
CHECKPOINT;
ROLLBACK;
CHECKPOINT (NAME 'first', TYPE FULL);
UPDATE t SET a = 'changed';
CHECKPOINT;
SELECT name, state FROM lungfish.checkpoint_images WHERE name = 'first';
--| first | previous
--@ restart crash
SELECT count(*) FROM t WHERE a = 'changed';
--| 100
SELECT name FROM lungfish.checkpoint_images WHERE name = 'first';
--| first
DROP CHECKPOINT first;
CHECKPOINT;
CHECKPOINT;
SELECT count(*) FROM lungfish.checkpoint_images WHERE name = 'first';
--| 0
--@ expect error 42704
DROP CHECKPOINT first;
SELECT outcome, count(*) > 2 FROM lungfish.checkpoint_history WHERE outcome = 'complete' GROUP BY 1;
--| complete | t
