-- Expressions that are kept with tables, written back.
CREATE SEQUENCE numbers;
CREATE TABLE kept (
  a int DEFAULT 1 + 2, b text DEFAULT 'x', v varchar(5) DEFAULT 'abc', n numeric(5, 2) DEFAULT 1.5, d date DEFAULT current_date,
  f float8 DEFAULT -1.5, o bool DEFAULT true, s int DEFAULT nextval('numbers'), l int[] DEFAULT '{1,2}', i interval DEFAULT '1 day',
  m int DEFAULT -5, c char(3) DEFAULT 'ab', u text DEFAULT upper('x' || 'y'), w int DEFAULT CASE WHEN 1 > 2 THEN 3 ELSE 4 END,
  z int DEFAULT NULL, g int GENERATED ALWAYS AS (a * 2 + 1) STORED,
  CONSTRAINT c1 CHECK (a > 0 AND b <> 'q' OR NOT o), CONSTRAINT c2 CHECK (a BETWEEN 1 AND 10), CONSTRAINT c3 CHECK (b IN ('x', 'y')),
  CONSTRAINT c4 CHECK (n > 1 AND n < a), CONSTRAINT c5 CHECK (b LIKE 'x%' AND b IS NOT NULL), CONSTRAINT c6 CHECK ((a + 1)::text = b),
  CONSTRAINT c7 CHECK (coalesce(a, 0) > nullif(a, 5)), CONSTRAINT c8 CHECK (f > 1 AND -a < 5 AND a IS DISTINCT FROM 7),
  CONSTRAINT c9 CHECK (l[1] > 0 AND a = ANY (l) AND v || 'x' = c), CONSTRAINT c10 CHECK (o));
SELECT adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'kept'::regclass AND adnum <> 15 ORDER BY adnum;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'kept'::regclass AND contype = 'c' ORDER BY conname;
CREATE INDEX k1 ON kept ((a + 1));
CREATE INDEX k2 ON kept (lower(b), (a::text)) WHERE b = 'x' AND a > 5;
CREATE INDEX k3 ON kept ((coalesce(a, 1)), (a IS NULL)) WHERE o;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'kept'::regclass ORDER BY 1;
SELECT check_clause::text FROM information_schema.check_constraints WHERE constraint_name LIKE 'c%' AND check_clause NOT LIKE '%VALUE%' ORDER BY 1;
-- COLLATE inside of stored expressions.
create table collated (a int, b text, constraint collated_check check (b collate "C" > 'x' collate "C" and upper(b collate "POSIX") <> ''));
create unique index collated_key on collated ((a::text collate "C"));
create index collated_call on collated (lower(b) collate "C" desc, (b || 'x' collate "C"));
create index collated_where on collated (a) where a::text > 500000000::text collate "C";
create index collated_literal on collated ((1 / a)) where ('-H') >= (b::text) collate "C";
select pg_get_indexdef('collated_key'::regclass);
select pg_get_indexdef('collated_literal'::regclass);
select pg_get_constraintdef(oid) from pg_constraint where conname = 'collated_check';
