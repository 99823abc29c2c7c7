-- Ranges.
CREATE TABLE r (id int, v int4range, d daterange);
INSERT INTO r VALUES (1, '[1,5)', '[2024-01-01,2024-02-01)'), (2, '(1,5]', NULL), (3, 'empty', '[,2024-01-01]');
SELECT * FROM r ORDER BY id;
--| 1 | [1,5) | [2024-01-01,2024-02-01)
--| 2 | [2,6) | NULL
--| 3 | empty | (,2024-01-02)
SELECT v @> 3, v && '[4,9)'::int4range, lower(v), upper(v), isempty(v) FROM r ORDER BY id;
--| t | t | 1    | 5    | f
--| t | t | 2    | 6    | f
--| f | f | NULL | NULL | t
SELECT int4range(1, 5) + int4range(5, 8), int4range(1, 5) * int4range(3, 9), int4range(1, 5) - int4range(3, 9);
--| [1,8) | [3,5) | [1,3)
SELECT int4range(1, 2) -|- int4range(2, 3), int4range(1, 2) << int4range(5, 6), numrange(1.5, 2.5) @> 2.0;
--| t | t | t
--@ expect error 22000
SELECT int4range(5, 1);
--@ expect error 22P02
SELECT '[1,x)'::int4range;
SELECT id FROM r WHERE v @> 5 ORDER BY id;
--| 2
