-- Functions that give rows, and expressions that choose.
SELECT * FROM generate_series(5, 1, -2);
--| 5
--| 3
--| 1
SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g(n, i);
--| 1 | 1
--| 2 | 2
--| 3 | 3
SELECT * FROM generate_series(1.0, 2.0, 0.5);
--| 1.0
--| 1.5
--| 2.0
SELECT generate_series(1, 3), 'x';
--| 1 | x
--| 2 | x
--| 3 | x
SELECT * FROM generate_series(1, 2) a, generate_series(a, 2) b ORDER BY 1, 2;
--| 1 | 1
--| 1 | 2
--| 2 | 2
--@ expect error 22023
SELECT * FROM generate_series(1, 5, 0);
SELECT CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END, CASE WHEN false THEN 1 END;
--| two | NULL
SELECT coalesce(NULL, 'x'), nullif('a', 'a'), greatest(3, 1, 2), least('b', 'a');
--| x | NULL | 3 | a
SELECT CASE WHEN true THEN 1 ELSE 1 / 0 END;
--| 1
SELECT * FROM regexp_split_to_table('a1b22c', '\d+');
--| a
--| b
--| c
SELECT * FROM string_to_table('a,b,c', ',');
--| a
--| b
--| c
SELECT * FROM json_to_recordset('[{"a": 1, "b": "x"}, {"a": 2}]') AS r(a int, b text);
--| 1 | x
--| 2 | NULL
SELECT pg_typeof(1), pg_typeof(1.0), pg_typeof('x'::text), pg_typeof(NULL::int), pg_typeof(ARRAY[1]), pg_typeof(now());
--| integer | numeric | text | integer | integer[] | timestamp with time zone
SELECT num_nulls(1, NULL, 2), num_nonnulls(1, NULL);
--| 1 | 1
