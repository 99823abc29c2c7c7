-- What a query may name, and what it is told when it may not.
CREATE TABLE t (id int, "Mixed Case" text, "select" int);
INSERT INTO t VALUES (1, 'x', 2);
SELECT "Mixed Case", "select" FROM t;
--| x | 2
SELECT Id, T.ID FROM T;
--| 1 | 1
--@ expect error 42703
SELECT mixed FROM t;
--@ expect error 42703
SELECT "nope" FROM t;
--@ expect error 42P01
SELECT * FROM nope;
--@ expect error 42883
SELECT nope(1);
--@ expect error 42883
SELECT abs('x', 1);
--@ expect error 42703
SELECT id FROM t GROUP BY id HAVING nope > 1;
--@ expect error 42P01
SELECT t.id FROM t AS u;
SELECT u.* FROM t AS u;
--| 1 | x | 2
SELECT 1 AS a, 2 AS a;
--| 1 | 2
SELECT id AS x FROM t ORDER BY x;
--| 1
--@ expect error 42703
SELECT id AS x FROM t WHERE x = 1;
--@ expect error 22P02
SELECT 'a' + 1;
--@ expect error 42601
SELECT 1 +;
--@ expect error 42601
SELEC 1;
--@ expect error 42601
SELECT 'unfinished;
