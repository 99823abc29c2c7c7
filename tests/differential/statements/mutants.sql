-- What mutated statements found: each once raised an internal error, or was answered otherwise than PostgreSQL answers it.
CREATE TABLE t (a int, b int);
INSERT INTO t VALUES (1, 2), (3, 4);
CREATE VIEW v AS SELECT * FROM t WHERE a > 1;
CREATE SEQUENCE s;
-- Functions of one row in FROM.
SELECT g FROM lcm(0, 9999) AS g;
SELECT * FROM textcat('junk', 'nope');
SELECT NULL FROM round(3);
SELECT * FROM abs(1 / 0);
-- GROUPING within aggregates.
SELECT array_agg(GROUPING(b)) FROM t;
SELECT array_agg(GROUPING(b)) FROM t GROUP BY ROLLUP (b);
SELECT count(*) FILTER (WHERE GROUPING(b) = 1) FROM t GROUP BY ROLLUP (b);
SELECT GROUPING(GROUPING(b)) FROM t GROUP BY ROLLUP (b);
-- Subscripts of what is inserted.
CREATE TABLE arrays (a int[]);
INSERT INTO arrays (a[count(0)], a[10]) SELECT 1, 8;
INSERT INTO arrays (a[count(0)]) VALUES (1);
INSERT INTO arrays (a[row_number() OVER ()]) VALUES (1);
INSERT INTO arrays (a[(SELECT 1)]) VALUES (1) RETURNING *;
-- VARIADIC before the last argument of what is not variadic.
SELECT abs(VARIADIC -1), substring('abcdef', 2, VARIADIC 3), rpad('hi', 5, VARIADIC 'x');
SELECT regexp_like('a', 'b', VARIADIC 'n');
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
SELECT twice(VARIADIC 4);
SELECT twice(DISTINCT 4);
SELECT twice(4 ORDER BY 1);
-- Texts that are no value of their type under any settings, however far they are from being asked for.
SELECT 1 WHERE false AND 'x'::date = 'y';
PREPARE p AS SELECT '{1,2}'::interval;
SELECT count(*) FROM (SELECT '{"a":1}'::date) AS w;
SELECT stddev_samp('nan'::timestamp);
SELECT '42'::float4 / 'Infinity'::time;
SELECT '[2020-01-01,x)'::daterange WHERE false;
SELECT '{2020-01-01,x}'::date[] WHERE false;
SELECT * FROM t WHERE a > 10 AND now() > 'junk';
CREATE TABLE bad (a date DEFAULT 'x');
CREATE TABLE bad (a int) PARTITION BY RANGE (('m'::time));
EXPLAIN SELECT 'P-2147483648D-1W'::interval;
SELECT 'today'::date = current_date, '[yesterday,today]'::daterange @> current_date - 1, '{now}'::timestamptz[] = ARRAY[now()];
-- Whole rows have the type of their table, or view.
SELECT v, pg_typeof(v) FROM v;
DELETE FROM t WHERE false RETURNING NULL, old.*, new, old;
DELETE FROM v RETURNING old, new, v, NULL;
INSERT INTO t VALUES (3, 4) RETURNING new, 'x', NULL;
UPDATE v SET b = 5 RETURNING old, new, v;
-- Names, constants and clauses that are refused.
SELECT 2 FROM t AS t NATURAL JOIN t;
SELECT 2 FROM t, t AS t;
SELECT NULL ORDER BY NULL;
SELECT 1 GROUP BY NULL;
SELECT DISTINCT ON (NULL) 1;
SELECT 'a' LIKE pg_catalog.like_escape('a');
SELECT count(*) FROM t FOR SHARE;
SELECT count(*) OVER () FROM t FOR SHARE;
SELECT generate_series(1, 2) FROM t FOR UPDATE;
SELECT 1 UNION SELECT 2 FOR UPDATE;
ALTER TABLE t ALTER COLUMN a TYPE text, ALTER COLUMN a TYPE int USING 1;
CREATE TABLE part (a int) PARTITION BY RANGE ((abs(25)));
CREATE TABLE part (a int, b int) PARTITION BY RANGE (a, (1 + 1));
-- What is volatile is called, whether its result is looked at or not.
SELECT count(*) FROM (SELECT nextval('s'), a FROM t) AS w;
SELECT count(a) FROM (SELECT a FROM (SELECT nextval('s') AS x, a FROM t) AS y) AS w;
SELECT a FROM (SELECT nextval('s'), a FROM t) AS w ORDER BY a;
WITH w AS (SELECT nextval('s'), a FROM t) SELECT count(*) FROM w;
SELECT EXISTS (SELECT nextval('s') FROM t), a FROM t ORDER BY a;
SELECT a FROM t WHERE a IN (SELECT a FROM (SELECT nextval('s'), a FROM t) AS w) ORDER BY a;
SELECT last_value FROM s;
-- Halves of surrogate pairs: type json lets them stand until they are to be text.
SELECT '{"a":"\ud800"}'::json ->> 'a';
SELECT '["\udc00\ud800"]'::json ->> 0;
SELECT json_array_elements_text('["\ud800"]');
SELECT * FROM json_each_text('{"a":"\ud800"}');
SELECT * FROM json_to_record('{"a":"\ud800"}') AS x(a text);
SELECT '{"\ud800":1}'::json -> 'b';
SELECT '{"a":"\ud83d\ude00"}'::json ->> 'a', '"\ud800"'::json;
-- DISTINCT over what no row has a say in.
SELECT DISTINCT 1, NULL::int4range, 'x' FROM t;
SELECT DISTINCT a + 1, now() IS NULL FROM t ORDER BY 1;
