"""From a backup, and as much log as there is, to the files of a database as it was at a chosen moment.

    plan     the chain of backups; the log from all sources as one; the target found in it (nothing is written: a dry run ends here)
    write    the image's units and a manifest of its own, then the log, cut off at the target
    then     the database is opened and closed as any other after a crash (`database/restore.py`)

So what restores is restart itself: the log is simply cut off at the target. A target is the end of a record: of the last one that ends
at or before an LSN, of the last commit at or before a time, or of a restore point's note.

Invariants:
1. No target lies before the image's redo LSN: what the image has cannot be taken out of it again.
2. A target that the log does not reach is an error: nobody is given less than was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from lungfish import errors
from lungfish.recovery.backup_file import BackupFacts, BackupFile, BackupImageFile, open_chain
from lungfish.recovery.checkpoint_facts import CheckpointFacts, decode_facts
from lungfish.recovery.history import CheckpointRecord, decode_record
from lungfish.recovery.log_sources import MergedLog
from lungfish.recovery.wal_batch import RecordBatch
from lungfish.recovery.wal_damage import WalRecoveryMode
from lungfish.recovery.wal_reader import LogReader, TailState
from lungfish.recovery.wal_records import (
    END_OF_TRANSACTION,
    NoteKind,
    RecordType,
    decode_note,
    format_lsn,
)
from lungfish.recovery.wal_segments import HEADER_SIZE, SegmentFolder
from lungfish.storage.checksum import checksum
from lungfish.storage.disk import Disk, File, parent_directory
from lungfish.storage.ids import LSN
from lungfish.storage.image_reader import read_image
from lungfish.storage.manifest import Manifest
from lungfish.storage.page_table import UNIT_SIZE
from lungfish.storage.superblock import ManifestAddress, Superblock

LOG_SUFFIX = "-wal"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Up to where; at most one is given, none is the end of the log."""

    lsn: LSN | None = None
    # Microseconds since 1970, UTC.
    time_us: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What is asked for."""

    backup_path: str
    target_path: str
    target: RestoreTarget = RestoreTarget()
    # Folders with more of the log: an archive's, and the one beside the database that was backed up.
    archive_path: str = ""
    wal_path: str = ""
    is_dry_run: bool = False
    is_overwriting: bool = False


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was restored, or what would be."""

    backup_path: str
    target_path: str
    outcome: str
    backups: int
    checkpoint_id: int
    redo_lsn: LSN
    # Where the restored database's log ends, and where all there is of it ends.
    restored_lsn: LSN
    available_lsn: LSN
    # Of the last commit that is restored from the log; None: none is.
    last_commit_at: int | None
    transactions: int
    segments: int
    image_bytes: int
    log_bytes: int
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class RestorePlan:
    """A restore, thought through."""

    request: RestoreRequest
    chain: list[BackupFile]
    image_file: BackupImageFile
    manifest: Manifest
    log: MergedLog
    report: RestoreReport

    @property
    def facts(self) -> BackupFacts:
        """What the newest backup says of itself."""
        return self.chain[0].facts

    def close(self) -> None:
        """Let go of the backups."""
        self.image_file.close()


def plan_restore(disk: Disk, request: RestoreRequest) -> RestorePlan:
    """Find out what restoring would do, and write nothing; `close` the answer.

    Raises what opening a backup raises; CorruptLog; InvalidParameterValue for a target that the backup is past of or the log does
    not reach; UndefinedObject for a name that is not in it.
    """
    chain = open_chain(disk, request.backup_path)
    image_file = BackupImageFile(chain)
    try:
        facts = chain[0].facts
        manifest, image = read_image(image_file, facts.manifest)
        kept = decode_facts(image.payload)
        log = _merged_log(disk, request, chain[0])
        target = request.target
        if target.name is not None:
            lsn = _find_name(target.name, kept, log_reader(log, facts, kept))
            target = RestoreTarget(lsn=lsn)
        reader = log_reader(log, facts, kept)
        found = _Search(target, kept).run(reader)
        capacity = max(1, kept.segment_size - HEADER_SIZE)
        log.drop_from(-(-found.end // capacity))
        report = RestoreReport(
            backup_path=request.backup_path,
            target_path=request.target_path,
            outcome="dry_run",
            backups=len(chain),
            checkpoint_id=facts.checkpoint_id,
            redo_lsn=LSN(facts.redo_lsn),
            restored_lsn=found.end,
            available_lsn=found.available,
            last_commit_at=found.last_commit_at,
            transactions=found.transactions,
            segments=len(log.sources),
            image_bytes=image.unit_count * UNIT_SIZE,
            log_bytes=max(0, found.end - facts.lowest_mark),
            warnings=_warnings(reader),
        )
    except BaseException:
        image_file.close()
        raise
    return RestorePlan(request, chain, image_file, manifest, log, report)


def _warnings(reader: LogReader) -> tuple[str, ...]:
    """What lies behind damage, or behind a segment that is nowhere, is not restored: say so."""
    if reader.tail.state is not TailState.GAP:
        return ()
    reason = reader.tail.damage[0].reason
    return (f"the log can be used up to {format_lsn(reader.tail.end)} only: {reason}",)


def _merged_log(disk: Disk, request: RestoreRequest, backup: BackupFile) -> MergedLog:
    facts = backup.facts
    log = MergedLog(disk, UUID(facts.database_id))
    if request.archive_path:
        own = f"{request.archive_path}/{facts.database_id}"
        if not disk.exists(own):
            raise errors.UndefinedFile(
                f'archive "{request.archive_path}" has nothing of database {facts.database_id}'
            )
        log.add_folder(own, "archive")
    if request.wal_path:
        if not disk.exists(request.wal_path):
            raise errors.UndefinedFile(f'there is no log "{request.wal_path}"')
        log.add_folder(request.wal_path, "log")
    log.add_backup(backup)
    first = min((part.number for part in facts.segments), default=None)
    if first is None and log.sources:
        headers = log.folder().survey(UUID(facts.database_id))
        capacity = next(each.header.capacity for each in headers if each.header is not None)
        first = facts.lowest_mark // capacity
    log.drop_before(first or 0)
    return log


def log_reader(log: MergedLog, facts: BackupFacts, kept: CheckpointFacts) -> LogReader:
    """Reads the log behind a backup's image, to its end or to where it is damaged."""
    return LogReader(
        log.folder(),
        uuid=UUID(facts.database_id),
        start=LSN(facts.lowest_mark),
        durable_lsn=kept.redo_lsn,
        # What lies behind damage or a missing segment cannot be reached; what lies before it can.
        mode=WalRecoveryMode.POINT_IN_TIME,
    )


@dataclass(slots=True)
class _Found:
    """Where the target is, and what lies before it."""

    end: LSN
    available: LSN
    last_commit_at: int | None = None
    transactions: int = 0


class _Search:
    """Goes through the log until the target is passed."""

    def __init__(self, target: RestoreTarget, kept: CheckpointFacts) -> None:
        self._target = target
        self._kept = kept
        self._found = _Found(kept.redo_lsn, kept.redo_lsn)
        self._is_passed = False

    def run(self, reader: LogReader) -> _Found:
        """Find the target. Raises InvalidParameterValue, UndefinedObject."""
        self._check_not_before_image()
        found = self._found
        for batch in reader.batches():
            if not self._is_passed:
                self._look_at(batch)
            found.available = LSN(max(found.available, batch.end))
        target = self._target
        is_behind = target.lsn is not None and target.lsn > found.available
        if is_behind or (target.time_us is not None and not self._is_passed):
            raise errors.InvalidParameterValue(
                "the log ends before the target",
                detail=self._reach(reader),
                hint="Give an archive, or the database's log, that goes on; or leave the target out to restore all there is.",
            )
        return found

    def _check_not_before_image(self) -> None:
        target, kept = self._target, self._kept
        is_before = target.lsn is not None and target.lsn < kept.redo_lsn
        if target.time_us is not None and target.time_us < kept.taken_at:
            is_before = True
        if is_before:
            raise errors.InvalidParameterValue(
                "the target lies before the backup",
                detail=f"The backup's image is of {format_lsn(kept.redo_lsn)}.",
                hint="Take an older backup.",
            )

    def _look_at(self, batch: RecordBatch) -> None:
        target = self._target
        for record in batch.records():
            if target.lsn is not None and record.end > target.lsn:
                self._is_passed = True
                return
            if record.body[0] == RecordType.COMMIT:
                _, _, at = END_OF_TRANSACTION.unpack_from(record.body)
                if target.time_us is not None and at > target.time_us:
                    self._is_passed = True
                    return
                if record.end > self._kept.redo_lsn:
                    self._found.transactions += 1
                    self._found.last_commit_at = at
            self._found.end = LSN(max(self._found.end, record.end))

    def _reach(self, reader: LogReader) -> str:
        text = f"It reaches {format_lsn(self._found.available)}"
        if reader.tail.state is TailState.GAP and reader.tail.damage:
            text += f", where it is damaged: {reader.tail.damage[0].reason}"
        return text + "."


def _find_name(name: str, kept: CheckpointFacts, reader: LogReader) -> LSN:
    """Where a restore point or a named checkpoint lies, the first of that name. Raises UndefinedObject."""
    for row in kept.checkpoints:
        if row.name == name and row.redo_lsn == kept.redo_lsn:
            return kept.redo_lsn
    for record in reader.records():
        if record.body[0] != RecordType.NOTE or record.end <= kept.redo_lsn:
            continue
        kind, payload = decode_note(record.body)
        if kind == NoteKind.RESTORE_POINT and payload.decode(errors="replace") == name:
            return record.end
        if kind == NoteKind.CHECKPOINT:
            row = decode_record(CheckpointRecord, payload)
            if row.name == name and row.outcome == "complete" and row.redo_lsn is not None:
                return LSN(row.redo_lsn)
    raise errors.UndefinedObject(
        f'there is no restore point or checkpoint "{name}" in the log behind the backup'
    )


# Writing


def write_database(
    plan: RestorePlan, disk: Disk, path: str, progress: Progress | None = None
) -> None:
    """Write the database's file and its log, durably, under a name that nobody else uses."""
    file = disk.open(path, create=True)
    try:
        file.truncate(0)
        _write_units(plan, file, progress)
        _write_heads(plan, file)
        file.sync()
    finally:
        file.close()
    _write_log(plan, disk, path + LOG_SUFFIX)
    disk.sync_directory(parent_directory(path))


def _write_units(plan: RestorePlan, file: File, progress: Progress | None) -> None:
    """The oldest backup first: what a newer one has of a unit comes over it."""
    total = sum(int(backup.runs[:, 1].sum()) for backup in plan.chain) * UNIT_SIZE
    done = 0
    for backup in reversed(plan.chain):
        for index in range(len(backup.runs)):
            first, count, stored = (int(each) for each in backup.runs[index])
            data = backup.file.read_at(int(backup.run_offsets[index]), count * UNIT_SIZE)
            if len(data) != count * UNIT_SIZE or checksum(data) != stored:
                raise errors.CorruptDatabase(
                    f'units {first} to {first + count - 1} in backup "{backup.path}" do not match their checksum'
                )
            file.write_at(first * UNIT_SIZE, data)
            done += len(data)
            if progress is not None:
                progress(done, total)


def _write_heads(plan: RestorePlan, file: File) -> None:
    """Both superblocks, each with a manifest of its own that speaks of no other image: the backup has this one only."""
    unit = -(-file.size() // UNIT_SIZE)
    superblocks = []
    for generation in (plan.facts.generation - 1, plan.facts.generation):
        manifest = replace(plan.manifest, generation=generation, name="", retained=()).encode()
        address = ManifestAddress(unit, len(manifest), checksum(manifest))
        file.write_at(unit * UNIT_SIZE, manifest.ljust(address.unit_count * UNIT_SIZE, b"\0"))
        unit += address.unit_count
        superblocks.append(
            Superblock(plan.manifest.uuid, plan.facts.page_size, generation, address)
        )
    for superblock in superblocks:
        file.write_at(superblock.unit * UNIT_SIZE, superblock.encode())


def _write_log(plan: RestorePlan, disk: Disk, path: str) -> None:
    """The log's segments, the last one cut off at the target."""
    if not plan.log.sources:
        return
    disk.make_directory(path)
    folder = SegmentFolder(disk, path)
    end = plan.report.restored_lsn
    for segment in plan.log.folder().survey(plan.manifest.uuid):
        header = segment.header
        if header is None:
            continue
        data = plan.log.read(segment.number)
        data = data[: HEADER_SIZE + max(0, min(header.capacity, end - header.start))]
        file = disk.open(folder.path_of(segment.number), create=True)
        try:
            file.truncate(0)
            file.write_at(0, data)
            file.sync()
        finally:
            file.close()
    disk.sync_directory(path)
