"""`lungfish.restore` and `lungfish.verify_backup`: backups from Python."""

from __future__ import annotations

import datetime
import os

from lungfish.database import DatabaseOptions
from lungfish.database.restore import restore_database
from lungfish.errors import InterfaceError
from lungfish.recovery.backup_verify import VerifyReport
from lungfish.recovery.backup_verify import verify_backup as verify
from lungfish.recovery.restore import Progress, RestoreReport, RestoreRequest, RestoreTarget
from lungfish.recovery.wal_records import parse_lsn
from lungfish.storage import LocalDisk

Path = str | os.PathLike[str]
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def restore(
    backup: Path,
    target: Path,
    *,
    lsn: str | None = None,
    time: datetime.datetime | None = None,
    name: str | None = None,
    archive: Path | None = None,
    wal: Path | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    options: DatabaseOptions | None = None,
) -> RestoreReport:
    """Make a database of a backup: as it was at an LSN, a time (aware), a restore point or named checkpoint, or as far as the log goes.

    `archive` and `wal` are folders with more of the log: `archive_path`, and `app.db-wal` of the database that was backed up. With
    `dry_run` nothing is written. Raises DuplicateFile if the target is there, unless `overwrite`; InvalidParameterValue for a target
    that lies before the backup or behind the end of the log.
    """
    if sum(each is not None for each in (lsn, time, name)) > 1:
        raise InterfaceError("a restore has one target: an LSN, a time or a name")
    if time is not None and time.tzinfo is None:
        raise InterfaceError("the time to restore to must have a time zone")
    point = RestoreTarget(
        lsn=None if lsn is None else parse_lsn(lsn),
        time_us=None if time is None else (time - _EPOCH) // datetime.timedelta(microseconds=1),
        name=name,
    )
    request = RestoreRequest(
        backup_path=os.fspath(backup),
        target_path=os.fspath(target),
        target=point,
        archive_path="" if archive is None else os.fspath(archive),
        wal_path="" if wal is None else os.fspath(wal),
        is_dry_run=dry_run,
        is_overwriting=overwrite,
    )
    return restore_database(request, options=options, progress=progress)


def verify_backup(backup: Path, *, options: DatabaseOptions | None = None) -> VerifyReport:
    """Verify a backup without restoring it: every checksum, every page, the log from end to end."""
    disk = options.disk if options is not None and options.disk is not None else LocalDisk()
    return verify(disk, os.fspath(backup))
