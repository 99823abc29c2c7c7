-- A table made, filled and indexed in one transaction: the whole of it, or nothing, at every step.
CREATE TABLE log (n int);
INSERT INTO log VALUES (0);
--@ expect invariant "SELECT (SELECT max(n) FROM log) = (SELECT count(*) FROM pg_class WHERE relname = 'made')"
--@ crash each catalog.* wal.flush.* with drop_unsynced
BEGIN;
CREATE TABLE made (id int PRIMARY KEY, a text);
INSERT INTO made SELECT g, 'row' FROM generate_series(1, 50) g;
CREATE INDEX made_a ON made (a);
UPDATE log SET n = 1;
COMMIT;
--@ end
SELECT count(*) FROM made WHERE a = 'row';
--| 50
--@ restart crash
SELECT count(*) FROM made WHERE a = 'row';
--| 50
--@ crash each catalog.*
BEGIN;
DROP TABLE made;
UPDATE log SET n = 0;
COMMIT;
--@ end
--@ expect error 42P01
SELECT * FROM made;
