-- Numbers that were given out are not given out again, whatever is lost.
CREATE SEQUENCE s;
CREATE TABLE t (id serial PRIMARY KEY, run int);
CREATE TABLE given (n bigint PRIMARY KEY);
INSERT INTO given SELECT nextval('s') FROM generate_series(1, 3);
--@ restart crash
INSERT INTO given SELECT nextval('s');
INSERT INTO t (run) VALUES (1), (1);
--@ crash at wal.flush.before_sync drop_unsynced
INSERT INTO t (run) VALUES (2);
INSERT INTO t (run) VALUES (3);
SELECT run FROM t ORDER BY id;
--| 1
--| 1
--| 3
--@ restart clean
INSERT INTO given SELECT nextval('s');
SELECT count(*) FROM given;
--| 5
