-- Three-valued logic.
SELECT true AND NULL, false AND NULL, true OR NULL, false OR NULL, NOT NULL::boolean;
--| NULL | f | t | NULL | NULL
SELECT NULL = NULL, NULL <> 1, NULL IS NULL, 1 IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL;
--| NULL | NULL | t | t | t
--@ expect error 22P02
SELECT 't'::boolean, 'yes'::boolean, 'off'::boolean, '1'::boolean, 'maybe'::boolean IS NULL;
SELECT true::int, 0::boolean, true::text;
--| 1 | f | true
SELECT 1 IN (1, NULL), 2 IN (1, NULL), 2 NOT IN (1, NULL), 2 NOT IN (1, 3);
--| t | NULL | NULL | t
SELECT coalesce(NULL, NULL, 3), nullif(1, 1), nullif(1, 2), greatest(1, NULL, 3), least(NULL, 2);
--| 3 | NULL | 1 | 3 | 2
CREATE TABLE b (id int, v boolean);
INSERT INTO b VALUES (1, true), (2, false), (3, NULL);
SELECT id, v IS TRUE, v IS NOT TRUE, v IS UNKNOWN FROM b ORDER BY id;
--| 1 | t | f | f
--| 2 | f | t | f
--| 3 | f | t | t
SELECT bool_and(v), bool_or(v), every(v), count(*), count(v) FROM b;
--| f | t | f | 3 | 2
SELECT id FROM b WHERE v ORDER BY id;
--| 1
SELECT id FROM b WHERE NOT v ORDER BY id;
--| 2
SELECT CASE WHEN v THEN 'yes' WHEN NOT v THEN 'no' ELSE 'unknown' END FROM b ORDER BY id;
--| yes
--| no
--| unknown
SELECT row(1, NULL) IS NULL, row(NULL, NULL) IS NULL, row(1, 2) IS NOT NULL;
--| f | t | t
