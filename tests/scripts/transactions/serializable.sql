-- SERIALIZABLE: in every order of two doctors who go off duty when another is on, one of them stays.
CREATE TABLE doctors (name text PRIMARY KEY, on_call boolean);
INSERT INTO doctors VALUES ('ann', true), ('bob', true);
--@ expect invariant "SELECT count(*) >= 1 FROM doctors WHERE on_call"
--@ permute all
--@ session a
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE doctors SET on_call = false WHERE name = 'ann' AND (SELECT count(*) FROM doctors WHERE on_call) > 1;
COMMIT;
--@ session b
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE doctors SET on_call = false WHERE name = 'bob' AND (SELECT count(*) FROM doctors WHERE on_call) > 1;
COMMIT;
--@ end
--@ session main
SELECT count(*) FROM doctors WHERE on_call;
--| 1
