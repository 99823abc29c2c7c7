-- INSERT in its forms.
CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 7, b text);
INSERT INTO t VALUES (1, 2, 'x'), (2, DEFAULT, 'y');
INSERT INTO t (b, id) SELECT 'from ' || id, id + 10 FROM t RETURNING id, a, b;
--| 11 | 7 | from 1
--| 12 | 7 | from 2
--@ expect error 23502
INSERT INTO t DEFAULT VALUES;
--@ expect error 23505
INSERT INTO t VALUES (1, 2);
--@ expect error 42601
INSERT INTO t VALUES (20, 2, 'x', 4);
--@ expect error 42601
INSERT INTO t (id, a) VALUES (20);
--@ expect error 42601
INSERT INTO t VALUES (20), (21, 5);
INSERT INTO t VALUES (1, 100, 'again') ON CONFLICT DO NOTHING;
INSERT INTO t VALUES (1, 100, 'again') ON CONFLICT (id) DO UPDATE SET a = t.a + excluded.a, b = excluded.b WHERE t.a < 50 RETURNING *;
--| 1 | 102 | again
--@ expect rows
INSERT INTO t VALUES (1, 100, 'no') ON CONFLICT (id) DO UPDATE SET a = 0 WHERE t.a < 50 RETURNING *;
--@ expect error 21000
INSERT INTO t VALUES (30, 1, 'p'), (30, 2, 'q') ON CONFLICT (id) DO UPDATE SET b = excluded.b;
--@ expect error 42P10
INSERT INTO t VALUES (5, 1, 'z') ON CONFLICT (a) DO NOTHING;
WITH n AS (INSERT INTO t VALUES (40, 1, 'w') RETURNING id) SELECT id * 2 FROM n;
--| 80
SELECT * FROM t ORDER BY id;
--| 1  | 102 | again
--| 2  | 7   | y
--| 11 | 7   | from 1
--| 12 | 7   | from 2
--| 40 | 1   | w
