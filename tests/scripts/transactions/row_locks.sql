-- FOR UPDATE and its kin, SKIP LOCKED and NOWAIT: a queue of jobs.
CREATE TABLE jobs (id int PRIMARY KEY, state text);
INSERT INTO jobs SELECT g, 'new' FROM generate_series(1, 4) g;
--@ session a
BEGIN;
SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
--| 1
--@ session b
BEGIN;
SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
--| 2
--@ expect error 55P03
SELECT id FROM jobs WHERE id = 1 FOR UPDATE NOWAIT;
ROLLBACK;
--@ session a
UPDATE jobs SET state = 'done' WHERE id = 1;
--@ session b
--@ expect blocked by a
SELECT id, state FROM jobs WHERE id = 1 FOR UPDATE;
--@ session a
COMMIT;
--@ wait b
--| 1 | done
-- Sharers do not wait for each other, a writer waits for them.
--@ session a
BEGIN;
SELECT id FROM jobs WHERE id = 3 FOR SHARE;
--| 3
--@ session b
BEGIN;
SELECT id FROM jobs WHERE id = 3 FOR SHARE;
--| 3
--@ session c
--@ expect blocked by a
UPDATE jobs SET state = 'x' WHERE id = 3;
--@ session a
COMMIT;
--@ session b
COMMIT;
--@ expect tag UPDATE 1
--@ wait c
