-- Arrays out of subqueries, and parts of arrays by subscript.
SELECT ARRAY(SELECT ARRAY[n, n * n] FROM generate_series(2, 4) n);
SELECT ARRAY(SELECT ARRAY[n::text, 'x'] FROM generate_series(1, 2) n WHERE n > 5);
SELECT ARRAY(SELECT v FROM (VALUES (ARRAY[1]), (NULL)) t(v));
SELECT ARRAY(SELECT v FROM (VALUES (ARRAY[1]), (ARRAY[1, 2])) t(v));
SELECT ARRAY(SELECT '{}'::int[] FROM generate_series(1, 2));
SELECT (ARRAY[[1, 2], [3, 4]])[2][NULL:1], (ARRAY[1, 2, 3])[NULL:], (ARRAY[1, 2, 3])[:2], (ARRAY[1, 2, 3])[:];
SELECT (ARRAY[1])[1][1][1][1][1][1][1];
SELECT width_bucket(4, ARRAY[1, NULL]);
SELECT width_bucket(4, ARRAY[[1], [2]]);
SELECT ('[1, 2]'::jsonb)[1.5];
SELECT ('[1, 2]'::jsonb)[true];
