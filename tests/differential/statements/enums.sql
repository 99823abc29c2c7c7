-- The numbers of an enum's labels.
CREATE TYPE weight AS ENUM ('light', 'heavy');
ALTER TYPE weight ADD VALUE 'feather' BEFORE 'light';
ALTER TYPE weight ADD VALUE 'middle' AFTER 'light';
ALTER TYPE weight ADD VALUE 'cruiser' BEFORE 'heavy';
ALTER TYPE weight ADD VALUE 'super';
SELECT enumlabel, enumsortorder FROM pg_enum WHERE enumtypid = 'weight'::regtype ORDER BY enumsortorder;
ALTER TYPE weight RENAME VALUE 'super' TO 'over';
SELECT enumlabel, enumsortorder FROM pg_enum WHERE enumtypid = 'weight'::regtype ORDER BY enumlabel::weight;
CREATE VIEW rows_of AS SELECT ROW(1, 2) AS r;
CREATE TABLE rows_of AS SELECT ARRAY[ROW(1, 2)] AS r;
