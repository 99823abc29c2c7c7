-- Actions of one ALTER TABLE that contradict or help each other.
CREATE TABLE t (a int NOT NULL, b int);
ALTER TABLE t DROP CONSTRAINT t_a_not_null, ADD PRIMARY KEY (a);
ALTER TABLE t ADD PRIMARY KEY (a, b), ALTER a DROP NOT NULL;
ALTER TABLE t ADD COLUMN c int, ALTER a DROP NOT NULL, ADD PRIMARY KEY (a, c);
ALTER TABLE t ALTER a DROP NOT NULL, ADD CONSTRAINT nn NOT NULL a, ADD PRIMARY KEY (a);
SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass ORDER BY 1;
ALTER TABLE t ALTER b ADD GENERATED ALWAYS AS IDENTITY, ADD CONSTRAINT nb NOT NULL b;
ALTER TABLE t ALTER b DROP IDENTITY, ALTER b TYPE text;
ALTER TABLE t ALTER b TYPE text, ALTER b TYPE text;
ALTER TABLE t ALTER b TYPE bigint, ALTER b TYPE text;
ALTER TABLE t ALTER nope TYPE text, DROP CONSTRAINT nope;
ALTER TABLE t ALTER nope TYPE text, DROP COLUMN b;
SELECT attname, attnotnull, attidentity, atttypid::regtype FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0;
