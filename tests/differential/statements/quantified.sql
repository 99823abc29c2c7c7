-- Many values compared with the rows of one subquery, and with the elements of one array.
CREATE TABLE a AS SELECT i AS id, (i % 7)::numeric AS c, 'x' || i AS s, (i % 5)::float8 AS f FROM generate_series(1, 60) AS i;
INSERT INTO a VALUES (NULL, NULL, NULL, 'NaN'), (-1, 1.00, 'zz', '-0');
SELECT id, id = ANY (ARRAY(SELECT id FROM a AS x WHERE x.c > 3 OR x.id IS NULL)), id = ANY (ARRAY(SELECT id FROM a AS x WHERE x.c > 3)) FROM a;
SELECT id, c = ANY (ARRAY(SELECT c FROM a AS x WHERE x.c > 3)), c <> ALL (ARRAY(SELECT c FROM a AS x WHERE x.c > 3)), c < ANY (ARRAY(SELECT c FROM a AS x WHERE x.c > 3)) FROM a;
SELECT id, c = ANY (ARRAY(SELECT c::numeric(20,5) FROM a)), f = ANY (ARRAY(SELECT f FROM a)), s = ANY (ARRAY(SELECT s FROM a WHERE id > 30)) FROM a;
SELECT id, 5 = ANY (ARRAY(SELECT x.id FROM a AS x WHERE x.id < a.id)) FROM a;
SELECT id, id = ANY ('{{1,2,3,4,5,6,7,8},{9,10,11,12,13,14,15,16}}'::int[]), id = ANY ('{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,NULL}') FROM a;
SELECT id, (id, s) IN (SELECT id, s FROM a) OR c = 3, (id, c) NOT IN (SELECT id, c FROM a WHERE id IS NOT NULL), (id, NULL) IN (SELECT id, 1 FROM a) FROM a;
SELECT (c, f) IN (SELECT c, f FROM a) AS x, (c, f) = ANY (SELECT 1.0, 1::float8 UNION ALL SELECT NULL, 3), c <> ALL (SELECT c FROM a WHERE c > 2), c >= ALL (SELECT c FROM a WHERE c < 3), count(*) FROM a GROUP BY c, f;
SELECT (1.00, 'NaN'::float8) IN (SELECT 1, 'NaN'::float8), -0.0::float8 IN (SELECT 0::float8), 'a '::char(3) IN (SELECT 'a'::char(5)), interval '1 mon' IN (SELECT interval '30 days'), '{"a": 1.0}'::jsonb IN (SELECT '{"a": 1}'::jsonb) FROM a LIMIT 1;
SELECT count(*) FROM a LEFT JOIN a AS b ON a.c IN (SELECT c FROM a WHERE c > 2) AND b.id < 3;
SELECT count(*) FROM a AS x CROSS JOIN a AS y RIGHT JOIN a AS z ON NULL::date IN (SELECT NULL::timestamp FROM a WHERE false);
-- Keys of grouping sets that are subqueries or rows.
SELECT (SELECT 1), (SELECT 1) AS m, grouping((SELECT 1)) FROM a GROUP BY ROLLUP ((SELECT 1), c);
SELECT (SELECT max(id) FROM a AS x WHERE x.id < b.c), grouping((SELECT max(id) FROM a AS x WHERE x.id < b.c)) FROM a AS b GROUP BY ROLLUP ((SELECT max(id) FROM a AS x WHERE x.id < b.c));
SELECT y::text, grouping(y::text), count(*) FROM a AS x LEFT JOIN a AS y ON x.id = y.c AND y.id < 9 GROUP BY ROLLUP (y::text);
SELECT count(*) FROM a AS x LEFT JOIN a AS y ON x.id = y.c WHERE y IS NULL;
CREATE VIEW rows_in_text AS SELECT y IS NULL AS n, x IS NOT NULL AS m, ROW(x.id, x.s) IS NULL AS r, (x.id, x.c) IN (SELECT id, c FROM a) AS i FROM a AS x LEFT JOIN a AS y ON x.id = y.c;
SELECT pg_get_viewdef('rows_in_text'::regclass);
