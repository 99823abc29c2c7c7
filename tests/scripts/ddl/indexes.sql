-- Indexes: unique, partial, over expressions; what they refuse.
CREATE TABLE t (id int, name text, active boolean);
INSERT INTO t SELECT g, 'name' || g % 50, g % 10 = 0 FROM generate_series(1, 500) g;
CREATE INDEX t_id ON t (id);
--@ expect error 23505
CREATE UNIQUE INDEX t_name ON t (name);
CREATE UNIQUE INDEX t_active ON t (id) WHERE active;
CREATE INDEX t_lower ON t (lower(name), id DESC);
SELECT id FROM t WHERE id BETWEEN 100 AND 103 ORDER BY id;
--| 100
--| 101
--| 102
--| 103
SELECT count(*) FROM t WHERE lower(name) = 'name7';
--| 10
SELECT id FROM t WHERE lower(name) = 'name7' ORDER BY id DESC LIMIT 3;
--| 457
--| 407
--| 357
--@ expect error 23505
INSERT INTO t VALUES (10, 'other', true);
INSERT INTO t VALUES (11, 'other', true);
INSERT INTO t VALUES (10, 'other', false);
--@ expect error 23505
UPDATE t SET active = true WHERE id = 10 AND NOT active;
DELETE FROM t WHERE id % 2 = 1;
SELECT count(*), min(id), max(id) FROM t WHERE id > 50;
--| 225 | 52 | 500
--@ expect error 42P07
CREATE INDEX t_id ON t (id);
CREATE INDEX IF NOT EXISTS t_id ON t (id);
DROP INDEX t_id;
SELECT id FROM t WHERE id = 200;
--| 200
--@ expect error 42704
DROP INDEX t_id;
--@ expect error 42703
CREATE INDEX ON t (nope);
REINDEX TABLE t;
SELECT count(*) FROM t WHERE lower(name) = 'name8';
--| 10
CREATE UNIQUE INDEX t_nulls ON t (name) NULLS NOT DISTINCT WHERE name IS NULL;
INSERT INTO t VALUES (1, NULL, false);
--@ expect error 23505
INSERT INTO t VALUES (2, NULL, false);
