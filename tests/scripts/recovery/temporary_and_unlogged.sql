-- What a session has for itself ends with it.
CREATE TABLE kept (a int);
CREATE TEMPORARY TABLE mine (a int);
INSERT INTO mine VALUES (1);
INSERT INTO kept SELECT * FROM mine;
SELECT a FROM mine;
--| 1
--@ restart crash
--@ expect error 42P01
SELECT a FROM mine;
SELECT a FROM kept;
--| 1
PREPARE p AS SELECT a + $1 FROM kept;
EXECUTE p (1);
--| 2
--@ restart clean
--@ expect error 26000
EXECUTE p (1);
SET work_mem = '1MB';
--@ restart clean
SELECT current_setting('work_mem') <> '1MB';
--| t
