"""Statements of small transactions: what is read in one way and written in another, keys that are freed and taken, references, partitions."""

from __future__ import annotations

SCHEMA = """
    CREATE TABLE t (id integer PRIMARY KEY, g integer, w integer, u integer);
    CREATE INDEX ON t (g, id);
    CREATE INDEX ON t (w) WHERE w >= 100;
    CREATE INDEX ON t ((w + g));
    CREATE UNIQUE INDEX ON t (u);
    CREATE TABLE x (n integer);
    CREATE TABLE other (id integer PRIMARY KEY, n integer);
    CREATE TABLE p (id integer PRIMARY KEY, w integer);
    CREATE TABLE c (id integer PRIMARY KEY, p integer REFERENCES p);
    CREATE INDEX ON c (p);
    CREATE TABLE d (id integer PRIMARY KEY, p integer REFERENCES p ON DELETE CASCADE);
    CREATE TABLE q (id integer, w integer) PARTITION BY RANGE (id);
    CREATE TABLE q1 PARTITION OF q FOR VALUES FROM (0) TO (10);
    CREATE TABLE q2 PARTITION OF q FOR VALUES FROM (10) TO (20);
    CREATE INDEX ON q (id);
    CREATE VIEW v AS SELECT id, w FROM t WHERE g = 1;
"""
# Of each session.
PREPARED = [
    "PREPARE pr(int) AS SELECT w FROM t WHERE id = $1",
    "PREPARE prg(int) AS SELECT id FROM t WHERE g = $1",
    "PREPARE pw(int) AS UPDATE t SET w = 99 WHERE id = $1",
]
# The first state of all tables.
RESET = [
    "DELETE FROM c",
    "DELETE FROM d",
    "DELETE FROM p",
    "DELETE FROM t",
    "DELETE FROM x",
    "DELETE FROM other",
    "DELETE FROM q",
    "INSERT INTO t VALUES (1, 1, 10, 1), (2, 1, 200, 2), (3, 2, 300, 3), (4, 2, 40, NULL)",
    "INSERT INTO p VALUES (1, 1), (2, 2), (3, 3)",
    "INSERT INTO c VALUES (1, 1)",
    "INSERT INTO d VALUES (1, 2)",
    "INSERT INTO q VALUES (1, 1), (11, 11)",
    "INSERT INTO other VALUES (1, 0)",
]
# All that there is.
LOOK = [
    "SELECT * FROM t",
    "SELECT * FROM x",
    "SELECT * FROM other",
    "SELECT * FROM p",
    "SELECT * FROM c",
    "SELECT * FROM d",
    "SELECT * FROM q",
]
# Each reads of `t` what one of `WRITES` changes.
READS = [
    "SELECT w FROM t WHERE id = 1",
    "SELECT w FROM t WHERE id = 7",
    "SELECT sum(w) FROM t",
    "SELECT count(*) FROM t",
    "SELECT id FROM t WHERE id > 2",
    "SELECT id FROM t WHERE id BETWEEN 5 AND 9",
    "SELECT id FROM t WHERE g = 1",
    "SELECT id FROM t WHERE g = 1 ORDER BY id DESC LIMIT 1",
    "SELECT id, w FROM t WHERE g = 2 AND id > 3",
    "SELECT id FROM t WHERE w > 150",
    "SELECT id FROM t WHERE w + g = 11",
    "SELECT id FROM t WHERE u = 1",
    "SELECT id FROM t WHERE u IS NULL",
    "SELECT id FROM t WHERE u = 9",
    "SELECT id FROM t WHERE id IN (1, 7, 9)",
    "SELECT id FROM t WHERE id = 1 OR u = 9",
    "SELECT max(id) FROM t",
    "SELECT min(u) FROM t",
    "SELECT max(g) FROM t",
    "SELECT id FROM v",
    "SELECT 1 FROM other o WHERE EXISTS (SELECT 1 FROM t WHERE t.id = o.id)",
    "SELECT t.w FROM other o JOIN t ON t.id = o.id",
    "SELECT o.id FROM other o LEFT JOIN t ON t.g = o.id + 1",
    "SELECT DISTINCT g FROM t",
    "SELECT id FROM t ORDER BY id LIMIT 1",
    "SELECT id FROM t ORDER BY g DESC, id DESC LIMIT 2",
    "SELECT w FROM t WHERE g IS NULL",
    "UPDATE other SET n = (SELECT w FROM t WHERE id = 1) WHERE id = 1",
    "INSERT INTO other SELECT 5, count(*) FROM t WHERE g = 1",
    "DELETE FROM other USING t WHERE t.id = other.id AND t.w = 10",
    "MERGE INTO other o USING t ON o.id = t.id AND t.w = 10 WHEN MATCHED THEN UPDATE SET n = t.w",
    "INSERT INTO other SELECT 1, 1 FROM t WHERE id = 7 ON CONFLICT (id) DO UPDATE SET n = 9",
    "WITH z AS (SELECT g, count(*) AS n FROM t GROUP BY g) SELECT * FROM z",
    "SELECT id, row_number() OVER (ORDER BY id) FROM t WHERE g = 1",
    "SELECT id FROM t WHERE id = (SELECT max(id) FROM t)",
    "SELECT id FROM t WHERE w = 10 AND id = 1 UNION ALL SELECT id FROM t WHERE id = 7",
    "SELECT id FROM t TABLESAMPLE BERNOULLI (100)",
    "SELECT id FROM t WHERE (g, id) > (1, 1)",
    "SELECT id FROM t WHERE id >= 1 AND id < 3 AND w < 100",
    "DECLARE cu CURSOR FOR SELECT id, w FROM t WHERE id < 3; FETCH ALL FROM cu",
    "SELECT id, w FROM t WHERE id = 1 FOR KEY SHARE",
    "SELECT array_agg(w ORDER BY id) FROM t WHERE id = ANY (ARRAY[1, 2, 8])",
    "SELECT id FROM t t1 WHERE NOT EXISTS (SELECT 1 FROM t t2 WHERE t2.g = t1.g AND t2.id > t1.id)",
    "TABLE t",
    "SELECT coalesce((SELECT w FROM t WHERE id = 7), 0)",
    "SELECT id FROM t WHERE g = 1 AND w = 10",
    "EXECUTE pr(1)",
    "EXECUTE pr(7)",
    "EXECUTE prg(1)",
]
# Changes of `t`.
WRITES = [
    "UPDATE t SET w = 0 WHERE id = 1",
    "UPDATE t SET w = w + 1 WHERE id = 1",
    "DELETE FROM t WHERE id = 1",
    "INSERT INTO t VALUES (7, 7, 7, 7)",
    "INSERT INTO t VALUES (7, 1, 10, 9)",
    "UPDATE t SET id = 7 WHERE id = 1",
    "UPDATE t SET g = 1 WHERE id = 3",
    "UPDATE t SET g = 2 WHERE id = 1",
    "UPDATE t SET w = 500 WHERE id = 1",
    "UPDATE t SET u = 9 WHERE id = 4",
    "UPDATE t SET u = NULL WHERE id = 1",
    "DELETE FROM t",
    "UPDATE t SET w = 1 WHERE g = 1",
    "INSERT INTO t VALUES (1, 1, 1, 1) ON CONFLICT (id) DO UPDATE SET w = 77",
    "INSERT INTO t VALUES (7, 1, 1, 77) ON CONFLICT DO NOTHING",
    "INSERT INTO t VALUES (2, 1, 1, 1) ON CONFLICT DO NOTHING",
    "MERGE INTO t USING (VALUES (1), (7)) s(id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET w = 5 WHEN NOT MATCHED THEN INSERT VALUES (s.id, 1, 1, 8)",
    "MERGE INTO t USING (VALUES (1)) s(id) ON t.id = s.id WHEN MATCHED THEN DELETE",
    "INSERT INTO t SELECT i, 1, i, i FROM generate_series(100, 120) g(i)",
    "UPDATE v SET w = 3 WHERE id = 1",
    "DELETE FROM v WHERE id = 1",
    "INSERT INTO t VALUES (0, 0, 0, 0)",
    "INSERT INTO t VALUES (7, NULL, NULL, NULL)",
    "SAVEPOINT s; UPDATE t SET w = 0 WHERE id = 1; RELEASE s",
    "WITH z AS (UPDATE t SET w = 3 WHERE id = 1 RETURNING id) SELECT * FROM z",
    "EXECUTE pw(1)",
    "UPDATE t SET id = 7 WHERE id = 1; UPDATE t SET id = 1 WHERE id = 7",
]
# Of parents and children.
REFERENCES = [
    "DELETE FROM c WHERE id = 1",
    "DELETE FROM c WHERE p = 1",
    "SELECT p FROM c WHERE id = 1",
    "SELECT * FROM c",
    "DELETE FROM p WHERE id = 1",
    "DELETE FROM p WHERE id = 2",
    "DELETE FROM p WHERE id = 3",
    "INSERT INTO c VALUES (2, 3)",
    "INSERT INTO c VALUES (3, 2)",
    "INSERT INTO d VALUES (2, 3)",
    "SELECT id FROM p WHERE id = 3",
    "SELECT id FROM p WHERE id = 4",
    "INSERT INTO p VALUES (4, 4)",
    "INSERT INTO c VALUES (5, 4)",
    "SELECT * FROM d WHERE p = 2",
    "UPDATE c SET p = 3 WHERE id = 1",
    "UPDATE p SET w = 9 WHERE id = 3",
    "UPDATE p SET id = 4 WHERE id = 3",
    "DELETE FROM d WHERE id = 1",
    "SELECT count(*) FROM p",
    "SELECT id FROM p WHERE w = 3",
    "INSERT INTO x VALUES (1)",
    "SELECT * FROM x",
    "UPDATE d SET p = 1 WHERE id = 1",
    "DELETE FROM p WHERE w = 1",
]
# Of a unique key that may be free or taken.
KEYS = [
    "SELECT id FROM t WHERE u = 1",
    "SELECT id FROM t WHERE u = 9",
    "DELETE FROM t WHERE id = 1",
    "INSERT INTO t VALUES (7, 7, 7, 1)",
    "INSERT INTO t VALUES (8, 7, 7, 9)",
    "UPDATE t SET u = 9 WHERE id = 1",
    "UPDATE t SET u = 1 WHERE id = 4",
    "UPDATE t SET u = NULL WHERE id = 1",
    "UPDATE t SET u = 9 WHERE id = 3",
    "SELECT u FROM t WHERE id = 1",
    "SELECT u FROM t WHERE id = 4",
    "SELECT id FROM t WHERE w = 10",
    "INSERT INTO t VALUES (8, 7, 7, 9) ON CONFLICT DO NOTHING",
    "INSERT INTO t VALUES (9, 7, 7, 1) ON CONFLICT (u) DO UPDATE SET g = 5",
    "SELECT g FROM t WHERE id = 1",
    "INSERT INTO x VALUES (1)",
    "SELECT * FROM x",
    "DELETE FROM t WHERE u = 9",
    "DELETE FROM t WHERE id = 8",
    "UPDATE t SET g = 9 WHERE id = 1",
    "INSERT INTO t VALUES (1, 7, 7, 1)",
]
# Of rows that go from one partition to another.
PARTITIONS = [
    "SELECT * FROM q",
    "SELECT w FROM q WHERE id = 1",
    "SELECT w FROM q WHERE id = 11",
    "SELECT w FROM q WHERE id = 5",
    "UPDATE q SET id = 11 WHERE id = 1",
    "UPDATE q SET id = 5 WHERE id = 11",
    "INSERT INTO q VALUES (5, 5)",
    "DELETE FROM q WHERE w = 1",
    "SELECT * FROM q1",
    "UPDATE q2 SET w = 0",
    "INSERT INTO q1 VALUES (6, 1)",
    "UPDATE q SET w = w + 1",
    "SELECT count(*) FROM q WHERE id > 9",
]
