"""Figures come from one registry: as a view, as OpenMetrics text, and as verdicts on the database's health."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import lungfish
from lungfish.database import DatabaseOptions
from lungfish.recovery.openmetrics import openmetrics_text
from lungfish.recovery.telemetry import Reading, StorageTelemetryRegistry
from lungfish.storage.clock import ManualClock

LINE = re.compile(r'^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+-]+$')


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def connection(clock: ManualClock) -> Iterator[lungfish.Connection]:
    options = DatabaseOptions(clock=clock, checkpoint_wal_bytes=0)
    with lungfish.connect(":memory:", autocommit=True, options=options) as made:
        yield made


def level(connection: lungfish.Connection, check: str) -> str:
    found = connection.execute(
        "SELECT level FROM lungfish.health WHERE check_name = $1", (check,)
    ).fetchval()
    return str(found)


def test_every_sample_of_the_openmetrics_text_belongs_to_a_declared_family() -> None:
    registry = StorageTelemetryRegistry()
    registry.counter("rows", unit="", help='a "quoted"\nhelp', labels=(("table", 'x"y'),)).add(2)
    registry.histogram("wait", unit="ms", help="waits").observe(3.0)
    registry.register(Reading("age", "gauge", "s", "an age", (), lambda: 1.5))
    text = openmetrics_text(registry.metrics())
    assert text.splitlines() == [
        "# TYPE lungfish_age_seconds gauge",
        "# UNIT lungfish_age_seconds seconds",
        "# HELP lungfish_age_seconds an age",
        "lungfish_age_seconds 1.5",
        "# TYPE lungfish_rows counter",
        '# HELP lungfish_rows a \\"quoted\\"\\nhelp',
        'lungfish_rows_total{table="x\\"y"} 2',
        "# TYPE lungfish_wait_seconds summary",
        "# UNIT lungfish_wait_seconds seconds",
        "# HELP lungfish_wait_seconds waits",
        "lungfish_wait_seconds_count 1",
        "lungfish_wait_seconds_sum 0.003",
        'lungfish_wait_seconds{quantile="0.5"} 0.005',
        'lungfish_wait_seconds{quantile="0.99"} 0.005',
        "# EOF",
    ]


def test_sql_gives_the_same_figures_as_text_and_as_rows(connection: lungfish.Connection) -> None:
    connection.execute("CREATE TABLE t (a int)")
    text = str(connection.execute("SELECT lungfish.openmetrics()").fetchval())
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert samples
    assert all(LINE.match(line) for line in samples), samples
    in_view = connection.execute(
        "SELECT value FROM lungfish.metrics WHERE name = 'wal_bytes'"
    ).fetchval()
    assert f"lungfish_wal_bytes_total {in_view:.0f}" in samples


def test_a_checkpoint_s_writes_are_the_checkpointer_s(connection: lungfish.Connection) -> None:
    connection.execute("CREATE TABLE t (a int)")
    counted = """SELECT writes + extends, fsyncs FROM pg_stat_io
        WHERE backend_type = 'checkpointer' AND object = 'relation'"""
    assert connection.execute(counted).fetchone() == (0, 0)
    connection.execute("CHECKPOINT")
    writes, syncs = connection.execute(counted).fetchone()
    assert writes > 0
    assert syncs == 2


def test_an_old_image_is_a_lag_only_while_it_lacks_something(
    connection: lungfish.Connection, clock: ManualClock
) -> None:
    connection.execute("CHECKPOINT")
    clock.advance(200)
    assert level(connection, "checkpoint_lag") == "ok"
    connection.execute("CREATE TABLE t (a int)")
    assert level(connection, "checkpoint_lag") == "warn"
    clock.advance(200)
    assert level(connection, "checkpoint_lag") == "critical"
    remedy = connection.execute(
        "SELECT remedy_sql FROM lungfish.health WHERE check_name = 'checkpoint_lag'"
    ).fetchval()
    connection.execute(str(remedy))
    assert level(connection, "checkpoint_lag") == "ok"


def test_a_transaction_that_stays_open_is_named_by_health_and_snapshots(clock: ManualClock) -> None:
    options = DatabaseOptions(clock=clock, checkpoint_wal_bytes=0)
    with (
        lungfish.open(":memory:", options=options) as database,
        database.connect(autocommit=True) as watcher,
        database.connect() as sleeper,
    ):
        sleeper.execute("SET application_name = 'sleeper'")
        clock.advance(400)
        assert level(watcher, "old_snapshot") == "warn"
        found = watcher.execute(
            "SELECT application_name, state, age_s, last_query FROM lungfish.snapshots WHERE age_s > 0"
        ).fetchall()
        assert found == [
            ("sleeper", "idle in transaction", 400.0, "SET application_name = 'sleeper'")
        ]


def test_locks_are_held_and_awaited_under_the_session_s_number() -> None:
    with (
        lungfish.open(":memory:") as database,
        database.connect(autocommit=True) as watcher,
        database.connect() as writer,
    ):
        watcher.execute("CREATE TABLE t (a int)")
        number = writer.execute("SELECT pg_backend_pid()").fetchval()
        writer.execute("INSERT INTO t VALUES (1)")
        held = watcher.execute(
            """SELECT locktype, relname, mode, granted FROM pg_locks LEFT JOIN pg_class c ON c.oid = relation
            WHERE pid = $1 ORDER BY locktype""",
            (number,),
        ).fetchall()
        assert held == [
            ("relation", "t", "RowExclusiveLock", True),
            ("transactionid", None, "ExclusiveLock", True),
        ]
        states = watcher.execute(
            "SELECT state, wait_event FROM pg_stat_activity WHERE pid = $1", (number,)
        ).fetchall()
        assert states == [("idle in transaction", None)]
