"""The log gives back what was appended to it, in order, and only acknowledges what is on disk."""

from __future__ import annotations

import threading

import pytest

from lungfish import errors
from lungfish.recovery.wal import BATCH_SIZE_MAX, WriteAheadLog
from lungfish.recovery.wal_reader import TailState
from lungfish.recovery.wal_records import (
    NoteKind,
    RecordType,
    decode_row,
    decode_rows,
)
from lungfish.recovery.wal_segments import LogStart
from lungfish.storage.clock import ManualClock
from lungfish.storage.crash_state import Operation, OperationKind
from lungfish.storage.disk import Disk
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.simulated_disk import Fault, Persistence, SimulatedDisk
from tests.recovery.log_fixtures import (
    CAPACITY,
    IDENTITY,
    SEGMENT_SIZE,
    append_insert,
    folder_of,
    keys_of,
    new_log,
    read_all,
    reader_of,
)


def sync_count(disk: SimulatedDisk) -> int:
    operations = [disk.operation(number + 1) for number in range(disk.operation_count)]
    return sum(each.kind is OperationKind.SYNC for each in operations)


def test_every_kind_of_record_comes_back() -> None:
    disk = MemoryDisk()
    log = new_log(disk)
    log.append_row(TransactionId(5), RelationId(9), TupleId(77), b"before", b"after")
    log.append_rows(TransactionId(5), RelationId(9), [TupleId(1), TupleId(2)], [b"one", b"three"])
    log.append_sequence(16400, -3, is_called=True)
    log.append_abort(TransactionId(4))
    log.append_note(NoteKind.RECOVERY, b"{}")
    log.flush_to(log.append_commit(TransactionId(5), LSN(0)))
    records = read_all(reader_of(disk))
    assert [record.type for record in records] == [
        RecordType.ROW,
        RecordType.ROWS,
        RecordType.SEQUENCE,
        RecordType.ABORT,
        RecordType.NOTE,
        RecordType.COMMIT,
    ]
    change = decode_row(records[0].body)
    assert (change.address, change.before, change.after) == (77, b"before", b"after")
    assert decode_rows(records[1].body) == ([1, 2], [b"one", b"three"])
    log.close()


def test_nothing_is_written_before_the_first_flush() -> None:
    disk = SimulatedDisk()
    log = new_log(disk)
    append_insert(log, 1)
    assert disk.operation_count == 0
    log.abandon()


def test_closing_a_log_without_records_leaves_no_file() -> None:
    disk = SimulatedDisk()
    new_log(disk).close()
    assert disk.operation_count == 0


def test_a_flush_of_what_is_durable_costs_no_sync() -> None:
    disk = SimulatedDisk()
    log = new_log(disk)
    lsn = append_insert(log, 1)
    log.flush_to(lsn)
    before = disk.operation_count
    log.flush_to(lsn)
    assert disk.operation_count == before
    log.close()


def test_records_cross_from_one_segment_into_the_next() -> None:
    disk = MemoryDisk()
    log = new_log(disk)
    for key in range(1, 30):
        append_insert(log, key, 1000)
        if key % 4 == 0:
            log.flush_to(log.end_lsn())
    append_insert(log, 30, 3 * CAPACITY)
    log.close()
    assert len(folder_of(disk).numbers()) >= 5
    assert keys_of(read_all(reader_of(disk))) == list(range(1, 31))


def test_a_reader_begins_in_the_middle() -> None:
    disk = MemoryDisk()
    log = new_log(disk)
    ends = [append_insert(log, key, 700) for key in range(1, 41)]
    log.close()
    for index in (0, 11, 25, 39):
        assert keys_of(read_all(reader_of(disk, start=ends[index]))) == list(range(index + 2, 41))


def test_what_is_durable_survives_any_crash_after_it() -> None:
    disk = SimulatedDisk()
    log = new_log(disk)
    durable: dict[int, int] = {}
    for key in range(1, 60):
        log.flush_to(append_insert(log, key, 800))
        durable[disk.operation_count] = key
    log.abandon()
    for crash_at in range(0, disk.operation_count + 1, 3):
        acknowledged = max((key for at, key in durable.items() if at <= crash_at), default=0)
        for persistence in Persistence:
            left = disk.crash_state(crash_at, persistence, seed=crash_at)
            keys = keys_of(read_all(reader_of(left)))
            assert keys == list(range(1, len(keys) + 1))
            assert len(keys) >= acknowledged


def test_a_large_batch_is_logged_in_parts() -> None:
    disk = MemoryDisk()
    start = LogStart(IDENTITY, 1, 1, 1 << 20, LSN(0))
    log = WriteAheadLog(folder_of(disk), start, clock=ManualClock())
    rows = [bytes([key]) * (BATCH_SIZE_MAX // 4) for key in range(10)]
    log.append_rows(TransactionId(1), RelationId(2), [TupleId(key) for key in range(10)], rows)
    log.close()
    records = read_all(reader_of(disk))
    assert len(records) == 3
    found = [decode_rows(record.body) for record in records]
    assert [address for part, _ in found for address in part] == list(range(10))
    assert [row for _, part in found for row in part] == rows


def test_a_change_that_no_record_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lungfish.recovery.wal.BODY_SIZE_MAX", 4096)
    log = new_log(MemoryDisk())
    with pytest.raises(errors.ProgramLimitExceeded):
        append_insert(log, 1, 4096)
    with pytest.raises(errors.ProgramLimitExceeded):
        log.append_note(NoteKind.RECOVERY, bytes(4096))
    assert log.end_lsn() == log.start.life_start
    log.abandon()


def test_threads_that_commit_at_once_share_syncs() -> None:
    disk = SimulatedDisk()
    log = new_log(disk)
    gate = threading.Barrier(9)
    entered = threading.Event()
    go_on = threading.Event()

    def slow_sync(operation: Operation) -> Fault | None:
        if operation.kind is OperationKind.SYNC and operation.number > first_count:
            entered.set()
            assert go_on.wait(10)
        return None

    log.flush_to(append_insert(log, 1))
    first_count = disk.operation_count
    syncs_before = sync_count(disk)
    disk.before_operation = slow_sync
    leader = threading.Thread(target=lambda: log.flush_to(append_insert(log, 2)))
    leader.start()
    assert entered.wait(10)

    def commit(key: int) -> None:
        lsn = append_insert(log, key)
        gate.wait(10)
        log.flush_to(lsn)

    followers = [threading.Thread(target=commit, args=(key,)) for key in range(3, 11)]
    for thread in followers:
        thread.start()
    gate.wait(10)
    while len(log._group._waiters) < 8:
        followers[0].join(0.001)
    go_on.set()
    for thread in [leader, *followers]:
        thread.join(10)
    assert sync_count(disk) - syncs_before == 2
    assert sorted(keys_of(read_all(reader_of(disk)))) == list(range(1, 11))
    log.close()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (OperationKind.SYNC, errors.IoError("EIO")),
        (OperationKind.SYNC, errors.DiskFull("ENOSPC")),
        (OperationKind.WRITE, errors.IoError("EIO")),
    ],
)
def test_a_failed_write_or_sync_poisons_the_log_for_ever(
    kind: OperationKind, error: errors.Error
) -> None:
    disk = SimulatedDisk()
    log = new_log(disk)
    log.flush_to(append_insert(log, 1))
    failures = [Fault(error, loses_unsynced=True)]
    disk.before_operation = lambda operation: (
        failures.pop() if operation.kind is kind and failures else None
    )
    lsn = append_insert(log, 2)
    with pytest.raises(errors.IoError) as caught:
        log.flush_to(lsn)
    assert caught.value.sqlstate == "58030"
    for attempt in (lambda: log.flush_to(lsn), lambda: append_insert(log, 3)):
        with pytest.raises(errors.IoError):
            attempt()
    with pytest.raises(errors.IoError):
        log.flush_to(LSN(0))
    log.close()
    assert keys_of(read_all(reader_of(disk))) in ([1], [1, 2])


def test_an_interrupted_write_is_written_again_whole() -> None:
    disk = SimulatedDisk()
    log = new_log(disk)
    log.flush_to(append_insert(log, 1))
    interrupts = [Fault(KeyboardInterrupt(), applied_size=20)]
    disk.before_operation = lambda operation: (
        interrupts.pop() if operation.kind is OperationKind.WRITE and interrupts else None
    )
    lsn = append_insert(log, 2)
    with pytest.raises(KeyboardInterrupt):
        log.flush_to(lsn)
    append_insert(log, 3)
    log.flush_to(lsn)
    log.close()
    assert keys_of(read_all(reader_of(disk))) == [1, 2, 3]


def test_a_full_buffer_is_written_by_the_next_writer_that_leaves_the_fence() -> None:
    disk: Disk = SimulatedDisk()
    fence = Fence()
    log = WriteAheadLog(
        folder_of(disk),
        LogStart(IDENTITY, 1, 1, SEGMENT_SIZE, LSN(0)),
        clock=ManualClock(),
        fence=fence,
        buffer_size_max=2000,
    )
    with fence:
        append_insert(log, 1, 1000)
    assert not disk.exists("app.db-wal")
    with fence:
        append_insert(log, 2, 1000)
        assert not disk.exists("app.db-wal")
    assert disk.exists("app.db-wal")
    assert log.durable_lsn == log.start.life_start
    with fence:
        append_insert(log, 3, 1000)
    log.abandon()
    assert keys_of(read_all(reader_of(disk))) == [1, 2]


def test_what_was_not_flushed_is_lost_when_the_process_is_killed() -> None:
    disk = MemoryDisk()
    log = new_log(disk)
    log.flush_to(append_insert(log, 1))
    append_insert(log, 2)
    log.abandon()
    reader = reader_of(disk)
    assert keys_of(read_all(reader)) == [1]
    assert reader.tail.state is TailState.CLEAN
    with pytest.raises(errors.IoError):
        append_insert(log, 3)
