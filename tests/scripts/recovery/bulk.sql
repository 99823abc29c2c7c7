-- Many rows: several segments of the log, redone and checkpointed.
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT g, 'row ' || g, g % 7 FROM generate_series(1, 3000) g;
CREATE INDEX t_b ON t (b);
--@ restart crash
SELECT count(*), sum(id), count(DISTINCT b) FROM t;
--| 3000 | 4501500 | 7
DELETE FROM t WHERE id % 2 = 0;
UPDATE t SET b = 100 WHERE id % 3 = 0;
--@ restart crash
SELECT count(*), sum(b) FROM t;
--| 1500 | 53001
SELECT count(*) FROM t WHERE b = 100;
--| 500
CHECKPOINT;
TRUNCATE t;
--@ restart crash
SELECT count(*) FROM t;
--| 0
COPY t FROM STDIN;
1	copied	1
2	copied	2
\.
--@ restart crash
SELECT count(*) FROM t WHERE b = 2;
--| 1
