"""Restart and the core: what is redone and what is not, refusals that change nothing, and what a close leaves."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from lungfish import errors
from lungfish.catalog.objects import PUBLIC_OID, Oid, Sequence
from lungfish.recovery.core import CoreOptions, StorageCore
from lungfish.recovery.restart_progress import RecoveryPhase, RecoveryProgress
from lungfish.storage.clock import ManualClock
from lungfish.storage.disk import Disk
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.types.sql_type import BIGINT
from tests.crash.small_database import OPTIONS, PATH, SmallDatabase
from tests.crash.workloads import row

FOLDER = PATH + "-wal"


def with_rows(disk: Disk, count: int, options: CoreOptions = OPTIONS) -> SmallDatabase:
    database = SmallDatabase(disk, options)
    transaction = database.begin()
    number = database.create_table(transaction)
    transaction.commit()
    add_rows(database, range(count), number)
    return database


def add_rows(database: SmallDatabase, row_ids: range, number: int = 0) -> None:
    for row_id in row_ids:
        transaction = database.begin()
        database.insert(transaction, number, row(row_id, row_id % 7, 50))
        transaction.commit()


def remove_folder(disk: Disk) -> None:
    for name in disk.list(FOLDER):
        disk.remove(f"{FOLDER}/{name}")
    disk.remove_directory(FOLDER)


def test_no_record_before_the_checkpoint_is_applied_again() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 40)
    database.checkpoint()
    add_rows(database, range(100, 103))
    database.crash()
    report = SmallDatabase(disk).report
    assert report.counts.records_applied == 3
    assert report.counts.rows_redone == 3
    assert not report.is_clean


def test_of_many_changes_of_a_row_one_is_applied() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 1)
    database.checkpoint()
    for n in range(20):
        transaction = database.begin()
        database.update(transaction, 0, row(0, n))
        transaction.commit()
    database.crash()
    again = SmallDatabase(disk)
    assert again.report.counts.records_applied == 20
    assert again.report.counts.rows_redone == 1
    assert again.dump() == {0: {0: row(0, 19)}}


def test_who_never_committed_is_counted_and_gone() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 5)
    transaction = database.begin()
    database.insert(transaction, 0, row(99))
    database.core.log.flush_to(database.core.log.end_lsn())
    database.crash()
    again = SmallDatabase(disk)
    assert again.report.losers == 1
    assert sorted(again.dump()[0]) == [0, 1, 2, 3, 4]


def test_a_log_larger_than_the_memory_limit_is_redone_in_parts() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 60)
    for row_id in range(0, 60, 3):
        transaction = database.begin()
        database.delete(transaction, 0, row_id)
        transaction.commit()
    for row_id in range(1, 60, 3):
        transaction = database.begin()
        database.update(transaction, 0, row(row_id, 1000 + row_id, 200))
        transaction.commit()
    state = database.dump()
    database.crash()
    again = SmallDatabase(disk, replace(OPTIONS, recovery_memory_limit=1500))
    assert again.core.driver.log_facts.window is None
    assert again.dump() == state
    again.check()


def test_a_table_whose_rows_all_come_from_the_log_has_its_indexes_built() -> None:
    disk = MemoryDisk()
    database = SmallDatabase(disk)
    transaction = database.begin()
    number = database.create_table(transaction)
    database.store(number).insert_many(transaction, [row(each, each) for each in range(2000)])
    transaction.commit()
    state = database.dump()
    database.crash()
    again = SmallDatabase(disk)
    assert again.report.counts.indexes_built == 2
    assert again.dump() == state
    again.check()


def test_relations_that_the_catalog_does_not_know_are_dropped() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 3)
    transaction = database.begin()
    lost = database.create_table(transaction)
    database.insert(transaction, lost, row(1))
    database.checkpoint()
    relations = database.relations[lost]
    database.crash()
    again = SmallDatabase(disk)
    assert again.report.relations_dropped == 4
    assert relations.heap not in again.core.store.relations()
    # Its number is not used again, since image and log still speak of it.
    transaction = again.begin()
    assert again.create_table(transaction) > lost
    transaction.commit()
    again.check()


def sequence_of(oid: int) -> Sequence:
    return Sequence(Oid(oid), f"s{oid}", PUBLIC_OID, BIGINT)


def test_sequences_go_on_above_what_was_handed_out() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 1)
    called, fresh = (sequence_of(oid) for oid in (16_500, 16_501))
    database.core.sequences.set_value(called, 7, is_called=True)
    database.checkpoint()
    database.core.sequences.set_value(fresh, 40, is_called=False)
    add_rows(database, range(10, 11))
    database.crash()
    sequences = SmallDatabase(disk).core.sequences
    sequences.keep_only([called, fresh])
    assert sequences.state(called) == (7, True)
    assert sequences.state(fresh) == (40, False)


def test_transaction_ids_go_on_above_those_of_lost_transactions() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 1)
    lost = database.begin()
    database.insert(lost, 0, row(99))
    database.core.log.flush_to(database.core.log.end_lsn())
    database.crash()
    assert SmallDatabase(disk).core.transactions.next_id > lost.id


def test_progress_is_told_phase_by_phase() -> None:
    disk = MemoryDisk()
    with_rows(disk, 3).crash()
    told: list[RecoveryProgress] = []
    SmallDatabase(disk, replace(OPTIONS, on_recovery=told.append))
    phases = list(dict.fromkeys(progress.phase for progress in told))
    assert phases[:2] == [RecoveryPhase.LOCATE, RecoveryPhase.ANALYZE]
    assert phases[-1] is RecoveryPhase.DONE
    assert RecoveryPhase.REDO in phases


def test_a_clean_close_leaves_one_file_that_is_the_whole_database() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 30)
    state = database.dump()
    database.close()
    database.close()
    assert disk.list(".") == [PATH]
    again = SmallDatabase(disk)
    assert again.report.is_clean
    assert again.dump() == state


def test_a_purge_that_a_close_still_owed_is_done_at_the_next_open() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 10)
    database.core.transactions.take_snapshot()
    for row_id in range(5):
        transaction = database.begin()
        database.delete(transaction, 0, row_id)
        transaction.commit()
    database.close()
    again = SmallDatabase(disk)
    assert again.report.is_clean
    assert again.report.counts.rows_purged == 5
    again.check()
    assert sorted(again.dump()[0]) == [5, 6, 7, 8, 9]


def test_opening_and_closing_without_a_change_writes_nothing() -> None:
    disk = MemoryDisk()
    with_rows(disk, 3).close()
    generation = SmallDatabase(disk).core.store.generation
    database = SmallDatabase(disk)
    database.close()
    assert SmallDatabase(disk).core.store.generation == generation


def test_a_new_database_beside_the_log_of_a_lost_one_is_refused() -> None:
    disk = MemoryDisk()
    with_rows(disk, 3).crash()
    disk.remove(PATH)
    names = disk.list(FOLDER)
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        SmallDatabase(disk)
    assert disk.list(FOLDER) == names
    assert not disk.exists(PATH)


def test_the_log_of_another_database_is_refused() -> None:
    disk = MemoryDisk()
    with_rows(disk, 3).crash()
    disk.remove(PATH)
    disk.rename(f"{FOLDER}/{1:016d}.wal", "elsewhere")
    StorageCore.open(
        disk, PATH, create_with=UUID(int=9), clock=ManualClock(), options=OPTIONS
    ).crash()
    disk.rename("elsewhere", f"{FOLDER}/{1:016d}.wal")
    with pytest.raises(errors.CorruptLog, match="another database"):
        SmallDatabase(disk)


def test_a_missing_log_is_noticed() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 3)
    database.checkpoint()
    add_rows(database, range(50, 52))
    database.crash()
    remove_folder(disk)
    with pytest.raises(errors.CorruptLog, match="missing"):
        SmallDatabase(disk)


def test_an_older_copy_of_the_file_beside_a_newer_log_is_refused() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 40)
    database.checkpoint()
    file = disk.open(PATH)
    copy = file.read_at(0, file.size())
    for first in range(100, 400, 60):
        add_rows(database, range(first, first + 60))
        database.checkpoint()
    add_rows(database, range(500, 510))
    database.crash()
    file.truncate(0)
    file.write_at(0, copy)
    file.close()
    with pytest.raises(errors.CorruptLog):
        SmallDatabase(disk)


def test_the_size_of_segments_stays_that_of_the_database() -> None:
    disk = MemoryDisk()
    with_rows(disk, 10).close()
    database = SmallDatabase(disk, replace(OPTIONS, segment_size=64 * 1024))
    assert database.core.log.start.segment_size == OPTIONS.segment_size
    add_rows(database, range(100, 140))
    state = database.dump()
    database.crash()
    assert SmallDatabase(disk).dump() == state


def test_free_space_is_known_again_after_a_restart() -> None:
    disk = MemoryDisk()
    database = with_rows(disk, 100)
    for row_id in range(0, 100, 2):
        transaction = database.begin()
        database.delete(transaction, 0, row_id)
        transaction.commit()
    pages = database.store(0).heap.pages.page_count
    database.close()
    again = SmallDatabase(disk)
    add_rows(again, range(1000, 1045))
    assert again.store(0).heap.pages.page_count == pages
