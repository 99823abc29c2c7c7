-- Several sessions at the moment of a crash: the committed one is there, the open ones are not.
CREATE TABLE t (who text, n int);
--@ session a
BEGIN;
INSERT INTO t VALUES ('a', 1);
--@ session b
BEGIN;
INSERT INTO t VALUES ('b', 1);
COMMIT;
--@ session c
BEGIN;
INSERT INTO t VALUES ('c', 1);
--@ session main
CHECKPOINT;
--@ session c
COMMIT;
--@ session main
--@ restart crash
SELECT who FROM t ORDER BY who;
--| b
--| c
--@ session a
BEGIN;
UPDATE t SET n = n + 1 WHERE who = 'b';
--@ session b
--@ expect blocked by a
UPDATE t SET n = 100 WHERE who = 'b';
--@ session main
--@ restart crash
SELECT who, n FROM t ORDER BY who;
--| b | 1
--| c | 1
