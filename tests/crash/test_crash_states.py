"""What the crash drill relies on, and two kinds of damage looked at closely. The drill itself is run by `test_matrix.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

import lungfish
from lungfish import errors
from lungfish.drill.points import CrashPoint
from lungfish.recovery.wal import WriteAheadLog
from lungfish.storage.simulated_disk import Persistence
from tests.crash import io_failures, simulation
from tests.crash.harness import DrillFailure, check_points, run_until_error, run_workload
from tests.crash.small_database import SmallDatabase
from tests.crash.workloads import WORKLOADS


def test_a_workload_is_the_same_in_every_run() -> None:
    workload = WORKLOADS["rows_and_indexes"]
    first, second = run_workload(workload, 3), run_workload(workload, 3)
    assert first.disk.operation_count == second.disk.operation_count
    assert first.state == second.state
    assert first.state != run_workload(workload, 4).state


def test_a_table_has_room_for_the_indexes_that_a_workload_makes() -> None:
    assert run_workload(WORKLOADS["tables_come_and_go"], 40).state


@pytest.mark.parametrize("number", [100, 120])
def test_work_goes_on_after_a_commit_that_failed_on_what_the_database_shows(number: int) -> None:
    """These commits fail with the drop of table 0 in them, or after it: the next must not be taken for a commit of theirs."""
    plan = io_failures.Plan(io_failures.Failure.EIO, number)
    io_failures.check_failing_call(WORKLOADS["tables_come_and_go"], 7001000, plan)


@pytest.mark.parametrize("operation", [38, 48, 55])
def test_segments_are_taken_back_without_a_gap_though_the_process_crashes_meanwhile(
    operation: int,
) -> None:
    """Long values go over several segments; the disk fails in the middle of them, and what is there of the batch is removed again."""
    drill = run_until_error(WORKLOADS["long_values"], 1, operation)
    points = [
        CrashPoint(number, persistence, number)
        for number in range(operation, operation + 10)
        for persistence in (Persistence.SYNCED, Persistence.EVERYTHING, Persistence.REORDERED)
    ]
    assert not check_points(drill, points).failures


def test_a_long_restart_takes_images_of_its_own() -> None:
    drill = run_workload(WORKLOADS["long_restarts"], 1)
    report = drill.database.report
    assert report.checkpoints > 2
    assert drill.database.dump() == drill.state


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
        log.poison(errors.IoError("no sync"))

    monkeypatch.setattr(WriteAheadLog, "flush_to", fail)
    with pytest.raises(errors.StatementCompletionUnknown):
        transaction.commit()
    with pytest.raises(errors.Error):
        drill.checkpoint()
    monkeypatch.undo()
    drill.close()
    assert drill.database.dump() in (state, drill.state)
    drill.database.check()


def test_a_checkpoint_without_a_log_after_a_clean_close_needs_none(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with lungfish.connect(path) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS v")
    database = lungfish.open(path)
    with database.connect(autocommit=True) as connection:
        connection.execute("CHECKPOINT (TYPE FULL)")
    database.crash()
    with lungfish.connect(path) as connection:
        assert connection.execute("SELECT v FROM t").fetchall() == [(1,)]


def test_a_failing_simulation_is_shrunk_to_the_steps_that_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = simulation.World.update

    def update(world: simulation.World, a: int, b: int, c: int) -> None:
        real(world, a, b, c)
        if c % 7 == 3:
            raise DrillFailure("planted")

    monkeypatch.setitem(simulation.ACTIONS, "update", update)
    steps = simulation.steps_of(5, 120)
    assert isinstance(simulation.play(steps), DrillFailure)
    assert [step[0] for step in simulation.shrink(steps)] == ["update"]
