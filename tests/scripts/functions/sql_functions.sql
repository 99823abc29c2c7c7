-- Functions in SQL.
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2';
SELECT twice(21), twice(NULL);
--| 42 | NULL
CREATE TABLE t (a int);
INSERT INTO t SELECT generate_series(1, 5);
--@ expect error 42601
CREATE FUNCTION bigger(least int) RETURNS SETOF int LANGUAGE sql AS 'SELECT a FROM t WHERE a > least ORDER BY a';
--@ expect error 42883
SELECT * FROM bigger(3);
--@ expect error 22P02
SELECT twice('x');
--@ expect error 42883
SELECT twice(1, 2);
--@ expect error 42723
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n';
CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n + n + 0';
SELECT twice(4);
--| 8
CREATE FUNCTION twice(n text) RETURNS text LANGUAGE sql AS 'SELECT n || n';
SELECT twice('ab'::text), twice(3);
--| abab | 6
DROP FUNCTION twice(int);
--@ expect error 42883
SELECT twice(3);
--@ expect error 42883
DROP FUNCTION nope(int);
