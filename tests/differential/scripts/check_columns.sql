-- The columns of checks, in the order in which they are written, and checks that a new child need not validate.
CREATE TABLE p (a int, b int);
ALTER TABLE p ADD CONSTRAINT nv CHECK (a > 0) NOT VALID;
ALTER TABLE p ADD CONSTRAINT ne CHECK (b > a AND a < 9) NOT ENFORCED;
CREATE TABLE c () INHERITS (p);
CREATE TABLE pp (a int, b int) PARTITION BY LIST (a);
ALTER TABLE pp ADD CONSTRAINT nv CHECK (b > a) NOT VALID;
CREATE TABLE pp1 PARTITION OF pp FOR VALUES IN (1);
CREATE TABLE q (x int, y int, z int, CHECK (z > x AND y > 0 AND x > z), CONSTRAINT cc CHECK (CASE WHEN y > 1 THEN z ELSE x END > 0), CHECK (coalesce(z, y) > 0), CHECK (1 = 1));
CREATE TABLE w (lower text, b text, c int, CHECK (lower(b) = 'x'), CHECK (b = 'c'));
ALTER TABLE w DROP COLUMN lower;
ALTER TABLE w DROP COLUMN c;
SELECT conrelid::regclass, conname, convalidated, conenforced, conislocal, coninhcount, conkey, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0 ORDER BY conrelid::regclass::text, 2;
