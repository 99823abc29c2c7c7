"""The CHECKPOINT statement and its kin through SQL and Python: options, refusals, dry runs beside facts, participants of one's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish import CheckpointContext, Forecast, PhaseDeadlines, Prepared
from lungfish.database import DatabaseOptions
from lungfish.recovery.checkpoint_request import RESULT_COLUMNS
from lungfish.storage.clock import ManualClock
from lungfish.storage.simulated_disk import SimulatedDisk

WAIT_S = 10


@pytest.fixture
def disk() -> SimulatedDisk:
    return SimulatedDisk()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(disk: SimulatedDisk, clock: ManualClock) -> Iterator[lungfish.Database]:
    options = DatabaseOptions(
        disk=disk,
        clock=clock,
        checkpoint_wal_bytes=0,
        page_size_bytes=8192,
        wal_segment_bytes=64 << 10,
    )
    with lungfish.open("app.db", options=options) as made:
        yield made


@pytest.fixture
def connection(database: lungfish.Database) -> Iterator[lungfish.Connection]:
    with database.connect(autocommit=True, row_factory=lungfish.dict_row) as made:
        made.execute("CREATE TABLE t (id int PRIMARY KEY, body text)")
        made.execute(
            "INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 1000) AS s(i)"
        )
        yield made


def row(connection: lungfish.Connection, sql: str) -> dict[str, Any]:
    found: dict[str, Any] = connection.execute(sql).fetchone()
    return found


def state_of(caught: pytest.ExceptionInfo[lungfish.Error]) -> str | None:
    return caught.value.sqlstate


class Mirror:
    """A participant of the user's own: keeps a number with the image, and does what the test wants."""

    name = "mirror"

    def __init__(self, **acts: Any) -> None:
        self.calls: list[str] = []
        self._acts = acts

    def begin(self, context: CheckpointContext) -> Forecast:
        self._do("begin")
        return Forecast(pages=1, bytes=10)

    def prepare(self, context: CheckpointContext) -> Prepared:
        self._do("prepare")
        return Prepared(facts={"kept": 7}, write=lambda context: self._do("write"))

    def commit(self, context: CheckpointContext) -> None:
        self._do("commit")

    def abort(self, context: CheckpointContext) -> None:
        self._do("abort")

    def _do(self, phase: str) -> None:
        self.calls.append(phase)
        act = self._acts.get(phase)
        if act is not None:
            act()


def failing(error: BaseException) -> Any:
    def act() -> None:
        raise error

    return act


# The statement.


def test_the_row_has_the_documented_columns_and_a_dry_run_the_same(
    connection: lungfish.Connection,
) -> None:
    dry = row(connection, "CHECKPOINT (DRY_RUN)")
    real = row(connection, "CHECKPOINT (REASON 'for the test')")
    assert list(dry) == list(real) == [name for name, _ in RESULT_COLUMNS]
    assert (dry["outcome"], real["outcome"]) == ("dry_run", "complete")
    assert real["reason"] == "for the test"
    assert real["recovery_estimate_after_ms"] < real["recovery_estimate_before_ms"]


def test_a_dry_run_predicts_and_writes_nothing(
    connection: lungfish.Connection, disk: SimulatedDisk
) -> None:
    connection.execute("CHECKPOINT")
    connection.execute("CHECKPOINT")
    connection.execute("UPDATE t SET body = repeat('y', 150) WHERE id % 3 = 0")
    # Whatever notes of earlier checkpoints are still in memory.
    connection.execute("CREATE TABLE u (a int)")
    before = disk.operation_count
    dry = row(connection, "CHECKPOINT (DRY_RUN)")
    assert disk.operation_count == before
    fact = row(connection, "CHECKPOINT")
    assert dry["est_pages"] == fact["pages_written"]
    assert dry["est_bytes"] == pytest.approx(fact["bytes_written"], rel=0.15)
    # What it says of itself before it writes is an estimate, by some of the pages.
    assert fact["est_pages"] == fact["pages_written"]
    assert fact["est_bytes"] == pytest.approx(fact["bytes_written"], rel=0.15)
    assert dry["wal_bytes_freed"] == fact["wal_bytes_freed"]
    assert dry["est_total_ms"] >= 0
    assert dry["recovery_estimate_after_ms"] == pytest.approx(
        fact["recovery_estimate_after_ms"], abs=50
    )


def test_a_full_checkpoint_writes_every_page_again_and_says_so_before(
    connection: lungfish.Connection, database: lungfish.Database
) -> None:
    first = row(connection, "CHECKPOINT")
    assert row(connection, "CHECKPOINT")["pages_written"] == 0
    predicted = row(connection, "CHECKPOINT (TYPE FULL, DRY_RUN)")["est_pages"]
    full = row(connection, "CHECKPOINT (TYPE FULL, VERIFY)")
    assert full["pages_written"] == predicted == first["pages_written"]
    assert full["kind"] == "full"
    assert database.check().problems == ()
    assert connection.execute("SELECT count(*) AS n FROM t").fetchone() == {"n": 1000}


def test_it_is_refused_where_it_cannot_be_undone_or_must_not_write(
    connection: lungfish.Connection, database: lungfish.Database
) -> None:
    connection.execute("BEGIN")
    assert row(connection, "CHECKPOINT (DRY_RUN)")["outcome"] == "dry_run"
    with pytest.raises(lungfish.Error) as caught:
        connection.execute("CHECKPOINT")
    assert state_of(caught) == "25001"
    connection.execute("ROLLBACK")
    with database.connect(read_only=True, autocommit=True) as reader:
        with pytest.raises(lungfish.Error) as caught:
            reader.execute("CHECKPOINT")
        assert state_of(caught) == "25006"


def test_no_transaction_is_opened_for_it_without_autocommit(database: lungfish.Database) -> None:
    with database.connect() as plain:
        assert plain.execute("CHECKPOINT").fetchone() is not None
        assert not plain.in_transaction


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("CHECKPOINT elsewhere", "3D000"),
        ("CHECKPOINT (ARCHIVE)", "55000"),
        ("CHECKPOINT (MODE SLOW)", "22023"),
        ("CHECKPOINT (NOPE)", "42601"),
        ("CHECKPOINT (TIMEOUT -1)", "22023"),
        ("CHECKPOINT (TIMEOUT)", "42601"),
        ("PRAGMA wal_checkpoint(hard)", "22023"),
        ("PRAGMA foreign_keys", "42601"),
    ],
)
def test_what_is_wrong_with_a_statement_has_its_code(
    connection: lungfish.Connection, sql: str, state: str
) -> None:
    with pytest.raises(lungfish.Error) as caught:
        connection.execute(sql)
    assert state_of(caught) == state


@pytest.mark.parametrize(
    "sql",
    [
        "FORCE CHECKPOINT",
        "CHECKPOINT app",
        'CHECKPOINT "app.db"',
        "CHECKPOINT (MODE PASSIVE, TYPE AUTO, WAIT, FENCE_TIMEOUT 5, TIMEOUT 60000, FLUSH_UNLOGGED, ARCHIVE off)",
        "CHECKPOINT (IO_RATE 1000000)",
    ],
)
def test_every_spelling_takes_one(connection: lungfish.Connection, sql: str) -> None:
    assert row(connection, sql)["outcome"] == "complete"


def test_sqlites_pragma_answers_its_three_integers(connection: lungfish.Connection) -> None:
    found = row(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    assert found["busy"] == 0
    assert found["log"] == found["checkpointed"] > 0
    assert list(row(connection, "PRAGMA main.wal_checkpoint;")) == ["busy", "log", "checkpointed"]


def test_sqlites_pragma_is_busy_where_the_log_is_ahead(
    connection: lungfish.Connection, database: lungfish.Database
) -> None:
    with database._database.core.fence:
        found = row(connection, "PRAGMA wal_checkpoint = passive")
    assert found["busy"] == 1
    assert found["checkpointed"] < found["log"]


def test_an_io_rate_holds_it_back(connection: lungfish.Connection) -> None:
    written = row(connection, "CHECKPOINT (DRY_RUN)")["est_bytes"]
    slow = row(connection, "CHECKPOINT (IO_RATE 65536)")
    assert slow["total_ms"] == pytest.approx(written / 65536 * 1000, rel=0.2)
    assert slow["throttled_ms"] > 0.8 * slow["total_ms"]


def test_time_that_is_over_ends_it_with_nothing_lost(connection: lungfish.Connection) -> None:
    with pytest.raises(lungfish.Error) as caught:
        connection.execute("CHECKPOINT (IO_RATE 65536, TIMEOUT 500)")
    assert state_of(caught) == "57014"
    last = row(connection, "SELECT * FROM lungfish.checkpoint_history ORDER BY checkpoint_id DESC")
    assert (last["outcome"], last["error_sqlstate"]) == ("aborted", "57014")
    assert row(connection, "CHECKPOINT")["outcome"] == "complete"


def test_cancel_stops_the_one_under_way_and_whoever_waits_for_it_is_told(
    connection: lungfish.Connection, database: lungfish.Database
) -> None:
    pages = database._database.core.checkpoints.pages
    inside, go_on = threading.Event(), threading.Event()
    pace = pages.pace

    def stop(size: int) -> None:
        inside.set()
        assert go_on.wait(WAIT_S)
        pace(size)

    pages.pace = stop
    errors: list[str | None] = []

    def take() -> None:
        with database.connect(autocommit=True) as other:
            try:
                other.execute("CHECKPOINT")
            except lungfish.Error as error:
                errors.append(error.sqlstate)

    thread = threading.Thread(target=take)
    thread.start()
    assert inside.wait(WAIT_S)
    assert row(connection, "SELECT state FROM lungfish.checkpoint_status") == {"state": "write"}
    connection.execute("CANCEL CHECKPOINT")
    go_on.set()
    thread.join(WAIT_S)
    assert errors == ["57014"]
    pages.pace = pace
    notices: list[str] = []
    connection.on_notice(lambda severity, text: notices.append(text))
    connection.execute("CANCEL CHECKPOINT")
    assert "no checkpoint in progress" in notices[0]


def test_python_takes_the_same_options(
    connection: lungfish.Connection, database: lungfish.Database
) -> None:
    result = connection.checkpoint(mode="passive", type="full", verify=True, reason="by hand")
    assert (result.outcome.value, result.kind.value, result.reason) == (
        "complete",
        "full",
        "by hand",
    )
    assert database.checkpoint(dry_run=True).outcome.value == "dry_run"
    with pytest.raises(lungfish.Error, match="unrecognized"):
        connection.checkpoint(type="half")
    with pytest.raises(lungfish.Error, match="unrecognized"):
        connection.checkpoint(speed=3)  # type: ignore[call-arg]


# Participants.


def test_a_registered_participant_takes_part_and_its_facts_are_kept(
    connection: lungfish.Connection, database: lungfish.Database
) -> None:
    mirror = Mirror()
    database.register_checkpoint_participant(mirror)
    with pytest.raises(lungfish.Error, match="already exists"):
        database.register_checkpoint_participant(Mirror())
    connection.execute("CHECKPOINT")
    assert mirror.calls == ["begin", "prepare", "write", "commit"]
    assert database.checkpoint_facts("mirror") == {"kept": 7}
    names = connection.execute(
        "SELECT participant, phase, status FROM lungfish.checkpoint_participants"
    ).fetchall()
    built_in = {"catalog", "heap", "btree", "fsm", "txn_allocator", "sequences", "settings"}
    assert {each["participant"] for each in names} >= built_in | {"mirror"}
    assert {(each["phase"], each["status"]) for each in names} == {("commit", "ok")}
    database.unregister_checkpoint_participant("mirror")
    connection.execute("CHECKPOINT")
    assert mirror.calls[4:] == []
    with pytest.raises(lungfish.Error, match="does not exist"):
        database.unregister_checkpoint_participant("heap")


@pytest.mark.parametrize("phase", ["begin", "prepare", "write"])
@pytest.mark.parametrize(
    ("error", "status", "state"),
    [
        (ValueError("broken mirror"), "failed", "38000"),
        (lungfish.errors.ObjectNotInPrerequisiteState("not now"), "vetoed", "55000"),
        (lungfish.errors.DiskFull("no room"), "failed", "53100"),
    ],
)
def test_one_that_fails_aborts_the_checkpoint_and_sql_says_why(
    connection: lungfish.Connection,
    database: lungfish.Database,
    phase: str,
    error: BaseException,
    status: str,
    state: str,
) -> None:
    mirror = Mirror(**{phase: failing(error), "abort": failing(RuntimeError("and again"))})
    database.register_checkpoint_participant(mirror)
    with pytest.raises(lungfish.Error) as caught:
        connection.execute("CHECKPOINT")
    assert state_of(caught) == state
    party = row(
        connection, "SELECT * FROM lungfish.checkpoint_participants WHERE participant = 'mirror'"
    )
    assert (party["status"], party["phase"]) == (status, phase)
    history = row(connection, "SELECT * FROM lungfish.checkpoint_history")
    assert history["outcome"] == ("aborted" if status == "vetoed" else "failed")
    assert history["error_sqlstate"] == state
    database.unregister_checkpoint_participant("mirror")
    assert row(connection, "CHECKPOINT")["outcome"] == "complete"


@pytest.mark.parametrize("phase", ["begin", "prepare", "write"])
def test_one_that_is_late_aborts_the_checkpoint(
    connection: lungfish.Connection,
    database: lungfish.Database,
    clock: ManualClock,
    phase: str,
) -> None:
    mirror = Mirror(**{phase: lambda: clock.advance(0.2)})
    database.register_checkpoint_participant(
        mirror, deadlines=PhaseDeadlines(begin_ms=100, write_ms=100)
    )
    with pytest.raises(lungfish.Error) as caught:
        connection.execute("CHECKPOINT")
    assert state_of(caught) == "57014"
    party = row(
        connection, "SELECT * FROM lungfish.checkpoint_participants WHERE participant = 'mirror'"
    )
    assert (party["status"], party["phase"]) == ("timed_out", phase)
    assert "200.0 ms" in party["detail"]
    assert mirror.calls[-1] == "abort"


def test_one_that_fails_at_commit_is_a_warning(
    connection: lungfish.Connection, database: lungfish.Database
) -> None:
    database.register_checkpoint_participant(Mirror(commit=failing(KeyError("x"))))
    done = row(connection, "CHECKPOINT")
    assert done["outcome"] == "complete"
    assert "mirror could not commit" in done["warnings"][0]


# Views and history.


def test_pg_stat_checkpointer_counts_what_was_asked_for_and_what_was_done(
    connection: lungfish.Connection, database: lungfish.Database
) -> None:
    connection.execute("CHECKPOINT")
    connection.execute("CHECKPOINT (DRY_RUN)")
    with database._database.core.fence, pytest.raises(lungfish.Error):
        connection.execute("CHECKPOINT (FENCE_TIMEOUT 0.1)")
    found = row(connection, "SELECT * FROM pg_stat_checkpointer")
    assert (found["num_requested"], found["num_done"], found["num_timed"]) == (2, 1, 0)
    assert found["buffers_written"] > 0
    fence = row(connection, "SELECT * FROM lungfish.fence_stats")
    # Each try that did not get through.
    assert (fence["fences"], fence["abandoned"]) == (2, 10)
    assert len(fence["histogram"]) == len(fence["le_ms"]) + 1


def test_dirty_pages_are_named_until_they_are_written(connection: lungfish.Connection) -> None:
    dirty = connection.execute("SELECT relation, kind, dirty FROM lungfish.dirty_pages").fetchall()
    by_name = {each["relation"]: each["dirty"] for each in dirty}
    assert by_name["t"] > 10
    assert by_name["t_pkey"] > 0
    listed = row(connection, "SELECT count(*) AS n FROM lungfish.dirty_page_list('public.t')")
    total = row(connection, "SELECT sum(dirty) AS n FROM lungfish.dirty_pages WHERE relation = 't'")
    assert listed["n"] == total["n"]
    with pytest.raises(lungfish.Error) as caught:
        connection.execute("SELECT * FROM lungfish.dirty_page_list('nope')")
    assert state_of(caught) == "42P01"
    connection.execute("CHECKPOINT")
    assert connection.execute("SELECT 1 FROM lungfish.dirty_pages").fetchall() == []


def test_the_history_keeps_as_many_rows_as_it_is_told_to_also_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    options = DatabaseOptions(checkpoint_wal_bytes=0)
    database = lungfish.open(path, options=options)
    with database.connect(autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET checkpoint_history_rows = 3")
        for number in range(5):
            connection.execute(f"CREATE TABLE t{number} (a int)")
            connection.execute("CHECKPOINT")
        database.crash()
    with lungfish.connect(path) as connection:
        count = connection.execute("SELECT count(*) FROM lungfish.checkpoint_history").fetchval()
        assert count == 3


def test_a_checkpoint_of_nothing_is_no_life_that_the_next_opening_misses(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int PRIMARY KEY)")
    for number in range(3):
        with lungfish.connect(path, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        with lungfish.connect(path, autocommit=True) as connection:
            connection.execute("CHECKPOINT (DRY_RUN)")
            connection.execute("INSERT INTO t VALUES (?)", (number,))
    with lungfish.connect(path, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchval() == 3
