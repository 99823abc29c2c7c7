-- No memory at a step of a checkpoint: it fails, and the next one does not.
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
--@ foreach point in checkpoint.begin, checkpoint.fence, checkpoint.capture, checkpoint.write, checkpoint.pages, pages.write, checkpoint.publish
INSERT INTO t SELECT count(*) + 1 FROM t;
--@ fault memory at checkpoint.begin
--@ expect error 53200
CHECKPOINT;
CHECKPOINT;
--@ end
--@ restart crash
SELECT count(*) FROM t;
--| 8
