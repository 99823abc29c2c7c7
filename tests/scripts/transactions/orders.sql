-- Transfers in every order of two sessions: no money is made or lost, whatever deadlocks.
CREATE TABLE accounts (id int PRIMARY KEY, n int CHECK (n >= 0));
INSERT INTO accounts VALUES (1, 100), (2, 100);
--@ expect invariant "SELECT sum(n) = 200 FROM accounts"
--@ permute 16 seed=1
--@ session a
BEGIN;
UPDATE accounts SET n = n - 10 WHERE id = 1;
UPDATE accounts SET n = n + 10 WHERE id = 2;
COMMIT;
--@ session b
BEGIN;
UPDATE accounts SET n = n - 30 WHERE id = 2;
UPDATE accounts SET n = n + 30 WHERE id = 1;
COMMIT;
--@ end
--@ session main
SELECT * FROM accounts ORDER BY id;
--| 1 | 120
--| 2 | 80
