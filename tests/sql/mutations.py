"""Statements of every kind, and mutations of them: what a person's slip or a program's bug might hand to the parser.

python -m tests.sql.mutations --count 200000 --seed 1    # parses so many; prints what raised anything but a typed error
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Iterator

import lungfish
from lungfish.sql import parse

STATEMENTS = (
    "SELECT a, b.c AS d FROM t AS b JOIN u USING (id) WHERE a > 1 AND b.c LIKE 'x%' GROUP BY 1, 2 HAVING count(*) > 2 ORDER BY 1 DESC NULLS LAST LIMIT 3 OFFSET 1",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SEARCH DEPTH FIRST BY n SET o SELECT * FROM r",
    "SELECT sum(x) FILTER (WHERE y) OVER (PARTITION BY z ORDER BY w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t WINDOW v AS (ORDER BY q)",
    "SELECT CASE a WHEN 1 THEN 'x' ELSE NULL END, CAST('1' AS numeric(5,2)), '2'::int, ARRAY[1,2][1], ROW(1, 'a'), (SELECT 1), EXISTS (SELECT 1)",
    "SELECT a IN (1, 2), b NOT BETWEEN SYMMETRIC 1 AND 2, c IS NOT DISTINCT FROM d, e = ANY (ARRAY[1]), f AT TIME ZONE 'UTC', INTERVAL '1 day', DATE '2024-01-01'",
    "SELECT * FROM a LEFT JOIN LATERAL (SELECT 1) AS s ON true, generate_series(1, 3) WITH ORDINALITY AS g(x, n), ROWS FROM (f(1), g(2)) AS h",
    "SELECT DISTINCT ON (a) a, b FROM t GROUP BY GROUPING SETS ((a), ROLLUP (a, b), CUBE (b), ()) FOR UPDATE OF t SKIP LOCKED",
    "VALUES (1, 'a'), (2, NULL) UNION ALL SELECT 3, E'\\n' EXCEPT SELECT 4, $$x$$ INTERSECT TABLE u FETCH FIRST 2 ROWS WITH TIES",
    "INSERT INTO t (a, b) VALUES (1, DEFAULT), ($1, ?) ON CONFLICT (a) WHERE b > 0 DO UPDATE SET b = excluded.b RETURNING old.a, new.*",
    "UPDATE t SET (a, b) = (SELECT 1, 2), c = DEFAULT, d[1] = 3 FROM u WHERE t.id = u.id RETURNING *",
    "DELETE FROM t USING u WHERE t.id = u.id AND u.x IS NULL RETURNING t.id",
    "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED AND u.x > 1 THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT (id) VALUES (u.id) WHEN NOT MATCHED BY SOURCE THEN DELETE",
    "CREATE TABLE IF NOT EXISTS s.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text COLLATE \"C\" NOT NULL DEFAULT 'x', b numeric(10,2) CHECK (b > 0), c int GENERATED ALWAYS AS (b * 2) STORED, FOREIGN KEY (a) REFERENCES u (x) ON DELETE CASCADE DEFERRABLE)",
    "ALTER TABLE t ADD COLUMN x int, DROP COLUMN IF EXISTS y CASCADE, ALTER COLUMN z TYPE text USING z::text, ADD CONSTRAINT c UNIQUE (a, b), RENAME TO v",
    "CREATE UNIQUE INDEX CONCURRENTLY i ON t USING btree (lower(a) DESC NULLS LAST, b) INCLUDE (c) WHERE d IS NOT NULL",
    "CREATE OR REPLACE VIEW v (a, b) AS SELECT 1, 2 WITH CHECK OPTION",
    "CREATE OR REPLACE RULE r AS ON UPDATE TO v WHERE old.a > 1 DO INSTEAD (UPDATE t SET a = new.a WHERE b = old.b; SELECT new.*)",
    "ALTER TABLE t DISABLE RULE r", "DROP RULE IF EXISTS r ON t CASCADE", "CREATE MATERIALIZED VIEW m AS SELECT 1 WITH NO DATA",
    "CREATE SEQUENCE s INCREMENT BY -1 MINVALUE 1 MAXVALUE 100 START 50 CACHE 5 CYCLE OWNED BY t.a", "DROP TABLE IF EXISTS a, b.c CASCADE",
    "CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE DOMAIN d AS int CHECK (VALUE > 0)", "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'",
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SAVEPOINT a", "ROLLBACK TO SAVEPOINT a", "COMMIT AND CHAIN", "SET LOCAL search_path TO a, \"B\"",
    "COPY t (a, b) FROM STDIN WITH (FORMAT csv, HEADER true, DELIMITER ';')", "COPY (SELECT 1) TO STDOUT CSV", "PREPARE p (int) AS SELECT $1", "EXECUTE p (1)",
    "EXPLAIN (ANALYZE, FORMAT json) SELECT 1", "CHECKPOINT", "ANALYZE t (a)", "VACUUM t", "TRUNCATE t RESTART IDENTITY", "COMMENT ON COLUMN t.a IS 'x'",
    "DECLARE c SCROLL CURSOR FOR SELECT 1", "FETCH FORWARD 3 FROM c", "LOCK TABLE t IN SHARE MODE", "SHOW ALL", "RESET timezone", "DEALLOCATE ALL",
    "SELECT extract(year FROM d), trim(BOTH 'x' FROM y), substring(a FROM 1 FOR 2), position('a' IN b), overlay(a PLACING b FROM 1), (a, b) OVERLAPS (c, d)",
    "SELECT j -> 'a' ->> 0 #>> '{a,b}' @> '{}'::jsonb, x::int[], '[1,2)'::int4range && r, B'101' | X'F', U&'\\0061', 1e10, .5, 0x1F, 1_000",
)  # fmt: skip
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"[^\"]*\"|\$\$.*?\$\$|[A-Za-z_]\w*|\d+\.?\d*|\s+|::|<=|>=|<>|.", re.DOTALL
)
_STRAY = (
    "'", '"', "$$", "$1", "(", ")", "[", "]", ",", ";", "::", ".", "--", "/*", "*/", "\\", "\x00", "\u00e4", "\U0001f600", "NULL", "SELECT", "FROM",
    "WHERE", "AS", "ON", "(((((", "-", "+", "~", "@", "#", "?", ":x", "E'\\", "U&'", "B'2'", "0x", "1e", "1.", "999999999999999999999999", "\n", "\ud800",
)  # fmt: skip


def mutated(source: random.Random) -> str:
    """A statement with one to four changes, or two statements grown together."""
    tokens = _TOKEN.findall(source.choice(STATEMENTS))
    for _ in range(source.randint(1, 4)):
        if not tokens:
            break
        place = source.randrange(len(tokens))
        match source.randrange(8):
            case 0:
                del tokens[place]
            case 1:
                tokens.insert(place, tokens[source.randrange(len(tokens))])
            case 2:
                other = source.randrange(len(tokens))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case 3:
                tokens.insert(place, source.choice(_STRAY))
            case 4:
                del tokens[place:]
            case 5:
                word = tokens[place]
                cut = source.randrange(len(word) + 1)
                tokens[place] = word[:cut] + source.choice(_STRAY) + word[cut:]
            case 6:
                others = _TOKEN.findall(source.choice(STATEMENTS))
                tokens[place:place] = others[source.randrange(len(others)) :]
            case _:
                tokens[place] = tokens[place] * source.choice((2, 3, 40))
    return "".join(tokens)


def untyped_errors(count: int, seed: int) -> Iterator[str]:
    """What went wrong with anything but a typed error while `count` mutated statements were parsed."""
    source = random.Random(f"mutations {seed}")
    for _ in range(count):
        sql = mutated(source)
        try:
            parse(sql)
        except lungfish.Error as error:
            if error.sqlstate in (None, "XX000"):
                yield f"{sql!r}: {error.sqlstate} {error.message}"
        except Exception as error:
            yield f"{sql!r}: {type(error).__name__}: {error}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Parse mutated statements.")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    found = 0
    for text in untyped_errors(options.count, options.seed):
        found += 1
        print(text[:500], flush=True)
        if found >= 30:
            break
    print(f"{options.count} statements, {found} untyped errors, {time.monotonic() - started:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
