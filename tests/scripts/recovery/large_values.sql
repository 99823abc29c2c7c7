-- Values beyond a page, before and after a crash, a checkpoint and a change.
CREATE TABLE t (id int PRIMARY KEY, a text, b bytea);
INSERT INTO t VALUES (1, repeat('abc', 100000), decode(repeat('ff', 50000), 'hex')), (2, 'small', NULL);
--@ restart crash
SELECT id, length(a), length(b), md5(a) = md5(repeat('abc', 100000)) FROM t ORDER BY id;
--| 1 | 300000 | 50000 | t
--| 2 | 5      | NULL  | f
CHECKPOINT;
UPDATE t SET a = repeat('de', 80000) WHERE id = 2;
UPDATE t SET a = 'cut' WHERE id = 1;
--@ restart crash
SELECT id, length(a), length(b) FROM t ORDER BY id;
--| 1 | 3      | 50000
--| 2 | 160000 | NULL
BEGIN;
UPDATE t SET a = repeat('z', 200000);
--@ restart crash
SELECT sum(length(a)), max(left(a, 3)) FROM t;
--| 160003 | ded
DELETE FROM t WHERE id = 2;
--@ restart clean
SELECT id, a FROM t;
--| 1 | cut
