-- A row that goes to another partition while somebody waits for it: 40001 at every level, but for ON CONFLICT, which it is no longer in the way of.
CREATE TABLE p (i int PRIMARY KEY, v int) PARTITION BY RANGE (i);
CREATE TABLE p_low PARTITION OF p FOR VALUES FROM (0) TO (100);
CREATE TABLE p_high PARTITION OF p FOR VALUES FROM (100) TO (200);
INSERT INTO p VALUES (1, 10), (2, 20), (3, 30), (4, 40), (5, 50);
--@ session mover
BEGIN;
UPDATE p SET i = i + 100 WHERE i <= 4;
--@ session updater
--@ expect blocked by mover
UPDATE p SET v = v + 1 WHERE i = 1;
--@ session deleter
--@ expect blocked by mover
DELETE FROM p WHERE i = 2;
--@ session reader
--@ expect blocked by mover
SELECT v FROM p WHERE i = 3 FOR UPDATE;
--@ session inserter
--@ expect blocked by mover
INSERT INTO p VALUES (4, 44) ON CONFLICT (i) DO UPDATE SET v = 0;
--@ session mover
COMMIT;
--@ expect error 40001
--@ wait updater
--@ expect error 40001
--@ wait deleter
--@ expect error 40001
--@ wait reader
--@ expect tag INSERT 0 1
--@ wait inserter
--@ session main
SELECT i, v FROM p ORDER BY i;
--| 4 | 44
--| 5 | 50
--| 101 | 10
--| 102 | 20
--| 103 | 30
--| 104 | 40
-- What is rolled back has not moved.
--@ session mover
BEGIN;
UPDATE p SET i = 105 WHERE i = 5;
--@ session updater
--@ expect blocked by mover
UPDATE p SET v = v + 1 WHERE i = 5;
--@ session mover
ROLLBACK;
--@ expect tag UPDATE 1
--@ wait updater
--@ session main
SELECT tableoid::regclass, i, v FROM p WHERE i IN (5, 105);
--| p_low | 5 | 51
