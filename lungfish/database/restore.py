"""Restoring a backup into a database file: the files, a restart over them, an identity of its own, and then the name.

    NEW.restoring, NEW.restoring-wal   written, opened as after a crash, closed: one file
                                       gets a new identity
    NEW                                renamed, durably; from here on it is there

A restored database is another database than the one that was backed up: it goes its own way from the target on, so its log must never be
taken for the other's, nor its segments be put among those of the other's archive. Its UUID tells them apart.

Invariants:
1. Before the last step nothing bears the target's name that did not before: an interrupted restore leaves the target as it was.
2. A database that is there is replaced only if that was asked for, and only if nobody has it open.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from lungfish.database.database import Database
from lungfish.database.options import DatabaseOptions
from lungfish.errors import DuplicateFile
from lungfish.recovery.restore import (
    LOG_SUFFIX,
    Progress,
    RestorePlan,
    RestoreReport,
    RestoreRequest,
    plan_restore,
    write_database,
)
from lungfish.storage import Disk, LocalDisk
from lungfish.storage.disk import parent_directory
from lungfish.storage.page_store import PageStore

WORK_SUFFIX = ".restoring"


def restore_database(
    request: RestoreRequest,
    *,
    options: DatabaseOptions | None = None,
    progress: Progress | None = None,
) -> RestoreReport:
    """Restore a backup, or say what that would do.

    Raises DuplicateFile if the target is there already, DatabaseInUse if it is to be replaced and is open; what `plan_restore` raises;
    DiskFull, IoError.
    """
    used = options if options is not None else DatabaseOptions()
    disk = used.disk or LocalDisk(used.clock)
    plan = plan_restore(disk, request)
    try:
        _refuse_to_replace(disk, request)
        if request.is_dry_run:
            return plan.report
        _restore(plan, disk, used, progress)
    finally:
        plan.close()
    return replace(plan.report, outcome="restored")


def _refuse_to_replace(disk: Disk, request: RestoreRequest) -> None:
    for path in (request.target_path, request.target_path + LOG_SUFFIX):
        if disk.exists(path) and not request.is_overwriting:
            raise DuplicateFile(
                f'"{path}" is there already',
                hint="Restore under another name, or say OVERWRITE.",
            )


def _restore(
    plan: RestorePlan, disk: Disk, options: DatabaseOptions, progress: Progress | None
) -> None:
    target = plan.request.target_path
    work = target + WORK_SUFFIX
    with _held(disk, target):
        # What an interrupted restore left.
        _remove_database(disk, work)
        try:
            write_database(plan, disk, work, progress)
            _recover(disk, work, options)
            _give_identity(disk, work, UUID(int=options.random.getrandbits(128), version=4))
            disk.rename(work, target)
            disk.sync_directory(parent_directory(target))
        except BaseException:
            _remove_database(disk, work)
            raise
        # The log of a database that was replaced: it is of no use to this one.
        _remove_log(disk, target + LOG_SUFFIX)


@contextlib.contextmanager
def _held(disk: Disk, target: str) -> Iterator[None]:
    """Keep others from a database that is to be replaced. Raises DatabaseInUse."""
    if not disk.exists(target):
        yield
        return
    lock = disk.lock(target)
    try:
        yield
    finally:
        lock.release()


def _recover(disk: Disk, path: str, options: DatabaseOptions) -> None:
    """Open and close: restart does what there is to do, the final checkpoint leaves one file."""
    opened = replace(
        options,
        disk=disk,
        wal_recovery_mode="tail",
        checkpoint_wal_bytes=0,
        archives_log=False,
        is_restore=True,
    )
    database = Database.open(disk, path, name=path, create=False, options=opened)
    try:
        database.close()
    except BaseException:
        database.crash()
        raise


def _give_identity(disk: Disk, path: str, identity: UUID) -> None:
    """Write both superblocks anew, with another UUID. A crash in between leaves no database of either, under a name that is nobody's."""
    store = PageStore.open(disk, path)
    try:
        store.uuid = identity
        store.repeat_image()
        store.repeat_image()
        store.close()
    except BaseException:
        store.abandon()
        raise


def _remove_database(disk: Disk, path: str) -> None:
    _remove_log(disk, path + LOG_SUFFIX)
    if disk.exists(path):
        disk.remove(path)


def _remove_log(disk: Disk, folder: str) -> None:
    if not disk.exists(folder):
        return
    for name in disk.list(folder):
        disk.remove(f"{folder}/{name}")
    disk.remove_directory(folder)
