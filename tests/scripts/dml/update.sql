-- UPDATE, with sources, subqueries and keys that move.
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
CREATE TABLE s (id int, v int);
INSERT INTO t SELECT g, g * 10, 'row ' || g FROM generate_series(1, 5) g;
INSERT INTO s VALUES (1, 100), (2, 200), (9, 900);
UPDATE t SET a = a + 1, b = upper(b) WHERE id = 1 RETURNING *;
--| 1 | 11 | ROW 1
UPDATE t SET a = s.v FROM s WHERE s.id = t.id RETURNING t.id, t.a, s.v;
--| 1 | 100 | 100
--| 2 | 200 | 200
UPDATE t SET (a, b) = (SELECT v, 'sub' FROM s WHERE s.id = 9) WHERE id = 5;
--@ expect error 23505
UPDATE t SET id = id + 1;
UPDATE t SET id = -id;
UPDATE t SET id = -id + 1;
UPDATE t SET a = DEFAULT WHERE id = 2;
--@ expect error 42703
UPDATE t SET nope = 1;
--@ expect error 22P02
UPDATE t SET a = 'x';
SELECT * FROM t ORDER BY id;
--| 2 | NULL | ROW 1
--| 3 | 200  | row 2
--| 4 | 30   | row 3
--| 5 | 40   | row 4
--| 6 | 900  | sub
UPDATE t SET a = 1 WHERE false;
UPDATE t SET b = (SELECT string_agg(x.b, '+' ORDER BY x.id) FROM t x WHERE x.id < t.id) WHERE id = 4 RETURNING b;
--| ROW 1+row 2
--@ expect error 23505
UPDATE t SET id = 3 WHERE id = 4;
