-- Every kind of definition survives a crash, whole or not at all.
--@ expect invariant "SELECT true"
CREATE SCHEMA app;
CREATE TABLE app.t (id int PRIMARY KEY, a text NOT NULL DEFAULT 'x' CHECK (a <> ''), b int GENERATED ALWAYS AS (id * 2) STORED);
CREATE UNIQUE INDEX t_a ON app.t (lower(a));
CREATE SEQUENCE app.s START 5 INCREMENT 5;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE VIEW v AS SELECT id, a FROM app.t;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2';
CREATE FUNCTION numbered(n int DEFAULT 2, OUT a int, OUT b text) RETURNS SETOF record LANGUAGE sql
  AS 'SELECT i, ''r'' || i FROM generate_series(1, n) i';
CREATE TABLE child (t int REFERENCES app.t ON DELETE CASCADE, m mood, s small);
COMMENT ON TABLE app.t IS 'kept';
--@ restart crash
INSERT INTO app.t (id) VALUES (1);
--@ expect error 23514
INSERT INTO app.t (id, a) VALUES (2, '');
--@ expect error 23505
INSERT INTO app.t (id, a) VALUES (2, 'X');
SELECT * FROM app.t;
--| 1 | x | 2
SELECT * FROM v;
--| 1 | x
SELECT nextval('app.s'), twice(4);
--| 5 | 8
--@ expect error 23503
INSERT INTO child VALUES (7, 'ok', 1);
--@ expect error 22P02
INSERT INTO child VALUES (1, 'happy', 1);
--@ expect error 23514
INSERT INTO child VALUES (1, 'ok', 10);
INSERT INTO child VALUES (1, 'ok', 9);
SELECT obj_description('app.t'::regclass);
--| kept
BEGIN;
ALTER TABLE app.t ADD COLUMN c int DEFAULT 3;
DROP VIEW v;
--@ restart crash
SELECT * FROM v;
--| 1 | x
--@ expect error 42703
SELECT c FROM app.t;
ALTER TABLE app.t ADD COLUMN c int DEFAULT 3;
DROP VIEW v;
--@ restart crash
SELECT c FROM app.t;
--| 3
--@ expect error 42P01
SELECT * FROM v;
DELETE FROM app.t;
--@ restart clean
SELECT count(*) FROM child;
--| 0
