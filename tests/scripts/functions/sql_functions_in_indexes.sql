-- Storage evaluates what an index is over, and runs no statements for it: refused when the index is made, not when a row comes.
--@ require lungfish
CREATE TABLE t (a int);
CREATE FUNCTION row_count() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT count(*)::int FROM t';
--@ expect error 0A000
CREATE INDEX ON t ((row_count() + a));
--@ expect error 0A000
CREATE INDEX ON t (a) WHERE row_count() > 1;
INSERT INTO t VALUES (6);
