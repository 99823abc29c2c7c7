-- Joins.
CREATE TABLE a (id int, x text);
CREATE TABLE b (id int, y text);
INSERT INTO a VALUES (1, 'a1'), (2, 'a2'), (3, 'a3'), (NULL, 'an');
INSERT INTO b VALUES (2, 'b2'), (3, 'b3'), (3, 'b3x'), (4, 'b4'), (NULL, 'bn');
SELECT * FROM a JOIN b ON a.id = b.id ORDER BY y;
--| 2 | a2 | 2 | b2
--| 3 | a3 | 3 | b3
--| 3 | a3 | 3 | b3x
SELECT * FROM a LEFT JOIN b USING (id) ORDER BY x, y;
--| 1    | a1 | NULL
--| 2    | a2 | b2
--| 3    | a3 | b3
--| 3    | a3 | b3x
--| NULL | an | NULL
SELECT * FROM a RIGHT JOIN b ON a.id = b.id ORDER BY y;
--| 2    | a2   | 2    | b2
--| 3    | a3   | 3    | b3
--| 3    | a3   | 3    | b3x
--| NULL | NULL | 4    | b4
--| NULL | NULL | NULL | bn
SELECT * FROM a FULL JOIN b ON a.id = b.id ORDER BY x, y;
--| 1    | a1   | NULL | NULL
--| 2    | a2   | 2    | b2
--| 3    | a3   | 3    | b3
--| 3    | a3   | 3    | b3x
--| NULL | an   | NULL | NULL
--| NULL | NULL | 4    | b4
--| NULL | NULL | NULL | bn
SELECT count(*) FROM a CROSS JOIN b;
--| 20
SELECT * FROM a NATURAL JOIN b ORDER BY y;
--| 2 | a2 | b2
--| 3 | a3 | b3
--| 3 | a3 | b3x
SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.id = a.id) ORDER BY x;
--| a2
--| a3
SELECT x FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.id = a.id) ORDER BY x;
--| a1
--| an
SELECT x FROM a WHERE id IN (SELECT id FROM b) ORDER BY x;
--| a2
--| a3
--@ expect rows
SELECT x FROM a WHERE id NOT IN (SELECT id FROM b) ORDER BY x;
SELECT x, l.y FROM a, LATERAL (SELECT y FROM b WHERE b.id >= a.id ORDER BY y LIMIT 1) l ORDER BY x;
--| a1 | b2
--| a2 | b2
--| a3 | b3
SELECT a.x, b.y FROM a LEFT JOIN b ON a.id = b.id AND b.y <> 'b3' ORDER BY x, y;
--| a1 | NULL
--| a2 | b2
--| a3 | b3x
--| an | NULL
SELECT x, (SELECT count(*) FROM b WHERE b.id = a.id) FROM a ORDER BY x;
--| a1 | 0
--| a2 | 1
--| a3 | 2
--| an | 0
SELECT a1.x, a2.x FROM a a1 JOIN a a2 ON a1.id < a2.id ORDER BY 1, 2;
--| a1 | a2
--| a1 | a3
--| a2 | a3
--@ expect error 42702
SELECT id FROM a JOIN b ON a.id = b.id;
--@ expect error 42703
SELECT * FROM a JOIN b ON a.nope = b.id;
