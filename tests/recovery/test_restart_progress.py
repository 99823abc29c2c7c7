"""A restart says how far it is, can be cancelled, keeps to its memory, and does not begin from the start after a second crash."""

from __future__ import annotations

import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lungfish
from lungfish import errors
from lungfish.database import DatabaseOptions
from lungfish.recovery.core import CoreOptions
from lungfish.recovery.integrity import DamageAction, DamageKind
from lungfish.recovery.restart_log import analyse, piece_size_for
from lungfish.recovery.restart_progress import (
    PROGRESS_COLUMNS,
    STATUS_SUFFIX,
    ProgressTracker,
    RecoveryPhase,
    RecoveryProgress,
    read_status,
)
from lungfish.recovery.transaction_set import TransactionSet
from lungfish.recovery.views import STORAGE_VIEWS
from lungfish.storage.clock import ManualClock
from lungfish.storage.memory_disk import MemoryDisk
from tests.crash.small_database import OPTIONS, PATH, SmallDatabase
from tests.crash.workloads import row

LIMIT = 16 * 1024


def long_log(disk: MemoryDisk) -> dict[Any, Any]:
    """A database dropped with more than twenty times the limit in its log; answers what it held."""
    database = SmallDatabase(disk)
    transaction = database.begin()
    number = database.create_table(transaction)
    transaction.commit()
    for first in range(0, 2400, 40):
        transaction = database.begin()
        for row_id in range(first, first + 40):
            database.insert(transaction, number, row(row_id, row_id % 7, 60))
        transaction.commit()
        transaction = database.begin()
        database.update(transaction, number, row(first, 1, 150))
        database.delete(transaction, number, first + 1)
        transaction.commit()
    # Never commits, although its rows lie before records that count.
    lost = database.begin()
    database.insert(lost, number, row(999_999))
    database.core.log.flush_to(database.core.log.end_lsn())
    state = database.dump()
    state[number].pop(999_999, None)
    database.crash()
    return state


def limited(**changes: Any) -> CoreOptions:
    return replace(OPTIONS, recovery_memory_limit=LIMIT, **changes)


def test_recovery_keeps_to_its_memory_however_long_the_log_is() -> None:
    disk = MemoryDisk()
    state = long_log(disk)
    told: list[RecoveryProgress] = []
    again = SmallDatabase(disk, limited(on_recovery=told.append))
    assert again.report.log_bytes > 20 * LIMIT
    # One piece more than the limit is read before it is seen to be too much.
    assert max(each.mem_bytes for each in told) <= LIMIT + piece_size_for(LIMIT)
    assert again.dump() == state
    again.check()


def test_the_memory_that_is_taken_does_not_grow_with_the_log() -> None:
    disk = MemoryDisk()
    long_log(disk)
    database = SmallDatabase(disk, limited())
    reader = database.core.driver._open_log()
    tracemalloc.start()
    facts = analyse(reader, memory_limit=LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert facts.byte_count > 20 * LIMIT
    assert facts.window is None
    assert peak < 16 * LIMIT
    database.crash()


def test_a_second_crash_in_redo_begins_from_the_checkpoint_that_redo_took() -> None:
    disk = MemoryDisk()
    state = long_log(disk)
    saved: list[int] = []

    def crash_after_the_second_image(progress: RecoveryProgress) -> None:
        if progress.phase is RecoveryPhase.CHECKPOINT:
            saved.append(progress.current_lsn)
        elif len(saved) == 2:
            progress.cancel()

    options = limited(recovery_checkpoint_bytes=4 * LIMIT, on_recovery=crash_after_the_second_image)
    with pytest.raises(errors.QueryCanceled):
        SmallDatabase(disk, options)
    again = SmallDatabase(disk, limited())
    assert again.report.redo_lsn == saved[1] > saved[0] > 0
    assert again.core.driver.lowest_mark == saved[1]
    assert again.dump() == state
    again.check()
    checkpoints = [each.trigger for each in again.core.memory.checkpoints.rows()]
    assert checkpoints == ["recovery", "recovery"]
    again.checkpoint()
    again.crash()
    assert SmallDatabase(disk).dump() == state


def test_settings_and_events_noted_in_the_log_are_in_the_images_that_redo_takes() -> None:
    disk = MemoryDisk()
    database = SmallDatabase(disk)
    database.core.integrity.add(
        DamageKind.PAGE_CRC, "t", action=DamageAction.REFUSED, source="scrub", detail="d"
    )
    events = database.core.integrity.events()
    # Makes the note of the event durable too.
    database.core.stored_settings.keep("checkpoint_timeout", "7min")
    database.core.crash()
    state = long_log(disk)

    def crash_after_the_first_image(progress: RecoveryProgress) -> None:
        saved.append(progress.phase)
        if RecoveryPhase.CHECKPOINT in saved[:-1]:
            progress.cancel()

    saved: list[RecoveryPhase] = []
    with pytest.raises(errors.QueryCanceled):
        SmallDatabase(
            disk,
            limited(recovery_checkpoint_bytes=LIMIT, on_recovery=crash_after_the_first_image),
        )
    again = SmallDatabase(disk)
    assert again.core.driver.lowest_mark > 0
    assert again.core.stored_settings.facts() == {"checkpoint_timeout": "7min"}
    assert again.core.integrity.events() == events
    assert again.dump() == state


def test_images_taken_in_redo_do_not_change_where_it_ends() -> None:
    disk = MemoryDisk()
    state = long_log(disk)
    again = SmallDatabase(disk, limited(recovery_checkpoint_bytes=LIMIT))
    assert again.report.checkpoints > 3
    assert again.dump() == state
    again.check()
    transaction = again.begin()
    again.insert(transaction, 0, row(70_000))
    transaction.commit()
    again.crash()
    state[0][70_000] = row(70_000)
    last = SmallDatabase(disk)
    assert last.dump() == state
    last.check()


@pytest.mark.parametrize(
    "phase", [RecoveryPhase.ANALYZE, RecoveryPhase.REDO, RecoveryPhase.CLEANUP]
)
def test_a_cancelled_recovery_is_an_error_and_the_next_opening_recovers(
    phase: RecoveryPhase,
) -> None:
    disk = MemoryDisk()
    state = long_log(disk)

    def cancel(progress: RecoveryProgress) -> None:
        if progress.phase is phase:
            # As another thread would.
            thread = threading.Thread(target=progress.cancel)
            thread.start()
            thread.join()

    with pytest.raises(errors.QueryCanceled, match="recovery was canceled"):
        SmallDatabase(disk, replace(OPTIONS, on_recovery=cancel))
    assert not disk.exists(PATH + STATUS_SUFFIX)
    again = SmallDatabase(disk)
    assert again.dump() == state
    again.check()


def test_progress_goes_on_to_the_whole() -> None:
    disk = MemoryDisk()
    long_log(disk)
    told: list[RecoveryProgress] = []
    again = SmallDatabase(disk, limited(on_recovery=told.append))
    last = told[-1]
    assert last.phase is RecoveryPhase.DONE
    assert last.phase_no == last.phases_total
    assert last.current_lsn == last.end_lsn == again.report.tail.end
    assert last.records_applied == again.report.counts.records_applied
    assert last.losers_total == last.losers_done == 1
    assert last.pages_repaired > 0
    assert all(each.start_lsn <= each.current_lsn <= each.end_lsn for each in told)
    assert all(0 <= each.sofar <= each.total for each in told)


def test_the_status_file_shows_a_long_recovery_and_goes_with_it() -> None:
    disk, clock = MemoryDisk(), ManualClock()
    tracker = ProgressTracker(disk=disk, path=PATH, clock=clock, memory_limit=1000)
    with tracker.in_phase(RecoveryPhase.ANALYZE, total=100, units="bytes"):
        tracker.tell(sofar=10)
        assert read_status(disk, PATH) is None
        clock.advance(1.0)
        tracker.tell(sofar=50)
        status = read_status(disk, PATH)
        assert status is not None
        assert list(status) == [name for name, _ in PROGRESS_COLUMNS]
        assert (status["state"], status["percent"]) == ("analyze", 50.0)
        assert status["eta_ms"] == pytest.approx(1000.0)
    tracker.finish()
    assert read_status(disk, PATH) is None
    assert not disk.exists(PATH + STATUS_SUFFIX)


def test_a_status_file_left_by_a_kill_is_removed_by_the_next_restart() -> None:
    disk = MemoryDisk()
    disk.open(PATH + STATUS_SUFFIX, create=True).close()
    SmallDatabase(disk)
    assert not disk.exists(PATH + STATUS_SUFFIX)


def test_through_sql_a_recovery_can_be_watched_cancelled_and_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with lungfish.open(path) as database:
        connection = database.connect(autocommit=True)
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        connection.execute("INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 3000) AS g(i)")
        database.crash()
    with pytest.raises(lungfish.OperationalError) as caught:
        lungfish.connect(path, on_recovery=lambda progress: progress.cancel())
    assert caught.value.sqlstate == "57014"
    told: list[Any] = []
    connection = lungfish.connect(path, autocommit=True, on_recovery=told.append)
    assert connection.execute("SELECT count(*), min(id), max(id) FROM t").fetchone() == (
        3000,
        1,
        3000,
    )
    state, percent = connection.execute(
        "SELECT state, eta_ms FROM lungfish.recovery_progress"
    ).fetchone()
    assert (state, percent) == ("done", 0.0)
    assert told[-1].state == "done"
    cause, lock_ms, estimated, off = connection.execute(
        "SELECT cause, lock_ms, estimated_ms, estimate_error FROM lungfish.recovery_history"
        " ORDER BY recovery_id DESC LIMIT 1"
    ).fetchone()
    assert cause == "crash"
    assert lock_ms >= 0.0
    assert estimated > 0.0
    assert off is not None
    replayed, end, paused = connection.execute(
        "SELECT last_replayed_end_lsn, replay_end_lsn, pause_state FROM pg_stat_recovery"
    ).fetchone()
    assert replayed == end
    assert paused == "not paused"
    connection.close()


def test_a_clean_opening_has_no_cause_but_clean(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    for _ in range(2):
        lungfish.connect(path).close()
    connection = lungfish.connect(path)
    causes = connection.execute("SELECT DISTINCT cause FROM lungfish.recovery_history").fetchall()
    assert causes == [("clean",)]
    connection.close()


def test_the_options_reach_recovery() -> None:
    core = DatabaseOptions(recovery_checkpoint_bytes=7, recovery_memory_bytes=8).core()
    assert (core.recovery_checkpoint_bytes, core.recovery_memory_limit) == (7, 8)
    assert {"recovery_progress", "pg_stat_recovery"} <= {view.name for view in STORAGE_VIEWS}


def test_a_set_of_transactions_answers_for_many_at_once() -> None:
    members = TransactionSet()
    ids = [1, 2, 65_535, 65_536, 65_537, 10**9]
    members.add(np.array(ids, np.int64))
    members.add(np.array([], np.int64))
    asked = np.array([0, *ids, 3, 10**9 + 1], np.int64)
    assert members.has(asked).tolist() == [False, *[True] * len(ids), False, False]
    assert len(members) == len(ids)
    assert members.highest == 10**9
    assert 65_536 in members
    assert 4 not in members
