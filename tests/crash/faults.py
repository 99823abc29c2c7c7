"""Planted faults: ways to break durability that the drill must notice. See `docs/decisions/0003-crash-simulation.md`.

Each fault patches one thing in a running program, for the workload and for the recovery alike, and names a workload in which it must show.
A fault that the drill does not notice is a hole in the drill: `python -m tests.crash --faults` then fails.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from lungfish.recovery import restart, restart_tables, wal_reader
from lungfish.recovery.checkpoint import CheckpointCoordinator
from lungfish.recovery.checkpoint_participants import TransactionsParticipant
from lungfish.recovery.checkpoint_run import CheckpointRun
from lungfish.recovery.core import StorageCore
from lungfish.recovery.restart import RecoveryDriver
from lungfish.recovery.retention import WalRetentionManager
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_segments import LogStart, SegmentFolder
from lungfish.recovery.wal_writer import SegmentWriter
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN, TransactionId
from lungfish.storage.image_builder import ImageBuilder
from lungfish.storage.relation_pages import Frame, RelationPages
from lungfish.storage.simulated_disk import SimulatedDisk, SimulatedFile
from lungfish.storage.table_rows import TableRows
from lungfish.storage.transactions import TransactionManager
from lungfish.storage.versions import VersionChains
from tests.crash.harness import check_kills, check_points, crash_points, run_workload
from tests.crash.workloads import WORKLOADS

Patch = contextlib.AbstractContextManager[Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break the program, and the workload that shows it."""

    plant: Callable[[], Patch]
    workload: str

    @property
    def name(self) -> str:
        return self.plant.__name__.replace("_", " ")


def do_nothing(*args: Any, **kwargs: Any) -> None:
    """In place of something that matters."""


def log_is_not_synced() -> Patch:
    return patch.object(SegmentWriter, "sync", do_nothing)


def commit_is_acknowledged_before_the_flush() -> Patch:
    return patch.object(TransactionManager, "flush_commit", do_nothing)


def segment_is_used_before_its_name_is_durable() -> Patch:
    real = SimulatedDisk.sync_directory

    def sync(disk: SimulatedDisk, path: str) -> None:
        if not path.endswith("-wal"):
            real(disk, path)

    return patch.object(SimulatedDisk, "sync_directory", sync)


@contextlib.contextmanager
def skipping_sync_of_publish(skipped: int) -> Iterator[None]:
    """Leave out one of the two syncs of the data file when an image is published."""
    publish, sync = ImageBuilder.publish, SimulatedFile.sync
    syncs_left: list[int] = []

    def counting_publish(builder: ImageBuilder) -> object:
        syncs_left[:] = [1, 2]
        return publish(builder)

    def counting_sync(file: SimulatedFile) -> None:
        if syncs_left and not file.path.endswith(".wal") and syncs_left.pop(0) == skipped:
            return
        sync(file)

    with (
        patch.object(ImageBuilder, "publish", counting_publish),
        patch.object(SimulatedFile, "sync", counting_sync),
    ):
        yield


def superblock_is_published_before_its_pages() -> Patch:
    return skipping_sync_of_publish(1)


def log_is_pruned_before_the_superblock_is_durable() -> Patch:
    return skipping_sync_of_publish(2)


def retention_forgets_its_pins() -> Patch:
    return patch.object(WalRetentionManager, "prune_below", lambda manager: LSN(2**62))


def log_is_pruned_before_the_image() -> Patch:
    write = CheckpointCoordinator._write

    def prune_first(coordinator: CheckpointCoordinator, run: CheckpointRun) -> None:
        coordinator.log.prune(run.context.redo_lsn)
        write(coordinator, run)

    return patch.object(CheckpointCoordinator, "_write", prune_first)


def redo_position_is_taken_too_late() -> Patch:
    commit = CheckpointCoordinator._commit

    def take_now(coordinator: CheckpointCoordinator, run: CheckpointRun) -> None:
        run.context.redo_lsn = coordinator.log.end_lsn()
        coordinator.log.flush_to(run.context.redo_lsn)
        commit(coordinator, run)

    return patch.object(CheckpointCoordinator, "_commit", take_now)


def image_lacks_what_running_transactions_replaced() -> Patch:
    real = TransactionsParticipant._undo_lists

    def owed_only(participant: TransactionsParticipant) -> list[Any]:
        return [each for each in real(participant) if each[0] == 0]

    return patch.object(TransactionsParticipant, "_undo_lists", owed_only)


def index_under_construction_counts_as_built() -> Patch:
    recover = StorageCore.recover

    def trust_all(core: StorageCore, *arguments: Any) -> Any:
        report = recover(core, *arguments)
        core._settled = lambda: set(core.store.relations())
        return report

    return patch.object(StorageCore, "recover", trust_all)


def fence_does_not_wait_for_the_writer_inside() -> Patch:
    return patch.object(Fence, "close", lambda fence, timeout_s: True)


def committing_counts_as_running() -> Patch:
    real = TransactionsParticipant._undo_lists

    def with_ids(participant: TransactionsParticipant) -> list[Any]:
        running = {id(each.undo): each.id for each in participant._transactions.running()}
        return [(running.get(id(undo), each), undo) for each, undo in real(participant)]

    return patch.object(TransactionsParticipant, "_undo_lists", with_ids)


def image_keeps_an_older_version_of_a_page() -> Patch:
    real = ImageBuilder.write

    def write(builder: ImageBuilder, relation_id: Any, page_id: Any, data: Any) -> int:
        table = builder._tables[relation_id]
        if page_id < table.page_count and table.entry(page_id)[0]:
            return 0
        return real(builder, relation_id, page_id, data)

    return patch.object(ImageBuilder, "write", write)


def image_lacks_owed_purges() -> Patch:
    real = TransactionsParticipant._undo_lists

    def running_only(participant: TransactionsParticipant) -> list[Any]:
        return [each for each in real(participant) if each[0] != 0]

    return patch.object(TransactionsParticipant, "_undo_lists", running_only)


def frozen_pages_are_changed_in_place() -> Patch:
    """A writer that touches a frozen page changes it in place instead of copying it."""

    def writable(pages: RelationPages, frame: Frame, lsn: LSN) -> bytearray:
        if pages.frozen.get(frame.page_id) is frame:
            pages.dirty[frame.page_id] = frame
            return frame.data
        return real(pages, frame, lsn)

    real = RelationPages.writable
    return patch.object(RelationPages, "writable", writable)


def restart_does_not_undo() -> Patch:
    return patch.object(restart_tables, "put_back", do_nothing)


def restart_forgets_older_versions_of_a_row_it_puts_back() -> Patch:
    return patch.object(VersionChains, "push", do_nothing)


def restart_redoes_what_never_committed() -> Patch:
    class Everyone(set[int]):
        def __contains__(self, item: object) -> bool:
            return True

    real = restart.last_changes

    def of_everyone(records: Any, *, mark: LSN, committed: set[int]) -> Any:
        return real(records, mark=mark, committed=Everyone())

    return patch.object(restart, "last_changes", of_everyone)


def restart_redoes_from_too_late() -> Patch:
    real = restart.last_changes

    def past_all(records: Any, *, mark: LSN, committed: set[int]) -> Any:
        return real(records, mark=LSN(mark + 400), committed=committed)

    return patch.object(restart, "last_changes", past_all)


def restart_goes_on_in_the_old_segment() -> Patch:
    real = RecoveryDriver._start_of_next_life

    def in_the_last_one(driver: RecoveryDriver, segment_size: int) -> LogStart:
        start = real(driver, segment_size)
        return replace(start, segment_number=max(1, start.segment_number - 1))

    return patch.object(RecoveryDriver, "_start_of_next_life", in_the_last_one)


def restart_does_not_say_where_the_life_before_ended() -> Patch:
    real = RecoveryDriver._start_of_next_life

    def unsaid(driver: RecoveryDriver, segment_size: int) -> LogStart:
        return replace(real(driver, segment_size), previous_end=LSN(0))

    return patch.object(RecoveryDriver, "_start_of_next_life", unsaid)


def restart_does_not_sync_what_it_read() -> Patch:
    return patch.object(RecoveryDriver, "_sync_what_was_read", do_nothing)


def transaction_ids_begin_anew() -> Patch:
    return patch.object(RecoveryDriver, "next_transaction_id", TransactionId(1))


def indexes_without_an_image_are_left_empty() -> Patch:
    return patch.object(restart, "build_missing", lambda rows, missing, trim: 0)


def reader_does_not_check_sums() -> Patch:
    class Agreeable(int):
        def __eq__(self, other: object) -> bool:
            return True

        def __ne__(self, other: object) -> bool:
            return False

        __hash__ = int.__hash__

    return patch.object(wal_reader, "checksum", lambda body, seed: Agreeable())


def log_is_removed_before_the_final_image() -> Patch:
    leave = StorageCore._leave_single_file

    def remove_first(core: StorageCore) -> None:
        core.log.writer.sync()
        SegmentFolder(core.disk, core.folder.path).remove_folder()
        leave(core)

    return patch.object(StorageCore, "_leave_single_file", remove_first)


def rollback_to_a_savepoint_is_not_logged() -> Patch:
    real = TableRows.undo

    def unlogged(rows: TableRows, transaction: Any, entry: Any, *, is_logged: bool) -> None:
        real(rows, transaction, entry, is_logged=False)

    return patch.object(TableRows, "undo", unlogged)


def batch_of_rows_is_not_logged() -> Patch:
    return patch.object(WriteAheadLog, "append_rows", lambda log, *args: log.end_lsn())


FAULTS: tuple[Fault, ...] = (
    # The log
    Fault(log_is_not_synced, "rows_and_indexes"),
    Fault(commit_is_acknowledged_before_the_flush, "rows_and_indexes"),
    Fault(segment_is_used_before_its_name_is_durable, "rows_and_indexes"),
    Fault(batch_of_rows_is_not_logged, "bulk"),
    Fault(rollback_to_a_savepoint_is_not_logged, "savepoints"),
    Fault(reader_does_not_check_sums, "rows_and_indexes"),
    # The checkpoint
    Fault(superblock_is_published_before_its_pages, "rows_and_indexes"),
    Fault(log_is_pruned_before_the_superblock_is_durable, "rows_and_indexes"),
    Fault(log_is_pruned_before_the_image, "rows_and_indexes"),
    Fault(fence_does_not_wait_for_the_writer_inside, "checkpoints_at_bad_moments"),
    Fault(committing_counts_as_running, "checkpoints_at_bad_moments"),
    Fault(image_keeps_an_older_version_of_a_page, "rows_and_indexes"),
    Fault(retention_forgets_its_pins, "writes_during_checkpoints"),
    Fault(redo_position_is_taken_too_late, "writes_during_checkpoints"),
    Fault(frozen_pages_are_changed_in_place, "writes_during_checkpoints"),
    Fault(image_lacks_what_running_transactions_replaced, "savepoints"),
    Fault(index_under_construction_counts_as_built, "tables_come_and_go"),
    Fault(image_lacks_owed_purges, "snapshots_that_linger"),
    Fault(log_is_removed_before_the_final_image, "opening_and_closing"),
    # The restart
    Fault(restart_does_not_undo, "savepoints"),
    Fault(restart_forgets_older_versions_of_a_row_it_puts_back, "savepoints"),
    Fault(restart_redoes_what_never_committed, "savepoints"),
    Fault(restart_redoes_from_too_late, "rows_and_indexes"),
    Fault(restart_goes_on_in_the_old_segment, "opening_and_closing"),
    Fault(restart_does_not_say_where_the_life_before_ended, "opening_and_closing"),
    Fault(restart_does_not_sync_what_it_read, "rows_and_indexes"),
    Fault(transaction_ids_begin_anew, "opening_and_closing"),
    Fault(indexes_without_an_image_are_left_empty, "tables_come_and_go"),
)


def is_noticed(fault: Fault) -> str | None:
    """How the drill notices a planted fault; None if it does not."""
    workload = WORKLOADS[fault.workload]
    with fault.plant():
        for seed in range(1, 4):
            try:
                drill = run_workload(workload, seed)
                points = crash_points(drill.disk, count=80, seed=seed)
                for point in points:
                    tally = check_points(drill, [point], nested_share=0.5, seed=point.operation)
                    if tally.failures:
                        return tally.failures[0]
                kills = range(2, drill.disk.operation_count, 4)
                for operation in kills:
                    tally = check_kills(workload, [operation], seed)
                    if tally.failures:
                        return tally.failures[0]
            except Exception as error:
                return f"in the workload itself: {type(error).__name__}: {error}"
    return None
