"""Settings of storage through SQL: what they accept, where they are kept, and that each has its effect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish.database import DatabaseOptions
from lungfish.recovery.settings import STORAGE_SETTINGS
from lungfish.storage.clock import ManualClock

KIB = 1024


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(autocommit=True) as made:
        yield made


def show(connection: lungfish.Connection, name: str) -> str:
    return str(connection.execute(f"SHOW {name}").fetchval())


def test_every_default_can_be_shown_and_set_again(connection: lungfish.Connection) -> None:
    for name in STORAGE_SETTINGS:
        value = show(connection, name)
        connection.execute(f"SET {name} = '{value}'")
        assert show(connection, name) == value
    listed = dict(connection.execute("SHOW ALL").fetchall())
    assert STORAGE_SETTINGS.keys() <= listed.keys()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("wal_max_size = '96MB'", "96MB"),
        ("wal_max_size = 0", "0"),
        ("wal_keep_size = '1536kB'", "1536kB"),
        ("checkpoint_interval = 90", "90s"),
        ("checkpoint_interval = '2 min'", "2min"),
        ("fence_timeout_ms = 2.5", "2500us"),
        ("checkpoint_completion_target = 0.5", "0.5"),
        ("close_checkpoint = false", "off"),
        ("wal_full_policy = Refuse_Writes", "refuse_writes"),
    ],
)
def test_values_take_units(connection: lungfish.Connection, given: str, shown: str) -> None:
    connection.execute(f"SET {given}")
    assert show(connection, given.split(maxsplit=1)[0]) == shown
    connection.execute(f"RESET {given.split(maxsplit=1)[0]}")
    name = given.split(maxsplit=1)[0]
    setting = STORAGE_SETTINGS[name]
    assert show(connection, name) == setting.show(setting.parse(setting.default))


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("SET wal_max_size = '5 parsecs'", "22023"),
        ("SET wal_max_size = '1MB'", "22023"),
        ("SET images_kept = 1", "22023"),
        ("SET checkpoint_completion_target = 2", "22023"),
        ("SET close_checkpoint = maybe", "22023"),
        ("SET wal_full_policy = 'cancel_snapshots'", "0A000"),
        ("SET LOCAL wal_max_size = '1GB'", "55P02"),
        ("ALTER SYSTEM SET nonsense = 1", "42704"),
        ("ALTER SYSTEM RESET nonsense", "42704"),
        ("ALTER DATABASE elsewhere SET wal_max_size = '1GB'", "3D000"),
        ("BEGIN; ALTER SYSTEM SET wal_max_size = '1GB'", "25001"),
        ("BEGIN; SET wal_max_size = '1GB'", "25001"),
    ],
)
def test_what_cannot_be_set_is_refused(
    connection: lungfish.Connection, sql: str, state: str
) -> None:
    with pytest.raises(lungfish.Error) as caught:
        for statement in sql.split("; "):
            connection.execute(statement)
    assert caught.value.sqlstate == state


@pytest.mark.parametrize("is_crash", [False, True])
def test_alter_system_is_for_good_and_set_is_not(tmp_path: Path, *, is_crash: bool) -> None:
    path = tmp_path / "app.db"
    database = lungfish.open(path)
    with database.connect(autocommit=True) as first, database.connect(autocommit=True) as second:
        first.execute("ALTER SYSTEM SET wal_max_size = '128MB'")
        first.execute("ALTER DATABASE app SET work_mem = '9MB'")
        first.execute("SET checkpoint_interval = '7min'")
        assert show(second, "wal_max_size") == "128MB"
        assert show(second, "checkpoint_interval") == "7min"
        assert show(second, "work_mem") != "9MB"
        if is_crash:
            database.crash()
    if not is_crash:
        database.close()
    with lungfish.connect(path, autocommit=True) as again:
        assert show(again, "wal_max_size") == "128MB"
        assert show(again, "work_mem") == "9MB"
        assert show(again, "checkpoint_interval") == "5min"
        again.execute("CHECKPOINT")
        again.execute("ALTER SYSTEM RESET ALL")
        assert show(again, "wal_max_size") == "1GB"


def test_options_of_the_program_stand_between_the_defaults_and_what_is_kept() -> None:
    options = DatabaseOptions(settings={"io_rate": "3MB"}, checkpoint_wal_bytes=5 << 20)
    with lungfish.connect(":memory:", options=options, autocommit=True) as connection:
        assert show(connection, "io_rate") == "3MB"
        assert show(connection, "checkpoint_wal_bytes") == "5MB"
        connection.execute("ALTER SYSTEM SET io_rate = '4MB'")
        assert show(connection, "io_rate") == "4MB"


def test_without_a_checkpoint_at_close_the_log_stays_and_is_recovered(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int)")
        connection.execute("INSERT INTO t VALUES (1), (2)")
        connection.execute("SET close_checkpoint = off")
    assert (tmp_path / "app.db-wal").exists()
    with lungfish.connect(path, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchval() == 2
        clean = connection.execute(
            "SELECT clean FROM lungfish.recovery_history ORDER BY recovery_id DESC"
        ).fetchval()
        assert clean is False
    assert not (tmp_path / "app.db-wal").exists()


def small_log(**settings: str) -> DatabaseOptions:
    return DatabaseOptions(
        wal_segment_bytes=16 * KIB,
        checkpoint_wal_bytes=0,
        clock=ManualClock(),
        settings=settings,
    )


def log_bytes(connection: lungfish.Connection) -> int:
    return int(
        connection.execute(
            "SELECT coalesce(sum(size_bytes), 0) FROM lungfish.wal_segments"
        ).fetchval()
    )


def test_the_log_stays_under_its_limit_while_a_reader_holds_an_old_snapshot() -> None:
    limit = 512 * KIB
    options = small_log(wal_max_size=f"{limit // KIB}kB")
    with (
        lungfish.open(":memory:", options=options) as database,
        database.connect(autocommit=True) as writer,
        database.connect() as reader,
    ):
        writer.execute("CREATE TABLE t (id int PRIMARY KEY, body text)")
        writer.execute("INSERT INTO t SELECT i, 'first' FROM generate_series(1, 50) AS s(i)")
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute("SELECT count(*) FROM t WHERE body = 'first'").fetchval() == 50
        largest = 0
        for turn in range(60):
            writer.execute("UPDATE t SET body = repeat(?, 500)", (str(turn % 10),))
            largest = max(largest, log_bytes(writer))
        assert largest <= limit
        assert reader.execute("SELECT count(*) FROM t WHERE body = 'first'").fetchval() == 50
        by = writer.execute(
            "SELECT count(*) FROM lungfish.checkpoint_history WHERE requested_by IN ('wal_max_size', 'scheduler')"
        ).fetchval()
        assert by > 3


def test_a_log_that_somebody_pins_makes_writers_fail_where_the_policy_says_so() -> None:
    options = small_log(wal_max_size="256kB", wal_full_policy="refuse_writes", wal_keep_size="1GB")
    with lungfish.connect(":memory:", options=options, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int, body text)")
        with pytest.raises(lungfish.Error) as caught:
            for _ in range(200):
                connection.execute(
                    "INSERT INTO t SELECT i, repeat('x', 400) FROM generate_series(1, 10) AS s(i)"
                )
        assert caught.value.sqlstate == "53400"
        assert "wal_keep_size" in str(caught.value)
        assert connection.execute("SELECT count(*) FROM t").fetchval() > 100
        assert log_bytes(connection) <= 256 * KIB
        connection.execute("SET wal_keep_size = 0")
        connection.execute("INSERT INTO t VALUES (1, 'goes on')")


def test_kept_log_is_kept_and_no_more() -> None:
    options = small_log(wal_keep_size="64kB", wal_max_size="0")
    with lungfish.connect(":memory:", options=options, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (body text)")
        for _ in range(10):
            connection.execute("INSERT INTO t SELECT repeat('x', 900) FROM generate_series(1, 50)")
            connection.execute("CHECKPOINT")
        kept = connection.execute(
            "SELECT pinned_bytes FROM lungfish.wal_retention WHERE holder_kind = 'min_keep'"
        ).fetchval()
        assert 64 * KIB <= kept < 80 * KIB


def test_a_snapshot_that_is_too_old_is_given_up_with_its_code() -> None:
    clock = ManualClock()
    options = DatabaseOptions(
        clock=clock, checkpoint_wal_bytes=0, settings={"max_snapshot_age": "10s"}
    )
    with (
        lungfish.open(":memory:", options=options) as database,
        database.connect(autocommit=True) as writer,
        database.connect() as reader,
        database.connect() as idler,
    ):
        writer.execute("CREATE TABLE t (a int)")
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT * FROM t")
        # READ COMMITTED holds no snapshot between statements, however long it idles.
        idler.execute("SELECT * FROM t")
        for _ in range(15):
            clock.advance(1)
            writer.execute("INSERT INTO t VALUES (1)")
        assert idler.execute("SELECT count(*) FROM t").fetchval() == 15
        with pytest.raises(lungfish.Error) as caught:
            reader.execute("SELECT * FROM t")
        assert caught.value.sqlstate == "72000"
        reader.rollback()
        assert reader.execute("SELECT count(*) FROM t").fetchval() == 15


def test_the_budget_is_shown_for_every_class() -> None:
    options = DatabaseOptions(
        clock=ManualClock(),
        checkpoint_wal_bytes=0,
        settings={"io_rate_checkpoint": "64kB", "io_burst_checkpoint": "4kB"},
    )
    with lungfish.connect(":memory:", options=options, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT repeat('x', 400) AS b FROM generate_series(1, 1000)"
        )
        connection.execute("CHECKPOINT")
        budget = {
            each[0]: each[1:]
            for each in connection.execute(
                "SELECT class, granted_bytes, deferred_count, wait_total_ms FROM lungfish.io_budget"
            )
        }
        assert list(budget) == ["foreground", "wal", "checkpoint", "backup", "all"]
        granted, deferred, waited_ms = budget["checkpoint"]
        assert granted > 300 * KIB
        assert deferred > 0
        assert waited_ms == pytest.approx(granted / (64 * KIB) * 1000, rel=0.1)
        assert budget["wal"][0] > 0
