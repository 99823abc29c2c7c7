"""How long a statement runs on after `Connection.cancel()`, for each operator and for functions that compute long.

    python -m bench.cancel                       # every case
    python -m bench.cancel --only sort --rows 300000
    python -m bench.cancel --interrupt           # by SIGINT, which raises KeyboardInterrupt

Each statement runs once to its end, or for some seconds, and is then begun again and cancelled at several places of that time. What is printed is
the longest time from the call of `cancel()` to the error in the thread that ran the statement, in milliseconds: by the clock, and what that thread
has computed meanwhile. On a busy machine the second tells what the first would be on a quiet one, but for what it waits for.
"""

from __future__ import annotations

import argparse
import itertools
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import lungfish
from lungfish.connection import Connection

PLACES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
# How long a statement may run before it is taken for one that never ends.
ENDLESS_S = 4.0
AIM_MS = 100.0
WAIT_S = 60.0
# When somebody presses Ctrl-C again.
AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """One statement; `{rows}` stands for the number of rows of the tables."""

    name: str
    sql: str
    # Run before it, in the same transaction.
    before: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How long a statement runs, and how long it went on, at most, after it was told to stop."""

    whole_s: float
    clock_ms: float
    # Of the thread that ran it.
    computed_ms: float


SCHEMA = """
    CREATE TABLE t (i integer, k integer, s text, n numeric, f double precision);
    INSERT INTO t SELECT i, i % 1000, 'text of row ' || i, i / 7.0, i / 3.0 FROM generate_series(1, {rows}) g(i);
    CREATE TABLE u (i integer PRIMARY KEY, k integer, s text);
    INSERT INTO u SELECT i, k, s FROM t;
    CREATE TABLE parted (i integer, s text) PARTITION BY RANGE (i);
    CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (MINVALUE) TO (1000);
    CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (1000) TO (MAXVALUE);
    INSERT INTO parted SELECT i, s FROM t;
"""

CASES = (
    Case("scan", "SELECT * FROM t"),
    Case("filter", "SELECT * FROM t WHERE n * n > 5 AND s LIKE '%77%5'"),
    Case("project numeric", "SELECT n * n / 3, sqrt(n), n ^ 1.5 FROM t"),
    Case("index scan", "SELECT count(s) FROM u WHERE i > 0"),
    Case("index order", "SELECT * FROM u ORDER BY i"),
    Case("sort text", "SELECT * FROM t ORDER BY s || 'x', n"),
    Case("sort numeric", "SELECT * FROM t ORDER BY n"),
    Case("top n", "SELECT * FROM t ORDER BY s LIMIT 5"),
    Case("hash join", "SELECT count(*), sum(a.n) FROM t a JOIN t b ON a.s = b.s"),
    Case("hash join many", "SELECT count(*), sum(a.n + b.n) FROM t a JOIN t b ON a.k = b.k"),
    Case("full join", "SELECT count(*) FROM t a FULL JOIN u b ON a.i = b.i + 7 AND a.s = b.s"),
    Case("nested loop", "SELECT count(*) FROM t a JOIN t b ON a.i < b.i AND a.s > b.s"),
    Case("cross join", "SELECT sum(a.i * b.i) FROM t a, t b"),
    Case("semi join", "SELECT count(*) FROM t a WHERE EXISTS (SELECT FROM t b WHERE b.s = a.s AND b.n > a.n)"),
    Case("not in", "SELECT count(*) FROM t a WHERE a.i NOT IN (SELECT b.i + a.k FROM t b WHERE b.k = a.k)"),
    Case("lateral", "SELECT count(*) FROM t a, LATERAL (SELECT max(i) FROM u b WHERE b.i < a.i) c"),
    Case("scalar subquery", "SELECT (SELECT max(b.s) FROM u b WHERE b.i = a.i + a.k) FROM t a"),
    Case("aggregate", "SELECT sum(n), avg(n), min(s), max(s), count(DISTINCT s) FROM t"),
    Case("group by", "SELECT s, sum(n), count(*) FROM t GROUP BY s"),
    Case("group by few", "SELECT k, sum(n), array_agg(s ORDER BY s), stddev(n) FROM t GROUP BY k"),
    Case("grouping sets", "SELECT s, k, sum(n) FROM t GROUP BY CUBE (s, k, i)"),
    Case("statistics", "SELECT corr(f, i), regr_slope(f, i), percentile_cont(0.5) WITHIN GROUP (ORDER BY f) FROM t"),
    Case("mode", "SELECT mode() WITHIN GROUP (ORDER BY s) FROM t"),
    Case("string_agg", "SELECT length(string_agg(s, ',')) FROM t"),
    Case("string_agg ordered", "SELECT length(string_agg(s, ',' ORDER BY s DESC)) FROM t"),
    Case("array_agg", "SELECT cardinality(array_agg(n)) FROM t"),
    Case("json_agg", "SELECT length(json_agg(t)::text) FROM t"),
    Case("jsonb_object_agg", "SELECT jsonb_object_agg(s, n) FROM t"),
    Case("numeric sum", "SELECT sum(n * 1.0000000000000000000000000000001) FROM t"),
    Case("window running", "SELECT sum(n) OVER (ORDER BY s) FROM t"),
    Case("window partitions", "SELECT rank() OVER (PARTITION BY k ORDER BY s), lag(s) OVER (PARTITION BY k ORDER BY i) FROM t"),
    Case("distinct", "SELECT DISTINCT s, n FROM t"),
    Case("distinct on", "SELECT DISTINCT ON (k) * FROM t ORDER BY k, s"),
    Case("union", "SELECT s FROM t UNION SELECT s || 'x' FROM u"),
    Case("union all", "SELECT count(*) FROM (SELECT s || i FROM t UNION ALL SELECT s || k FROM u) x"),
    Case("intersect", "SELECT s, n FROM t INTERSECT SELECT s, n FROM t"),
    Case("except", "SELECT s, n FROM t EXCEPT ALL SELECT s, n FROM t"),
    Case("recursion", "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"),
    Case("recursion doubling", "WITH RECURSIVE r(n, d) AS (SELECT i, 0 FROM t UNION SELECT n + 1, d + 1 FROM r WHERE d < 9) SELECT count(*) FROM r"),
    Case("recursion numeric", "WITH RECURSIVE r(n) AS (SELECT 1.0 UNION ALL SELECT n * 1.0000001 FROM r) SELECT count(*) FROM r"),
    Case("recursive function", "SELECT deep(20 + i % 5) FROM t",
         "CREATE FUNCTION deep(n integer) RETURNS integer LANGUAGE sql AS 'SELECT CASE WHEN n <= 0 THEN 0 ELSE 1 + deep(n - 1) END'"),
    Case("limit offset", "SELECT * FROM generate_series(1, 20000000) g OFFSET 19999999"),
    Case("generate_series", "SELECT count(*) FROM generate_series(1, 50000000)"),
    Case("generate_series numeric", "SELECT count(*) FROM generate_series(1.0, 5000000.0)"),
    Case("generate_series times", "SELECT count(*) FROM generate_series(timestamp '2000-01-01', '2020-01-01', '1 minute')"),
    Case("series in list", "SELECT generate_series(1, 10000000)"),
    Case("unnest", "SELECT count(*) FROM unnest(array_fill(7, ARRAY[10000000])) x"),
    Case("values scan", "SELECT count(*) FROM (SELECT unnest(ARRAY[1, 2, 3, 4]) FROM t) x"),
    Case("create table as", "CREATE TABLE v AS SELECT * FROM t"),
    Case("insert select", "INSERT INTO t SELECT * FROM t"),
    Case("insert with key", "INSERT INTO u SELECT i + 10000000, k, s FROM t"),
    Case("insert on conflict", "INSERT INTO u SELECT i, k, s FROM t ON CONFLICT (i) DO UPDATE SET k = 1"),
    Case("insert partitions", "INSERT INTO parted SELECT i, s FROM t"),
    Case("insert returning", "INSERT INTO t SELECT * FROM t RETURNING *"),
    Case("insert broken key", "INSERT INTO u SELECT i + 10000000, k, s FROM t UNION ALL SELECT 1, 1, ''"),
    Case("update", "UPDATE t SET k = k + 1, s = s || 'x'"),
    Case("update key", "UPDATE u SET i = i + 10000000"),
    Case("update from", "UPDATE t SET k = u.k + 1 FROM u WHERE u.i = t.i"),
    Case("update partitions", "UPDATE parted SET i = 1000 - i"),
    Case("delete", "DELETE FROM t"),
    Case("delete with key", "DELETE FROM u"),
    Case("delete using", "DELETE FROM t USING u WHERE t.i = u.i"),
    Case("merge", "MERGE INTO u USING t ON u.i = t.i WHEN MATCHED THEN UPDATE SET k = t.k + 1"),
    Case("update same length", "UPDATE t SET k = k + 1"),
    Case("update twice", "UPDATE t SET k = k + 1", "UPDATE t SET k = k + 1"),
    Case("update behind savepoint", "UPDATE t SET k = k + 1, f = f + 1", "SAVEPOINT s"),
    Case("update two indexes", "UPDATE t SET k = k + 1, s = reverse(s)", "CREATE INDEX ON t (k); CREATE INDEX ON t (s)"),
    Case("update cascading", "UPDATE u SET i = i + 10000000",
         "CREATE TABLE child (i integer REFERENCES u ON UPDATE CASCADE); CREATE INDEX ON child (i); INSERT INTO child SELECT i FROM u"),
    Case("delete two indexes", "DELETE FROM t", "CREATE INDEX ON t (k); CREATE INDEX ON t (s)"),
    Case("delete cascading", "DELETE FROM u",
         "CREATE TABLE child (i integer REFERENCES u ON DELETE CASCADE); CREATE INDEX ON child (i); INSERT INTO child SELECT i FROM u"),
    Case("delete returning", "DELETE FROM t RETURNING *"),
    Case("insert two indexes", "INSERT INTO t SELECT * FROM t", "CREATE INDEX ON t (k); CREATE INDEX ON t (s)"),
    Case("merge of all kinds", "MERGE INTO u USING (SELECT i + 30000 AS i FROM t) v ON u.i = v.i WHEN MATCHED AND v.i % 2 = 0 THEN DELETE"
         " WHEN MATCHED THEN UPDATE SET k = 1 WHEN NOT MATCHED THEN INSERT VALUES (v.i, 1, '')"),
    Case("for update", "SELECT * FROM u FOR UPDATE"),
    Case("create index", "CREATE INDEX ON t (s)"),
    Case("create index numeric", "CREATE INDEX ON t (n, k)"),
    Case("create unique index", "CREATE UNIQUE INDEX ON t (s, i)"),
    Case("create index expression", "CREATE INDEX ON t (lower(s), (n + 1))"),
    Case("add primary key", "ALTER TABLE t ADD PRIMARY KEY (i)"),
    Case("add check", "ALTER TABLE t ADD CHECK (n < 100000000 AND s <> '')"),
    Case("add foreign key", "ALTER TABLE t ADD FOREIGN KEY (i) REFERENCES u"),
    Case("set not null", "ALTER TABLE t ALTER s SET NOT NULL, ALTER n SET NOT NULL"),
    Case("alter type", "ALTER TABLE t ALTER i TYPE text"),
    Case("add column", "ALTER TABLE t ADD COLUMN z numeric DEFAULT random()"),
    Case("attach partition", "ALTER TABLE parted ATTACH PARTITION part_of FOR VALUES FROM (2000000000) TO (2100000000)",
         "ALTER TABLE parted DETACH PARTITION parted_high; CREATE TABLE part_of AS SELECT i + 2000000000 AS i, s FROM t"),
    Case("refresh", "REFRESH MATERIALIZED VIEW m", "CREATE MATERIALIZED VIEW m AS SELECT * FROM t WITH NO DATA"),
    Case("rollback to savepoint", "ROLLBACK TO s", "SAVEPOINT s; INSERT INTO u SELECT i + 10000000, k, s FROM t"),
    Case("truncate", "TRUNCATE t"),
    Case("analyze", "ANALYZE t, u"),
    Case("copy out", "COPY t TO STDOUT"),
    Case("copy to file", "COPY t TO '{folder}/out.csv' (FORMAT csv)"),
    Case("copy from file", "COPY u FROM '{folder}/in.csv' (FORMAT csv)", "DELETE FROM u"),
    Case("as of", "SELECT count(*), min(s), sum(n) FROM t AS OF CHECKPOINT 'kept'"),
    Case("repeat", "SELECT length(repeat('x', 1000000) || s) FROM t"),
    Case("long strings", "SELECT length(replace(upper(repeat('abcdefgh', 100000)), 'A', 'BB') || s) FROM t"),
    Case("reverse", "SELECT md5(reverse(repeat('abcdefgh', 100000)) || i) FROM t"),
    Case("translate", "SELECT length(translate(repeat('abcdefgh', 100000), 'ab', 'cd') || s) FROM t"),
    Case("lpad", "SELECT length(lpad(s, 1000000, 'xyz')) FROM t"),
    Case("overlay", "SELECT length(overlay(repeat(s, 100000) placing 'x' from 5)) FROM t"),
    Case("split", "SELECT cardinality(string_to_array(repeat('a,', 100000) || s, ',')) FROM t"),
    Case("split_part", "SELECT split_part(repeat('a,', 200000) || s, ',', 199999) FROM t"),
    Case("like long", "SELECT count(*) FROM t WHERE repeat(s, 20000) LIKE '%a%b%c%d%e%f%g%'"),
    Case("encode", "SELECT length(encode(sha256(convert_to(repeat(s, 50000), 'UTF8')), 'hex')) FROM t"),
    Case("base64", "SELECT length(encode(convert_to(repeat('x', 1000000), 'UTF8'), 'base64')) + i FROM t"),
    Case("format", "SELECT length(format('%s %s', repeat(s, 100000), n)) FROM t"),
    Case("long arrays", "SELECT cardinality(array_cat(array_fill(i, ARRAY[100000]), array_fill(k, ARRAY[100000]))) FROM t"),
    Case("array positions", "SELECT cardinality(array_positions(array_fill(i, ARRAY[100000]), i)) FROM t"),
    Case("array contains", "SELECT count(*) FROM t WHERE array_fill(i, ARRAY[300000]) @> array_fill(k, ARRAY[300000])"),
    Case("array text", "SELECT length(array_fill(i, ARRAY[100000])::text) FROM t"),
    Case("array_to_string", "SELECT length(array_to_string(array_fill(i, ARRAY[100000]), ',')) FROM t"),
    Case("json parse", "SELECT length((('[' || repeat('{{\"a\": 1}},', 30000) || '1]')::jsonb)::text) + i FROM t"),
    Case("json elements", "SELECT count(*) FROM jsonb_array_elements(('[' || repeat('{{\"a\": 1}},', 100000) || '1]')::jsonb)"),
    Case("json path", "SELECT jsonb_path_query_array(('[' || repeat('{{\"a\": 1}},', 30000) || '1]')::jsonb, '$[*].a ? (@ > 0)') FROM t"),
    Case("to_json", "SELECT length(to_json(array_fill(i, ARRAY[100000]))::text) FROM t"),
    Case("numeric power", "SELECT length((1.0000001 ^ 100000000.5)::text), length((7::numeric ^ 40000)::text) FROM t"),
    Case("numeric multiply", "SELECT length((repeat('7', 30000)::numeric * repeat('3', 30000)::numeric + i)::text) FROM t"),
    Case("numeric divide", "SELECT length((repeat('7', 60000)::numeric / repeat('3', 30000)::numeric + i)::text) FROM t"),
    Case("numeric sqrt", "SELECT sqrt(repeat('7', 30000)::numeric + i) FROM t"),
    Case("numeric exp", "SELECT exp(5000.123 + i / 1000000.0), ln(repeat('7', 3000)::numeric + i) FROM t"),
    Case("factorial", "SELECT length(factorial(20000 + i % 7)::text) FROM t"),
    Case("gcd", "SELECT gcd(repeat('7', 3000)::numeric, repeat('3', 2999)::numeric + i) FROM t"),
    Case("to_char", "SELECT to_char(n, '999,999,999.99'), to_char(timestamp '2000-01-01' + i * interval '1 hour', 'Day Month YYYY') FROM t"),
    Case("casts", "SELECT s::bytea, n::text::float8, (i::text || ' days')::interval FROM t"),
    Case("sql function", "SELECT sum(twice(i)) FROM t", "CREATE FUNCTION twice(integer) RETURNS integer LANGUAGE sql AS 'SELECT count(*)::int + $1 FROM t'"),
    Case("pg_sleep", "SELECT pg_sleep(100)"),
    Case("constant repeat", "SELECT length(repeat(repeat('x', 10000), 10000))"),
    # Computed while the statement is planned.
    Case("constant pattern", "SELECT repeat('ab', 3000000) ~ '(a|b)*(ab|ba)*(a|b)*c'"),
    Case("constant search", "SELECT position('ba' || repeat('a', 3000) in repeat(repeat('a', 2999) || 'b', 100000))"),
    Case("constant power", "SELECT length((7::numeric ^ 100000)::text), length((1.0000001 ^ 100000000.5)::text), sqrt(repeat('7', 60000)::numeric)"),
    Case("constant array", "SELECT cardinality(array_cat(array_fill(1, ARRAY[3000000]), array_fill(2, ARRAY[3000000]))), array_fill(1, ARRAY[1000000])::text"),
    Case("constant json", "SELECT jsonb_path_query_array(('[' || repeat('{{\"a\": 1}},', 1000000) || '1]')::jsonb, '$[*].a')"),
    Case("constant hash", "SELECT md5(repeat(repeat('x', 10000), 5000))"),
    Case("constant in rows", "SELECT count(*) FROM t WHERE s ~ (repeat('x', 50) || '(a|b)*c') OR length(reverse(repeat('ab', 10000000))) < i"),
    Case("explain analyze", "EXPLAIN ANALYZE SELECT count(*) FROM t a JOIN t b ON a.k = b.k"),
)  # fmt: skip

# Outside a transaction.
ALONE = (
    Case("vacuum", "VACUUM"),
    Case("scrub", "SCRUB"),
    Case("checkpoint", "CHECKPOINT"),
    Case("update alone", "UPDATE t SET k = k + 1"),
)


class Bench:
    """A database full of rows, and the thread that runs statements in it."""

    def __init__(
        self,
        row_count: int,
        folder: Path,
        *,
        endless_s: float = ENDLESS_S,
        is_interrupted: bool = False,
    ) -> None:
        """`is_interrupted`: statements are stopped by SIGINT, as Ctrl-C does; made in the main thread then."""
        self._is_interrupted = is_interrupted
        self._is_running = False
        if is_interrupted:
            signal.signal(signal.SIGINT, self._interrupt)
        self._endless_s = endless_s
        # Each text is another one, so that it is planned anew: that takes time too.
        self._numbers = itertools.count()
        self._names = {"rows": row_count, "folder": folder}
        self.database = lungfish.open(folder / "cancel.db")
        self.connection = self.database.connect(autocommit=True)
        self.connection.execute(self._fill(SCHEMA))
        self.connection.execute("CHECKPOINT (NAME 'kept')")
        path = folder / "in.csv"
        with path.open("w") as file:
            file.writelines(
                f"{i + 20_000_000},{i % 1000},text of row {i}\n" for i in range(row_count)
            )

    def _fill(self, text: str) -> str:
        return text.format(**self._names)

    def _interrupt(self, _number: int, _frame: object) -> None:
        """What Python does itself, but for an interrupt that comes too late."""
        if self._is_running:
            raise KeyboardInterrupt

    def _stop(self) -> None:
        if self._is_interrupted:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        else:
            self.connection.cancel()

    def close(self) -> None:
        """Close all."""
        if self._is_interrupted:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.connection.close()
        self.database.close()

    def worst(
        self, case: Case, *, in_transaction: bool = True, places: Sequence[float] = PLACES
    ) -> Outcome:
        """The longest that the statement ran on after a cancel."""
        whole_s, after = self._run(case, self._endless_s, in_transaction)
        found = [after]
        for place in places:
            _, after = self._run(case, whole_s * place, in_transaction)
            found.append(after)
        clock_s, computed_s = zip(*found, strict=True)
        return Outcome(whole_s, max(clock_s) * 1000, max(computed_s) * 1000)

    def _run(
        self, case: Case, delay_s: float, in_transaction: bool
    ) -> tuple[float, tuple[float, float]]:
        """Run the statement and cancel it so much later: its seconds; those after the cancel, by the clock and computed (0: it was over before)."""
        connection = self.connection
        if in_transaction:
            connection.execute("BEGIN")
        if case.before:
            connection.execute(self._fill(case.before))
        computing = time.pthread_getcpuclockid(threading.get_ident())
        cancelled_at: list[tuple[float, float]] = []
        over = threading.Event()

        def cancel_later() -> None:
            if not over.wait(delay_s):
                cancelled_at.append((time.perf_counter(), time.clock_gettime(computing)))
                self._stop()
                # CPython drops what is raised in a finalizer: who sees no end presses Ctrl-C again.
                while not over.wait(AGAIN_S):
                    self._stop()

        canceller = threading.Thread(target=cancel_later)
        canceller.start()
        began = time.perf_counter()
        try:
            with suppress(
                lungfish.errors.QueryCanceled, lungfish.errors.UniqueViolation, KeyboardInterrupt
            ):
                self._is_running = True
                _drain(connection, f"{self._fill(case.sql)} /* {next(self._numbers)} */")
        finally:
            self._is_running = False
            ended, computed = time.perf_counter(), time.clock_gettime(computing)
            over.set()
            canceller.join(WAIT_S)
            if in_transaction:
                connection.execute("ROLLBACK")
        after = (0.0, 0.0)
        if cancelled_at:
            after = ended - cancelled_at[0][0], computed - cancelled_at[0][1]
        return ended - began, after


def _drain(connection: Connection, sql: str) -> None:
    if sql.startswith("COPY") and "STDOUT" in sql:
        with connection.copy(sql) as copy:
            for _ in copy:
                pass
        return
    connection.execute(sql).close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and tell which statements run on for too long."""
    parser = argparse.ArgumentParser(prog="python -m bench.cancel", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument(
        "--seconds", type=float, default=ENDLESS_S, help="how long a statement may run at most"
    )
    parser.add_argument(
        "--interrupt", action="store_true", help="stop them by SIGINT, not cancel()"
    )
    options = parser.parse_args(arguments)
    slow = 0
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            options.rows, Path(folder), endless_s=options.seconds, is_interrupted=options.interrupt
        )
        for case, in_transaction in itertools.chain(
            ((c, True) for c in CASES), ((c, False) for c in ALONE)
        ):
            if options.only not in case.name:
                continue
            try:
                worst = bench.worst(case, in_transaction=in_transaction)
            except lungfish.Error as error:
                print(f"{case.name:26} {type(error).__name__}: {error}", flush=True)
                continue
            mark = "  SLOW" if worst.computed_ms > AIM_MS else ""
            slow += worst.computed_ms > AIM_MS
            print(
                f"{case.name:26} runs {worst.whole_s:6.2f} s, ends {worst.clock_ms:8.1f} ms after,"
                f" {worst.computed_ms:8.1f} computed{mark}",
                flush=True,
            )
        bench.close()
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
