-- Arrays.
CREATE TABLE a (id int PRIMARY KEY, v int[], t text[]);
INSERT INTO a VALUES (1, '{1,2,3}', ARRAY['x', NULL, 'a b']), (2, '{}', '{"quote\"d","{}"}'), (3, NULL, NULL), (4, '{{1,2},{3,4}}', NULL);
SELECT * FROM a ORDER BY id;
--| 1 | {1,2,3}       | {x,NULL,"a b"}
--| 2 | {}            | {"quote\\"d","{}"}
--| 3 | NULL          | NULL
--| 4 | {{1,2},{3,4}} | NULL
SELECT v[1], v[2:3], v[9], array_length(v, 1), cardinality(v), array_ndims(v) FROM a ORDER BY id;
--| 1    | {2,3}   | NULL | 3    | 3    | 1
--| NULL | {}      | NULL | NULL | 0    | NULL
--| NULL | NULL    | NULL | NULL | NULL | NULL
--| NULL | {{3,4}} | NULL | 2    | 4    | 2
SELECT id FROM a WHERE 2 = ANY (v) ORDER BY id;
--| 1
--| 4
SELECT id FROM a WHERE v @> '{1,3}' ORDER BY id;
--| 1
--| 4
SELECT id, 0 < ALL (v) FROM a ORDER BY id;
--| 1 | t
--| 2 | t
--| 3 | NULL
--| 4 | t
SELECT ARRAY[1, 2] || 3, 0 || ARRAY[1], ARRAY[1] || ARRAY[2, 3], array_append('{1}'::int[], 2), array_remove('{1,2,1}'::int[], 1);
--| {1,2,3} | {0,1} | {1,2,3} | {1,2} | {2}
SELECT array_position('{a,b,c}'::text[], 'b'), array_to_string(ARRAY[1, NULL, 3], ',', '*'), array_replace('{1,2}'::int[], 2, 5);
--| 2 | 1,*,3 | {1,5}
SELECT unnest('{3,1,2}'::int[]);
--| 3
--| 1
--| 2
SELECT * FROM unnest('{1,2}'::int[], '{a,b,c}'::text[]) AS u(n, s);
--| 1    | a
--| 2    | b
--| NULL | c
SELECT array_agg(x ORDER BY x DESC) FROM generate_series(1, 4) x;
--| {4,3,2,1}
SELECT '{1,2}'::int[] = '{1,2}'::int[], '{1,2}'::int[] < '{1,3}'::int[], '{1}'::int[] && '{1,2}'::int[];
--| t | t | t
--@ expect error 22P02
SELECT '{1,x}'::int[];
--@ expect error 22P02
SELECT '{1,2'::int[];
SELECT ARRAY(SELECT g FROM generate_series(1, 3) g), ARRAY[[1, 2], [3, 4]], ARRAY[]::int[];
--| {1,2,3} | {{1,2},{3,4}} | {}
UPDATE a SET v[2] = 20 WHERE id = 1 RETURNING v;
--| {1,20,3}
UPDATE a SET v = v || 4 WHERE id = 2 RETURNING v;
--| {4}
SELECT '[2:4]={1,2,3}'::int[], array_lower('[2:4]={1,2,3}'::int[], 1);
--| [2:4]={1,2,3} | 2
