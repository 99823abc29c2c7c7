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
-- What views keep: casts before IS JSON, lists of arrays one by one, names behind renamings; whole rows as one value.
create table texts(a int, b text, arr int[], d date, j jsonb, ts timestamp);
create table pairs(x int, y int);
insert into pairs values (1,2),(3,null);
insert into texts(a,b,arr) values (1,'{}','{1,2}'),(2,'[1]',null);
create view json_view as select ('{}'::text)::json is json as c1, (b::bytea) is json object as c2, b::varchar is json array with unique keys as c3, b::char(5) is json as c4, b is not json as c5, '{}' is json scalar as c6, j is json as c7, j::text is json as c8 from texts;
select pg_get_viewdef('json_view');
create view list_view as select arr in ('{1,2}', array[3,4]) as c1, arr not in (array[1], array[2]) as c2 , array[a] in (arr, '{1}') as c3 from texts;
select pg_get_viewdef('list_view');
select * from list_view;
alter table texts rename a to aa;
select pg_get_viewdef('list_view');
alter table texts rename aa to a;
create view alias_view as select s.p, s.q from (select a, b from texts) s(p, q) where s.p > 1;
select pg_get_viewdef('alias_view');
alter table texts rename a to aa;
select pg_get_viewdef('alias_view');
alter table texts rename aa to a;
select texts in (select pairs from pairs) from texts limit 0;
select pairs in (select pairs from pairs) from pairs;
select pairs not in (select pairs from pairs where x = 1) from pairs;
select pairs = any (select pairs from pairs), pairs <> all (select pairs from pairs) from pairs;
select pairs in (select x, y from pairs) from pairs;
select row(1,2) in (select pairs from pairs);
select row(pairs) in (select pairs from pairs) from pairs;
select row(1,2) in (select x, y from pairs);
select (pairs.*) in (select x, y from pairs) from pairs;
select row(pairs.*) in (select x, y from pairs) from pairs;
select (1,2)=any(select x,y from pairs);
select arr in ('{1,2}') from texts;
select arr in ('{1,2}', null) from texts;
select array[1,2] in (array[1,2], array[3]);
select '{1,2}'::int[] in ('{1,2}', '{3}');
select array[1,2] in (array[1.0,2], array[3]);
-- Literals of dates and times in what is stored mean what they meant when it was stored.
CREATE TABLE days (a date DEFAULT 'today', b timestamp DEFAULT 'now', c date DEFAULT 'now'::text::date, d text DEFAULT 'today', e date DEFAULT current_date);
ALTER TABLE days ALTER COLUMN c SET DEFAULT date 'tomorrow';
SELECT pg_get_expr(adbin, adrelid) ~ 'today|now|tomorrow' FROM pg_attrdef ORDER BY adnum;
CREATE VIEW fixed AS SELECT 'today'::date = current_date AS c1, timestamptz 'now' <= now() AS c2, a > 'yesterday' AS c3, (SELECT max(a) FROM days WHERE a < date 'tomorrow') AS c4, 'today' AS c5 FROM days;
SELECT pg_get_viewdef('fixed') ~ 'today''::date|now''|tomorrow|yesterday', pg_get_viewdef('fixed') ~ '''20[0-9-]+''::date';
INSERT INTO days (b) VALUES ('epoch');
SELECT c1, c2, c3, c4 = current_date, c5 FROM fixed;
SET datestyle = 'ISO, DMY';
CREATE VIEW dated AS SELECT '01/02/2020'::date AS c1, '{01/02/2020,03/04/2020}'::date[] AS c2, '01/02/2020 10:00' < b AS c3 FROM days;
SET datestyle = 'ISO, MDY';
SELECT * FROM dated;
SELECT pg_get_viewdef('dated');
SET intervalstyle = 'sql_standard';
CREATE VIEW spans AS SELECT '-1 2:03:04'::interval AS c1;
SET intervalstyle = 'postgres';
SELECT * FROM spans;
SELECT pg_get_viewdef('spans');
SET timezone = 'America/New_York';
CREATE VIEW zoned AS SELECT '2020-01-01 12:00'::timestamptz AS c1, '10:00'::timetz AS c2;
SET timezone = 'UTC';
SELECT c1 FROM zoned;
CREATE MATERIALIZED VIEW kept AS SELECT 'today'::date = current_date AS c1;
SELECT pg_get_viewdef('kept') ~ 'today';
