-- WITH, recursion, subqueries, set operations.
CREATE TABLE t (id int PRIMARY KEY, up int, name text);
INSERT INTO t VALUES (1, NULL, 'root'), (2, 1, 'left'), (3, 1, 'right'), (4, 2, 'leaf');
WITH RECURSIVE path AS (SELECT id, name::text AS path FROM t WHERE up IS NULL UNION ALL SELECT t.id, path || '/' || t.name FROM t JOIN path ON t.up = path.id) SELECT * FROM path ORDER BY id;
--| 1 | root
--| 2 | root/left
--| 3 | root/right
--| 4 | root/left/leaf
WITH RECURSIVE n(i) AS (VALUES (1) UNION SELECT i * 2 % 7 FROM n) SELECT i FROM n ORDER BY i;
--| 1
--| 2
--| 4
WITH a AS (SELECT count(*) AS c FROM t), b AS (SELECT c + 1 AS d FROM a) SELECT c, d FROM a, b;
--| 4 | 5
SELECT name, (SELECT name FROM t p WHERE p.id = t.up) FROM t ORDER BY id;
--| root  | NULL
--| left  | root
--| right | root
--| leaf  | left
--@ expect error 21000
SELECT (SELECT id FROM t);
SELECT id FROM t WHERE id > ALL (SELECT up FROM t WHERE up IS NOT NULL) ORDER BY id;
--| 3
--| 4
SELECT id FROM t WHERE (id, up) IN (VALUES (2, 1), (4, 2), (3, 2)) ORDER BY id;
--| 2
--| 4
SELECT id FROM t UNION SELECT up FROM t ORDER BY 1;
--| 1
--| 2
--| 3
--| 4
--| NULL
SELECT id FROM t INTERSECT SELECT up FROM t ORDER BY 1;
--| 1
--| 2
SELECT id FROM t EXCEPT SELECT up FROM t ORDER BY 1;
--| 3
--| 4
SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT NULL;
--| 1
--| 1
--| NULL
--@ expect error 22P02
SELECT 1 UNION SELECT 'x';
--@ expect error 42601
SELECT 1, 2 UNION SELECT 3;
VALUES (1, 'a'), (2, 'b');
--| 1 | a
--| 2 | b
SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS v(n, s) WHERE n > 1;
--| 2 | y
SELECT count(*) FROM generate_series(1, 10, 3) g;
--| 4
SELECT id FROM t ORDER BY id DESC LIMIT 2 OFFSET 1;
--| 3
--| 2
SELECT id FROM t ORDER BY up NULLS FIRST, id FETCH FIRST 2 ROWS ONLY;
--| 1
--| 2
--@ expect error 2201W
SELECT id FROM t LIMIT -1;
TABLE t ORDER BY id;
--| 1 | NULL | root
--| 2 | 1    | left
--| 3 | 1    | right
--| 4 | 2    | leaf
