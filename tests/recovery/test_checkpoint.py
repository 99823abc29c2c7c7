"""The coordinator: the order of things on disk, what a failure leaves, dry runs, deferral, and requests that merge."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import pytest

from lungfish import errors
from lungfish.recovery import CheckpointContext, CheckpointRequest, Forecast, Prepared
from lungfish.recovery.checkpoint import FENCE_ATTEMPTS
from lungfish.recovery.checkpoint_request import (
    CheckpointKind,
    CheckpointMode,
    CheckpointOutcome,
)
from lungfish.recovery.retention import HolderKind
from lungfish.storage.crash_state import Operation, OperationKind
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN
from lungfish.storage.simulated_disk import Fault, SimulatedDisk
from tests.crash.small_database import SmallDatabase
from tests.crash.workloads import row

WAIT_S = 10


class Observer:
    """A participant that notes when it is called, and fails where the test wants it."""

    name = "observer"

    def __init__(self, fails_at: str = "") -> None:
        self.calls: list[str] = []
        self._fails_at = fails_at

    def begin(self, context: CheckpointContext) -> Forecast:
        self._note("begin")
        return Forecast(pages=1000, bytes=5)

    def prepare(self, context: CheckpointContext) -> Prepared:
        self._note("prepare")
        return Prepared(facts={"seen": 1}, write=lambda context: self._note("write"))

    def commit(self, context: CheckpointContext) -> None:
        self._note("commit")

    def abort(self, context: CheckpointContext) -> None:
        self._note("abort")

    def _note(self, phase: str) -> None:
        self.calls.append(phase)
        if phase == self._fails_at:
            raise errors.DiskFull(f"no room at {phase}")


def small_database(disk: SimulatedDisk | None = None) -> SmallDatabase:
    database = SmallDatabase(disk if disk is not None else SimulatedDisk())
    transaction = database.begin()
    number = database.create_table(transaction)
    for row_id in range(100):
        database.insert(transaction, number, row(row_id, 1, 100))
    transaction.commit()
    return database


def add_row(database: SmallDatabase, row_id: int) -> None:
    transaction = database.begin()
    database.insert(transaction, 0, row(row_id))
    transaction.commit()


def operations_of(disk: SimulatedDisk, action: Callable[[], object]) -> list[Operation]:
    before = disk.operation_count
    action()
    return [disk.operation(number) for number in range(before + 1, disk.operation_count + 1)]


def test_the_order_on_disk_is_log_pages_sync_superblock_sync_prune() -> None:
    disk = SimulatedDisk()
    database = small_database(disk)
    database.checkpoint()
    # Running, so that there is something in the log that nobody has synced.
    transaction = database.begin()
    database.insert(transaction, 0, row(500))
    steps = []
    for operation in operations_of(disk, database.checkpoint):
        is_log = "-wal" in operation.path
        is_superblock = not is_log and operation.offset in (0, 4096)
        match operation.kind:
            case OperationKind.WRITE if is_log:
                steps.append("log")
            case OperationKind.SYNC if is_log:
                steps.append("sync log")
            case OperationKind.WRITE:
                steps.append("superblock" if is_superblock else "page")
            case OperationKind.SYNC:
                steps.append("sync")
            case OperationKind.RENAME | OperationKind.REMOVE:
                steps.append("prune")
            case OperationKind.SYNC_DIRECTORY:
                steps.append("sync directory")
    in_runs = [step for step, before in zip(steps, [None, *steps], strict=False) if step != before]
    assert in_runs == [
        "log",
        "sync log",
        "page",
        "sync",
        "superblock",
        "sync",
        "prune",
        "sync directory",
    ]
    transaction.rollback()


def test_only_what_changed_since_is_written() -> None:
    database = small_database()
    first = database.core.checkpoints.run(CheckpointRequest())
    add_row(database, 1000)
    second = database.core.checkpoints.run(CheckpointRequest())
    assert first.outcome is second.outcome is CheckpointOutcome.COMPLETE
    assert second.pages_written < first.pages_written
    assert second.wal_bytes_freed >= 0
    assert second.checkpoint_id == first.checkpoint_id + 1


@pytest.mark.parametrize("phase", ["begin", "prepare", "write"])
def test_a_participant_that_fails_aborts_the_checkpoint_and_nothing_is_lost(phase: str) -> None:
    disk = SimulatedDisk()
    database = small_database(disk)
    observer = Observer(fails_at=phase)
    database.core.checkpoints.register(observer)
    with pytest.raises(errors.DiskFull):
        database.checkpoint()
    assert observer.calls[-1] == "abort"
    failed = database.core.memory.checkpoints.rows()[-1]
    assert (failed.outcome, failed.error_sqlstate) == ("failed", "53100")
    assert database.core.store.generation == 1
    kinds = {holder.kind for holder in database.core.retention.holders()}
    assert kinds == {HolderKind.REDO_LSN}
    observer._fails_at = ""
    add_row(database, 1000)
    database.checkpoint()
    assert database.core.store.generation == 2
    state = database.dump()
    database.crash()
    again = SmallDatabase(disk)
    assert again.dump() == state
    assert again.report.counts.records_applied == 0


def test_a_participant_that_fails_at_commit_fails_nothing() -> None:
    database = small_database()
    database.core.checkpoints.register(Observer(fails_at="commit"))
    result = database.core.checkpoints.run(CheckpointRequest())
    assert result.outcome is CheckpointOutcome.COMPLETE
    assert "no room at commit" in result.warnings[0]


def test_participants_are_called_in_order_and_their_facts_kept() -> None:
    disk = SimulatedDisk()
    database = small_database(disk)
    observer = Observer()
    database.core.checkpoints.register(observer)
    database.checkpoint()
    assert observer.calls == ["begin", "prepare", "write", "commit"]
    database.crash()
    assert SmallDatabase(disk).core.memory.facts.of("observer") == {"seen": 1}


def test_a_dry_run_goes_through_every_phase_writes_nothing_and_predicts() -> None:
    disk = SimulatedDisk()
    database = small_database(disk)
    request = CheckpointRequest(is_dry_run=True)
    results = []
    written = operations_of(disk, lambda: results.append(database.core.checkpoints.run(request)))
    assert written == []
    predicted = results[0]
    assert predicted.outcome is CheckpointOutcome.DRY_RUN
    fact = database.core.checkpoints.run(CheckpointRequest())
    assert predicted.est_pages == fact.pages_written
    assert predicted.est_bytes is not None
    assert predicted.est_bytes <= fact.bytes_written <= predicted.est_bytes + 6 * 4096


def test_a_writer_inside_the_fence_defers_the_checkpoint() -> None:
    database = small_database()
    checkpoints = database.core.checkpoints
    with database.core.fence:
        result = checkpoints.run(
            CheckpointRequest(mode=CheckpointMode.PASSIVE, fence_timeout_ms=0.1)
        )
        assert result.outcome is CheckpointOutcome.DEFERRED
        with pytest.raises(errors.LockNotAvailable):
            checkpoints.run(CheckpointRequest(fence_timeout_ms=0.1))
    assert checkpoints.run(CheckpointRequest()).outcome is CheckpointOutcome.COMPLETE


def test_closing_is_tried_again_while_writers_go_on_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = small_database()
    close, tries = Fence.close, itertools.count(1)

    def close_late(fence: Fence, timeout_s: float) -> bool:
        return next(tries) >= FENCE_ATTEMPTS and close(fence, timeout_s)

    monkeypatch.setattr(Fence, "close", close_late)
    assert database.core.checkpoints.run(CheckpointRequest()).outcome is CheckpointOutcome.COMPLETE


def test_requests_that_come_during_a_checkpoint_share_the_next_one() -> None:
    database = small_database()
    checkpoints = database.core.checkpoints
    inside, go_on = threading.Event(), threading.Event()

    def pace(size: int) -> None:
        inside.set()
        assert go_on.wait(WAIT_S)

    checkpoints.pages.pace = pace
    results = []

    def request() -> None:
        results.append(checkpoints.run(CheckpointRequest()))

    first = threading.Thread(target=request)
    first.start()
    assert inside.wait(WAIT_S)
    others = [threading.Thread(target=request) for _ in range(3)]
    pause = threading.Event()
    for count, other in enumerate(others, 1):
        other.start()
        while checkpoints.waiting_count < count:
            pause.wait(0.001)
    go_on.set()
    for thread in [first, *others]:
        thread.join(WAIT_S)
    assert sorted(result.checkpoint_id for result in results) == [1, 2, 2, 2]
    assert [result.merged for result in sorted(results, key=lambda each: each.checkpoint_id)] == [
        False,
        True,
        True,
        True,
    ]


def test_merged_requests_get_the_stronger_of_each_option() -> None:
    passive = CheckpointRequest(mode=CheckpointMode.PASSIVE, name="kept", fence_timeout_ms=5)
    full = CheckpointRequest(kind=CheckpointKind.FULL, mode=CheckpointMode.SPREAD)
    merged = passive.merged_with(full)
    assert merged.mode is CheckpointMode.SPREAD
    assert merged.kind is CheckpointKind.FULL
    assert merged.name == "kept"
    assert merged.fence_timeout_ms == 50


def test_a_final_checkpoint_of_an_unchanged_database_is_skipped() -> None:
    disk = SimulatedDisk()
    small_database(disk).close()
    database = SmallDatabase(disk)
    assert operations_of(disk, database.close) == []


def test_the_log_is_kept_while_someone_pins_it() -> None:
    database = small_database()
    retention = database.core.retention
    retention.pin(
        HolderKind.USER_PIN, "mine", owner="test", lsn=database.core.driver.log_start.life_start
    )
    before = database.core.folder.numbers()
    database.checkpoint()
    assert database.core.folder.numbers() == before
    retention.release(HolderKind.USER_PIN, "mine")
    add_row(database, 1000)
    database.checkpoint()
    assert len(database.core.folder.numbers()) < len(before)


@pytest.mark.parametrize("nth_sync", [1, 2])
def test_a_failed_sync_of_the_image_poisons_the_handle_and_loses_nothing(nth_sync: int) -> None:
    disk = SimulatedDisk()
    database = small_database(disk)
    database.checkpoint()
    add_row(database, 1000)
    state = database.dump()
    syncs = 0

    def fail(operation: Operation) -> Fault | None:
        nonlocal syncs
        if operation.kind is OperationKind.SYNC and operation.path == "app.db":
            syncs += 1
            if syncs == nth_sync:
                return Fault(errors.IoError("EIO"), loses_unsynced=True)
        return None

    disk.before_operation = fail
    with pytest.raises(errors.IoError):
        database.checkpoint()
    disk.before_operation = None
    for attempt in (database.checkpoint, lambda: add_row(database, 1001)):
        with pytest.raises(errors.IoError) as caught:
            attempt()
        assert caught.value.sqlstate == "58030"
    (event,) = database.core.integrity.events()
    assert (event.kind.value, event.action.value) == ("fsync_failed", "poisoned")
    database.crash()
    again = SmallDatabase(disk)
    assert again.dump()[0].keys() == state[0].keys()
    again.check()


def test_a_poisoned_log_takes_no_checkpoint() -> None:
    database = small_database()
    database.core.log._failure = errors.IoError("no sync")
    with pytest.raises(errors.IoError) as caught:
        database.checkpoint()
    assert caught.value.sqlstate == "58030"
    assert database.core.log.durable_lsn > LSN(0)
    database.crash()
