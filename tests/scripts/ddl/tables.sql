-- CREATE TABLE, its defaults and constraints.
CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL DEFAULT 'x', b int CHECK (b > 0), c int UNIQUE, d int GENERATED ALWAYS AS (b * 2) STORED);
INSERT INTO t (id, b, c) VALUES (1, 10, 100);
SELECT * FROM t;
--| 1 | x | 10 | 100 | 20
--@ expect error 42P07
CREATE TABLE t (id int);
CREATE TABLE IF NOT EXISTS t (id int);
--@ expect error 23502
INSERT INTO t (id, a) VALUES (2, NULL);
--@ expect error 23514
INSERT INTO t (id, b) VALUES (2, -1);
--@ expect error 23505
INSERT INTO t (id, c) VALUES (2, 100);
--@ expect error 428C9
INSERT INTO t (id, d) VALUES (2, 5);
--@ expect error 23505
INSERT INTO t (id) VALUES (1);
--@ expect error 23502
INSERT INTO t (id) VALUES (NULL);
--@ expect error 42703
INSERT INTO t (id, nope) VALUES (1, 2);
CREATE TABLE u AS SELECT id, a || '!' AS a FROM t;
SELECT * FROM u;
--| 1 | x!
CREATE TABLE v (LIKE t INCLUDING ALL);
INSERT INTO v (id) VALUES (1);
--@ expect error 23505
INSERT INTO v (id) VALUES (1);
--@ expect error 42701
CREATE TABLE w (a int, a int);
--@ expect error 42704
CREATE TABLE w (a nosuchtype);
--@ expect error 42P01
DROP TABLE w;
DROP TABLE IF EXISTS w;
DROP TABLE t, u, v;
--@ expect error 42P01
SELECT * FROM t;
