"""Where the records end, a torn tail, garbage, and damage to what had been synced are told apart."""

from __future__ import annotations

from uuid import UUID

import pytest

from lungfish import errors
from lungfish.recovery.wal_damage import WalRecoveryMode
from lungfish.recovery.wal_reader import TailState
from lungfish.recovery.wal_segments import HEADER_SIZE
from lungfish.storage.disk import Disk
from lungfish.storage.ids import LSN
from lungfish.storage.memory_disk import MemoryDisk
from tests.recovery.log_fixtures import (
    CAPACITY,
    SEGMENT_SIZE,
    append_insert,
    folder_of,
    keys_of,
    new_log,
    read_all,
    reader_of,
)


def change_log(disk: Disk, lsn: int, data: bytes) -> None:
    """Change bytes of the log from outside."""
    number, offset = divmod(lsn, CAPACITY)
    file = folder_of(disk).open(number)
    file.write_at(HEADER_SIZE + offset, data)
    file.close()


def log_of(disk: Disk, keys: range, *, syncs: bool = True, size: int = 200) -> list[LSN]:
    """Write a life of the log; answers the records' ends."""
    log = new_log(disk)
    ends = []
    for key in keys:
        ends.append(append_insert(log, key, size))
        if syncs:
            log.flush_to(ends[-1])
    log.flush_to(log.end_lsn())
    log.abandon()
    return ends


def test_behind_an_undamaged_log_the_tail_is_clean() -> None:
    disk = MemoryDisk()
    log_of(disk, range(1, 5))
    reader = reader_of(disk)
    read_all(reader)
    assert reader.tail.state is TailState.CLEAN
    assert reader.tail.discarded_bytes == 0


def test_a_damaged_last_batch_is_a_torn_tail() -> None:
    disk = MemoryDisk()
    ends = log_of(disk, range(1, 5))
    change_log(disk, ends[-1] - 8, b"????????")
    reader = reader_of(disk)
    assert keys_of(read_all(reader)) == [1, 2, 3]
    assert reader.tail.state is TailState.TORN
    assert reader.tail.discarded_bytes >= 200


def test_a_hole_in_the_last_batch_is_a_torn_tail_as_the_disk_may_reorder() -> None:
    disk = MemoryDisk()
    ends = log_of(disk, range(1, 6), syncs=False)
    change_log(disk, ends[1], bytes(64))
    reader = reader_of(disk)
    assert keys_of(read_all(reader)) == [1, 2]
    assert reader.tail.state is TailState.TORN
    assert reader.tail.discarded_bytes >= ends[4] - ends[1]


def test_damage_before_what_was_synced_later_is_no_torn_tail() -> None:
    disk = MemoryDisk()
    ends = log_of(disk, range(1, 6))
    change_log(disk, ends[1] - 8, b"????????")
    with pytest.raises(errors.CorruptLog):
        read_all(reader_of(disk))
    reader = reader_of(disk, mode=WalRecoveryMode.POINT_IN_TIME)
    assert keys_of(read_all(reader)) == [1]
    assert reader.tail.state is TailState.GAP
    assert b"????????" in reader.tail.damage[0].data


def test_damage_before_what_the_checkpoint_knows_to_be_durable_is_no_torn_tail() -> None:
    disk = MemoryDisk()
    ends = log_of(disk, range(1, 4))
    change_log(disk, ends[2] - 8, b"????????")
    assert keys_of(read_all(reader_of(disk, durable_lsn=ends[1]))) == [1, 2]
    with pytest.raises(errors.CorruptLog):
        read_all(reader_of(disk, durable_lsn=ends[2]))


def test_bytes_that_are_no_record_are_garbage() -> None:
    disk = MemoryDisk()
    log = new_log(disk)
    append_insert(log, 1)
    log.flush_to(log.end_lsn())
    end = log.end_lsn()
    log.abandon()
    change_log(disk, end + 40, b"what is this")
    reader = reader_of(disk)
    assert keys_of(read_all(reader)) == [1]
    assert reader.tail.state is TailState.GARBAGE
    assert reader.tail.discarded_bytes == 40 + len(b"what is this")


def test_the_next_life_begins_in_a_fresh_segment_and_says_where_the_one_before_ended() -> None:
    disk = MemoryDisk()
    ends = log_of(disk, range(1, 5))
    change_log(disk, ends[-1] - 8, b"????????")
    reader = reader_of(disk)
    read_all(reader)
    second = new_log(disk, generation=2, number=2, previous_end=reader.tail.end)
    second.flush_to(append_insert(second, 50))
    second.abandon()
    reader = reader_of(disk)
    assert keys_of(read_all(reader)) == [1, 2, 3, 50]
    assert reader.tail.state is TailState.CLEAN
    assert reader.generation == 2


def test_what_an_earlier_restart_discarded_stays_discarded() -> None:
    disk = MemoryDisk()
    ends = log_of(disk, range(1, 5))
    marked_end = reader_of(disk)
    read_all(marked_end)
    second = new_log(disk, generation=2, number=2, previous_end=ends[1])
    second.flush_to(append_insert(second, 50))
    second.abandon()
    assert keys_of(read_all(reader_of(disk))) == [1, 2, 50]


def test_damage_in_an_earlier_life_is_never_a_torn_tail() -> None:
    disk = MemoryDisk()
    ends = log_of(disk, range(1, 3))
    reader = reader_of(disk)
    read_all(reader)
    second = new_log(disk, generation=2, number=2, previous_end=reader.tail.end)
    second.flush_to(append_insert(second, 50))
    second.abandon()
    change_log(disk, ends[-1] - 8, b"????????")
    with pytest.raises(errors.CorruptLog):
        read_all(reader_of(disk))


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_missing_segment_is_noticed(missing: int) -> None:
    disk = MemoryDisk()
    log_of(disk, range(1, 60), size=1000)
    disk.remove(folder_of(disk).path_of(missing))
    with pytest.raises(errors.CorruptLog):
        read_all(reader_of(disk))


def test_a_log_that_begins_after_the_checkpoint_is_refused() -> None:
    disk = MemoryDisk()
    log = new_log(disk, generation=3, number=9, previous_end=CAPACITY * 2)
    log.flush_to(append_insert(log, 1))
    log.abandon()
    assert keys_of(read_all(reader_of(disk, start=CAPACITY * 2))) == [1]
    for start in (CAPACITY * 2 - 8, CAPACITY * 2 + 8):
        with pytest.raises(errors.CorruptLog):
            read_all(reader_of(disk, start=start))


def test_the_log_of_another_database_is_refused() -> None:
    disk = MemoryDisk()
    log = new_log(disk, uuid=UUID(int=1))
    log.flush_to(append_insert(log, 1))
    log.abandon()
    with pytest.raises(errors.CorruptLog, match="another database"):
        reader_of(disk)


def test_remains_in_a_reused_segment_are_not_taken_for_records() -> None:
    disk = MemoryDisk()
    log = new_log(disk)
    for key in range(1, 60):
        log.flush_to(append_insert(log, key, 1000))
    active = log.writer.segment_number
    assert active is not None
    folder = folder_of(disk)
    old = [number for number in folder.numbers() if number < active]
    assert folder.remove(old, keeps_free=True) == (max(0, len(old) - 4), min(4, len(old)))
    start = log.durable_lsn
    while log.writer.segment_number == active:
        log.flush_to(append_insert(log, 99, 1000))
    log.abandon()
    reader = reader_of(disk, start=start)
    keys = keys_of(read_all(reader))
    assert keys
    assert set(keys) == {99}
    assert reader.tail.state is TailState.CLEAN


def test_a_segment_whose_making_was_cut_off_ends_the_log_cleanly() -> None:
    disk = MemoryDisk()
    log_of(disk, range(1, 3))
    file = disk.open(folder_of(disk).path_of(2), create=True)
    file.truncate(SEGMENT_SIZE)
    file.close()
    reader = reader_of(disk)
    assert keys_of(read_all(reader)) == [1, 2]
    assert reader.tail.state is TailState.CLEAN


@pytest.mark.parametrize("number", [1, 2])
def test_a_damaged_header_is_not_taken_for_the_end_of_the_log(number: int) -> None:
    disk = MemoryDisk()
    log_of(disk, range(1, 20), size=1000)
    file = folder_of(disk).open(number)
    file.write_at(8, b"\x63")
    file.close()
    with pytest.raises(errors.CorruptLog, match="header"):
        read_all(reader_of(disk))
    reader = reader_of(disk, mode=WalRecoveryMode.POINT_IN_TIME)
    assert keys_of(read_all(reader)) == ([] if number == 1 else list(range(1, 12)))
    assert reader.tail.state is TailState.GAP


def test_a_segment_of_another_format_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = MemoryDisk()
    monkeypatch.setattr("lungfish.recovery.wal_segments.VERSION", 77)
    log_of(disk, range(1, 3))
    monkeypatch.undo()
    with pytest.raises(errors.CorruptLog, match="version 77"):
        reader_of(disk)


def test_damaged_bytes_are_kept_aside() -> None:
    disk = MemoryDisk()
    log_of(disk, range(1, 3))
    path = folder_of(disk).keep_aside(4711, b"evidence")
    assert folder_of(disk).keep_aside(4711, b"evidence") == path
    file = disk.open(path)
    assert file.read_at(0, 100) == b"evidence"
    file.close()
    folder_of(disk).remove_folder()
    assert disk.exists(path)
