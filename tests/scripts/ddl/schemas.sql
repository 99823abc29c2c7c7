-- Schemas and the search path.
CREATE SCHEMA app;
CREATE TABLE app.t (a int);
CREATE TABLE t (a int);
INSERT INTO app.t VALUES (1);
INSERT INTO t VALUES (2);
SELECT * FROM t;
--| 2
SELECT * FROM app.t;
--| 1
SET search_path = app, public;
SELECT * FROM t;
--| 1
CREATE VIEW v AS SELECT a + 1 AS b FROM t;
SET search_path = public;
SELECT * FROM app.v;
--| 2
--@ expect error 42P01
SELECT * FROM v;
--@ expect error 42P06
CREATE SCHEMA app;
CREATE SCHEMA IF NOT EXISTS app;
--@ expect error 2BP01
DROP SCHEMA app;
DROP SCHEMA app CASCADE;
--@ expect error 42P01
SELECT * FROM app.t;
SELECT * FROM t;
--| 2
--@ expect error 42P01
SELECT * FROM nope.t;
RESET search_path;
