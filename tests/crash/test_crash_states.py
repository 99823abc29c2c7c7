"""A sample of all crash points of every workload: 220 states each, some crashed again in their recovery, and killed processes.

`python -m tests.crash --release` does every operation with every persistence; `--faults` shows that the drill would notice.
"""

from __future__ import annotations

import pytest

from lungfish import errors
from lungfish.recovery.wal import WriteAheadLog
from lungfish.storage.simulated_disk import Persistence
from tests.crash.__main__ import (
    SAMPLE_COUNT,
    SAMPLE_KILL_COUNT,
    SAMPLE_NESTED_SHARE,
    SAMPLE_SQL_COUNT,
    check_sql,
    check_workload,
)
from tests.crash.faults import FAULTS, Fault, is_noticed
from tests.crash.harness import run_workload
from tests.crash.small_database import SmallDatabase
from tests.crash.workloads import WORKLOADS


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKLOADS)
def test_every_crash_leaves_all_that_was_acknowledged_and_nothing_half_done(name: str) -> None:
    tally = check_workload(name, 1, SAMPLE_COUNT, SAMPLE_NESTED_SHARE, SAMPLE_KILL_COUNT)
    assert not tally.failures, tally.failures[0]
    assert tally.states == SAMPLE_COUNT
    assert tally.nested > 0
    assert tally.kills > 0
    assert tally.errors > 0


@pytest.mark.slow
def test_every_crash_leaves_all_that_was_acknowledged_through_sql() -> None:
    tally = check_sql(SAMPLE_SQL_COUNT, 1)
    assert not tally.failures, tally.failures[0]
    assert tally.states == SAMPLE_SQL_COUNT


@pytest.mark.release
def test_every_operation_with_every_persistence_through_sql() -> None:
    assert not check_sql(None, 2).failures


@pytest.mark.release
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("name", WORKLOADS)
def test_every_operation_with_every_persistence(name: str, seed: int) -> None:
    tally = check_workload(name, seed, None, 0.5, None)
    assert not tally.failures, tally.failures[0]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS[::4], ids=lambda fault: fault.name)
def test_a_planted_fault_is_noticed(fault: Fault) -> None:
    assert is_noticed(fault) is not None


@pytest.mark.release
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_planted_fault_is_noticed(fault: Fault) -> None:
    assert is_noticed(fault) is not None


def test_a_workload_is_the_same_in_every_run() -> None:
    workload = WORKLOADS["rows_and_indexes"]
    first, second = run_workload(workload, 3), run_workload(workload, 3)
    assert first.disk.operation_count == second.disk.operation_count
    assert first.state == second.state
    assert first.state != run_workload(workload, 4).state


def test_damage_to_acknowledged_work_is_an_error_and_changes_nothing() -> None:
    drill = run_workload(WORKLOADS["rows_and_indexes"], 1)
    left = drill.disk.crash_state(drill.disk.operation_count, Persistence.EVERYTHING)
    database = SmallDatabase(left)
    state = database.dump()
    start = database.core.driver.lowest_mark
    capacity = database.core.log.start.capacity
    database.crash()
    file = left.open(database.core.folder.path_of(start // capacity))
    offset = 4096 + start % capacity + 40
    original = file.read_at(offset, 8)
    file.write_at(offset, b"\xff" * 8)
    before = left.operation_count
    with pytest.raises(errors.CorruptLog):
        SmallDatabase(left)
    assert left.operation_count == before
    file.write_at(offset, original)
    assert SmallDatabase(left).dump() == state


def test_what_a_failed_sync_left_is_found_out_by_opening_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drill = run_workload(WORKLOADS["rows_and_indexes"], 1)
    state = drill.state
    transaction = drill.begin()
    transaction.insert(0, (4_000, 1, "tag", "body"))

    def fail(log: WriteAheadLog, lsn: int) -> None:
        log._poison(errors.IoError("no sync"))

    monkeypatch.setattr(WriteAheadLog, "flush_to", fail)
    with pytest.raises(errors.StatementCompletionUnknown):
        transaction.commit()
    with pytest.raises(errors.Error):
        drill.checkpoint()
    monkeypatch.undo()
    drill.close()
    assert drill.database.dump() in (state, drill.state)
    drill.database.check()
