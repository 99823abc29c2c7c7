-- Types that somebody made.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE m (who text, m mood DEFAULT 'ok');
INSERT INTO m VALUES ('a', 'happy'), ('b', 'sad');
INSERT INTO m (who) VALUES ('c');
SELECT * FROM m ORDER BY m;
--| b | sad
--| c | ok
--| a | happy
SELECT who FROM m WHERE m > 'sad' ORDER BY who;
--| a
--| c
--@ expect error 22P02
INSERT INTO m VALUES ('d', 'angry');
ALTER TYPE mood ADD VALUE 'angry' BEFORE 'sad';
INSERT INTO m VALUES ('d', 'angry');
SELECT who, m FROM m ORDER BY m;
--| d | angry
--| b | sad
--| c | ok
--| a | happy
SELECT enum_range(NULL::mood), enum_first(NULL::mood), 'ok'::mood::text;
--| {angry,sad,ok,happy} | angry | ok
CREATE DOMAIN positive AS int CHECK (VALUE > 0) NOT NULL;
CREATE TABLE q (n positive);
INSERT INTO q VALUES (1);
--@ expect error 23514
INSERT INTO q VALUES (0);
--@ expect error 23502
INSERT INTO q VALUES (NULL);
SELECT 5::positive, n FROM q;
--| 5 | 1
--@ expect error 23514
SELECT (-5)::positive;
CREATE TYPE pair AS (a int, b text);
CREATE TABLE c (id int, p pair);
INSERT INTO c VALUES (1, row(1, 'x')), (2, '(2,"y z")'), (3, NULL);
SELECT id, p, (p).b FROM c ORDER BY id;
--| 1 | (1,x)     | x
--| 2 | (2,"y z") | y z
--| 3 | NULL      | NULL
UPDATE c SET p.a = 10 WHERE id = 1;
SELECT (p).* FROM c WHERE id = 1;
--| 10 | x
--@ expect error 2BP01
DROP TYPE mood;
--@ expect error 2BP01
DROP TYPE pair;
DROP TABLE m, c;
DROP TYPE mood;
