-- Two doctors who go off duty when another is on: REPEATABLE READ lets both go, row locks do not.
CREATE TABLE doctors (name text PRIMARY KEY, on_call boolean);
INSERT INTO doctors VALUES ('ann', true), ('bob', true);
--@ session a
BEGIN ISOLATION LEVEL REPEATABLE READ;
--@ session b
BEGIN ISOLATION LEVEL REPEATABLE READ;
--@ session a
UPDATE doctors SET on_call = false WHERE name = 'ann' AND (SELECT count(*) FROM doctors WHERE on_call) > 1;
--@ session b
UPDATE doctors SET on_call = false WHERE name = 'bob' AND (SELECT count(*) FROM doctors WHERE on_call) > 1;
--@ session a
COMMIT;
--@ session b
COMMIT;
SELECT count(*) FROM doctors WHERE on_call;
--| 0
UPDATE doctors SET on_call = true;
--@ session a
BEGIN;
SELECT count(*) FROM (SELECT 1 FROM doctors WHERE on_call FOR UPDATE) d;
--| 2
--@ session b
BEGIN;
--@ expect blocked by a
SELECT count(*) FROM (SELECT 1 FROM doctors WHERE on_call FOR UPDATE) d;
--@ session a
UPDATE doctors SET on_call = false WHERE name = 'ann';
COMMIT;
--@ wait b
--| 1
--@ session b
COMMIT;
