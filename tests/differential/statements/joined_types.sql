-- FULL JOIN over equalities across types; expressions with subqueries that are the same expression.
SET timezone = 'Europe/Berlin';
CREATE TABLE k (d date, ts timestamp, tz timestamptz, r real, f float8, i int, n numeric, b bigint);
INSERT INTO k VALUES ('2024-01-01', '2024-01-01', '2024-01-01', 0.1, 0.1, 1, 1.0, 1), (NULL, '2024-03-31 02:30', '2024-03-31 03:30+02', 1, 1, 0, 0.1, 0),
  ('infinity', 'infinity', 'infinity', 'NaN', 'NaN', NULL, 'NaN', 9007199254740993), ('-infinity', NULL, '-infinity', '-0', '0', 3, NULL, NULL);
SELECT a.d, b.tz FROM k AS a FULL JOIN k AS b ON a.d = b.tz;
SELECT a.ts, b.tz FROM k AS a FULL JOIN k AS b ON b.tz = a.ts;
SELECT a.r, b.f FROM k AS a FULL JOIN k AS b ON a.r = b.f;
SELECT a.r, b.i FROM k AS a FULL JOIN k AS b ON a.r = b.i;
SELECT a.n, b.r FROM k AS a FULL JOIN k AS b ON a.n = b.r;
SELECT a.b, b.f FROM k AS a FULL JOIN k AS b ON a.b = b.f AND a.d = b.ts;
CREATE TABLE p (id int PRIMARY KEY, c0 int) PARTITION BY HASH (id);
CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO p VALUES (1, 1), (2, 2), (3, 1);
SELECT DISTINCT ON ((SELECT 3 FROM p AS s WHERE s.id = k.i)) (SELECT 3 FROM p AS s WHERE s.id = k.i) FROM k ORDER BY 1 DESC;
SELECT (SELECT count(*) FROM p AS s WHERE s.id >= k.i), count(*) FROM k GROUP BY (SELECT count(*) FROM p AS s WHERE s.id >= k.i);
SELECT k.i, array_agg(DISTINCT (SELECT min(s.c0) FROM p AS s WHERE s.id >= k.i) ORDER BY (SELECT min(s.c0) FROM p AS s WHERE s.id >= k.i) DESC) FROM k GROUP BY 1;
-- What a new value raises, it raises for a row too that WITH has changed.
CREATE TABLE v (id int PRIMARY KEY, s varchar(3), l text);
INSERT INTO v VALUES (1, 'a', 'too long'), (4, 'b', 'b');
WITH q AS (UPDATE v SET s = 'x' RETURNING id) UPDATE v SET s = v.l FROM q WHERE q.id = v.id + 3;
WITH q AS (UPDATE v SET s = 'x' RETURNING id) UPDATE v SET s = 'y' FROM q WHERE q.id = v.id + 3;
SELECT * FROM v;
