-- Counting in every order of three sessions: no update is lost, whoever waits for whom.
CREATE TABLE c (n int);
INSERT INTO c VALUES (0);
CREATE TABLE done (who text);
--@ expect invariant "SELECT n >= (SELECT count(*) FROM done) FROM c"
--@ permute 16 seed=3
--@ session a
BEGIN;
UPDATE c SET n = n + 1;
INSERT INTO done VALUES ('a');
COMMIT;
--@ session b
BEGIN;
UPDATE c SET n = n + 1;
INSERT INTO done VALUES ('b');
COMMIT;
--@ session c
UPDATE c SET n = n + 1;
INSERT INTO done VALUES ('c');
--@ end
--@ session main
SELECT n, (SELECT count(*) FROM done) FROM c;
--| 3 | 3
