-- Whole rows of the nullable sides of outer joins: no row is not a row of nulls, wherever the row is named.
CREATE TABLE t (id int PRIMARY KEY, c0 int, c1 int);
INSERT INTO t VALUES (1, 1, 1), (2, NULL, 3), (3, 1, NULL);
SELECT a2 FROM t AS a1 LEFT JOIN (t AS a2 CROSS JOIN t AS a3) ON a1.c1 = a3.c1 AND NOT a2 IS NULL;
SELECT a1, a2, a3 FROM t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id LEFT JOIN t AS a3 ON a1.c1 = a3.id AND a2 IS NULL;
SELECT a1, a2, a3 FROM t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id AND NOT a2 IS NULL LEFT JOIN t AS a3 ON a2::text IS NULL;
SELECT a1, a2, a3 FROM t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id RIGHT JOIN t AS a3 ON a2::text IS NULL;
SELECT a1, a2, a3 FROM t AS a3 LEFT JOIN (t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id) ON (SELECT a2::text IS NULL) AND a1.id = a3.c1;
SELECT a1, x, y FROM t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id LEFT JOIN LATERAL (SELECT a2::text AS x, a2 IS NULL AS y FROM t WHERE a2::text IS NULL) AS a3 ON true;
-- A row of a subquery, or of a join with an alias, has nothing to do with the outer joins inside.
SELECT x.id, d::text FROM t AS x LEFT JOIN (SELECT a2.id, a1.id AS i2 FROM t AS a1 LEFT JOIN t AS a2 ON false) AS d ON x.id = 1;
SELECT x.id, d::text FROM t AS x LEFT JOIN (SELECT a2.id, 3 FROM t AS a1 LEFT JOIN t AS a2 ON false GROUP BY a2.id) AS d ON x.id = 1;
SELECT x.id, d::text FROM t AS x LEFT JOIN (t AS a2 RIGHT JOIN t AS a1 ON false) AS d ON x.id = 1;
SELECT x.id, d::text, j::text FROM t AS x LEFT JOIN (t AS a2 RIGHT JOIN t AS d USING (id, c0) AS j) ON x.id = 1;
-- In changes too.
UPDATE t SET c1 = CASE WHEN a2 IS NULL THEN 7 ELSE 8 END FROM t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id WHERE t.id = a1.id RETURNING t.*, a2;
DELETE FROM t USING t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id WHERE t.id = a1.id AND a2::text IS NULL RETURNING t.*, a2;
INSERT INTO t VALUES (2, NULL, 3);
MERGE INTO t USING (t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id) ON t.id = a1.id AND a2 IS NULL WHEN MATCHED THEN UPDATE SET c1 = 99
  WHEN NOT MATCHED AND a2::text IS NULL THEN DO NOTHING WHEN NOT MATCHED AND a1.id = 1 THEN INSERT VALUES (100, 100, length(a2::text)) RETURNING t.*, a2;
SELECT * FROM t;
-- Of every kind of source, and wherever a value may stand.
CREATE VIEW tv AS SELECT * FROM t WHERE c0 IS NOT NULL;
WITH w AS (SELECT * FROM t) SELECT w::text, x::text FROM t LEFT JOIN w ON w.id = t.c0 LEFT JOIN w AS x ON x.id = w.id + 2 WHERE w IS DISTINCT FROM x;
SELECT a::text, b::text FROM t AS x LEFT JOIN tv AS a ON x.id = a.id LEFT JOIN (SELECT * FROM tv) AS b ON b.id = a.id;
SELECT u::text, u IS NULL, v::text, v IS NULL FROM t LEFT JOIN unnest(ARRAY[1, 2], ARRAY['a', 'b']) AS u(a, b) ON u.a = t.id LEFT JOIN (VALUES (1, NULL::int), (2, 3)) AS v ON v.column1 = t.id;
SELECT (SELECT count(*) FROM t AS x WHERE x.* = a2.*), a1 IN (SELECT a2 FROM t), exists(SELECT FROM t WHERE a2 IS NULL) FROM t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id;
SELECT a2 IS NOT DISTINCT FROM NULL, a2 IS DISTINCT FROM a1, coalesce(a2, a1), ROW(a2) IS NULL, to_jsonb(a2) FROM t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id;
SELECT a2, count(*), rank() OVER (ORDER BY a2 NULLS FIRST) FROM t AS a1 LEFT JOIN t AS a2 ON a1.c0 = a2.id GROUP BY a2;
