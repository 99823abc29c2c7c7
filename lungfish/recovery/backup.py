"""Taking a backup while the database is in use: an image, which nobody changes any more, and the log from it to now.

    checkpoint      so that the image is new and the log behind it short; where writers do not let it in, the image there is will do
    pin             the log (retention holder `backup`) and the image
    copy            the image's units; then the log, flushed, up to its end at that moment
    seal            contents and trailer, sync, the name

What was committed before the copying of the log began is in the backup; nothing else that a crash would not have left either.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
import numpy.typing as npt

from lungfish import errors
from lungfish.recovery.backup_file import (
    HEADER_SIZE,
    BackupFacts,
    BackupImageFile,
    Runs,
    SegmentPart,
    encode_end,
    encode_header,
    open_chain,
)
from lungfish.recovery.checkpoint_facts import decode_facts
from lungfish.recovery.checkpoint_request import CheckpointRequest, CheckpointTrigger
from lungfish.recovery.core import StorageCore
from lungfish.recovery.io_budget import IoClass
from lungfish.recovery.retention import HolderKind
from lungfish.recovery.wal_segments import HEADER_SIZE as SEGMENT_HEADER_SIZE
from lungfish.storage.checksum import checksum
from lungfish.storage.disk import Disk, File, parent_directory
from lungfish.storage.ids import LSN
from lungfish.storage.image import Image
from lungfish.storage.image_reader import read_image
from lungfish.storage.page_table import UNIT_MASK, UNIT_SIZE

PARTIAL_SUFFIX = ".partial"
# So much is read, summed and written at once.
RUN_UNITS_MAX = 256
Progress = Callable[[int, int], None]
_Units = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What is asked for."""

    path: str
    # The backup that this one adds to; empty: a full one.
    base_path: str = ""
    is_overwriting: bool = False
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was written. Moments in microseconds since 1970, UTC."""

    path: str
    backup_id: str
    kind: str
    base_path: str | None
    checkpoint_id: int
    redo_lsn: LSN
    end_lsn: LSN
    unit_count: int
    # What the image has in all; an incremental backup leaves out what its base has.
    image_unit_count: int
    log_bytes: int
    bytes: int
    started_at: int
    finished_at: int


def take_backup(
    core: StorageCore,
    disk: Disk,
    request: BackupRequest,
    *,
    backup_id: UUID,
    progress: Progress | None = None,
) -> BackupReport:
    """Back the database up into a file of `disk`.

    Raises DuplicateFile if there is one of that name; for an incremental one what opening its base raises, and
    ObjectNotInPrerequisiteState if the base is of another database; IoError, DiskFull. Then there is no file of that name.
    """
    if disk.exists(request.path) and not request.is_overwriting:
        raise errors.DuplicateFile(
            f'file "{request.path}" is there already',
            hint="Give another name, or say OVERWRITE.",
        )
    with contextlib.ExitStack() as stack:
        base = _open_base(core, disk, request, stack)
        _refresh_image(core, request)
        holder = str(backup_id)
        core.retention.pin_lowest(HolderKind.BACKUP, holder, owner=request.requested_by)
        stack.callback(core.retention.release, HolderKind.BACKUP, holder)
        image = stack.enter_context(_pinned_image(core))
        facts = _facts_of(core, image, request, str(backup_id))
        if base is not None:
            facts = replace(facts, base_id=base[0].backup_id, base_path=request.base_path)
        core.retention.pin(
            HolderKind.BACKUP, holder, owner=request.requested_by, lsn=LSN(facts.lowest_mark)
        )
        writer = _Writer(core, disk, request.path + PARTIAL_SUFFIX, progress)
        stack.callback(writer.discard)
        units = _missing_units(image, None if base is None else base[1])
        report = writer.write(facts, units, _missing_units(image, None))
        writer.publish(request.path)
    return report


def _open_base(
    core: StorageCore, disk: Disk, request: BackupRequest, stack: contextlib.ExitStack
) -> tuple[BackupFacts, Image] | None:
    if not request.base_path:
        return None
    chain = open_chain(disk, request.base_path)
    file = BackupImageFile(chain)
    stack.callback(file.close)
    facts = chain[0].facts
    if facts.database_id != str(core.store.uuid):
        raise errors.ObjectNotInPrerequisiteState(
            f'backup "{request.base_path}" is of another database',
            detail=f"It is of database {facts.database_id}, this is {core.store.uuid}.",
        )
    return facts, read_image(file, facts.manifest)[1]


def _refresh_image(core: StorageCore, request: BackupRequest) -> None:
    """Take a checkpoint if anything has changed."""
    if not core.checkpoints.has_changes():
        return
    # Writers that hold it up are no reason to have no backup: then there is more log to copy.
    with contextlib.suppress(errors.LockNotAvailable):
        core.checkpoints.run(
            CheckpointRequest(
                trigger=CheckpointTrigger.FORCED,
                requested_by=request.requested_by,
                reason="backup",
            )
        )


@contextlib.contextmanager
def _pinned_image(core: StorageCore) -> Iterator[Image]:
    with core.store.pin_image(core.store.generation) as image:
        yield image


def _facts_of(
    core: StorageCore, image: Image, request: BackupRequest, backup_id: str
) -> BackupFacts:
    kept = decode_facts(image.payload)
    marks = [relation.mark_lsn for relation in image.relations.values()]
    return BackupFacts(
        backup_id=backup_id,
        database_id=str(core.store.uuid),
        base_id="",
        base_path="",
        page_size=core.store.page_size_bytes,
        generation=image.generation,
        manifest_unit=image.manifest.first_unit,
        manifest_length=image.manifest.length,
        manifest_checksum=image.manifest.checksum,
        checkpoint_id=kept.checkpoint_id,
        redo_lsn=kept.redo_lsn,
        lowest_mark=min([*marks, kept.redo_lsn]),
        end_lsn=kept.redo_lsn,
        started_at=core.clock.utc_us(),
        finished_at=0,
    )


def _missing_units(image: Image, base: Image | None) -> tuple[_Units, _Units]:
    """The units of an image that its base does not have with the same content: first units and counts."""
    firsts = [np.array([image.manifest.first_unit], np.int64)]
    counts = [np.array([image.manifest.unit_count], np.int64)]
    for relation_id, relation in image.relations.items():
        other = None if base is None else base.relations.get(relation_id)
        theirs = [] if other is None else other.table.chunks
        known = {chunk.address for chunk in theirs}
        for index, chunk in enumerate(relation.table.chunks):
            if chunk.address is not None and chunk.address not in known:
                firsts.append(np.array([chunk.address.unit], np.int64))
                counts.append(np.ones(1, np.int64))
            locations = np.frombuffer(chunk.locations, np.int64)
            is_ours = locations != 0
            if index < len(theirs):
                is_same = locations == np.frombuffer(theirs[index].locations, np.int64)
                is_same &= np.frombuffer(chunk.checksums, np.int64) == np.frombuffer(
                    theirs[index].checksums, np.int64
                )
                is_ours &= ~is_same
            ours = locations[is_ours]
            firsts.append(ours & UNIT_MASK)
            counts.append((ours >> 32 & 0xFF) + (ours >> 40))
    return np.concatenate(firsts), np.concatenate(counts)


def _runs_of(firsts: _Units, counts: _Units) -> list[tuple[int, int]]:
    """Runs of units, lowest first, none of them long."""
    runs: list[tuple[int, int]] = []
    order = np.argsort(firsts, kind="stable")
    for first, count in zip(firsts[order].tolist(), counts[order].tolist(), strict=True):
        if runs and sum(runs[-1]) == first and runs[-1][1] + count <= RUN_UNITS_MAX:
            runs[-1] = (runs[-1][0], runs[-1][1] + count)
        else:
            runs.append((first, count))
    return runs


class _Writer:
    """Writes the file under another name, until it is whole."""

    def __init__(self, core: StorageCore, disk: Disk, path: str, progress: Progress | None) -> None:
        self._core = core
        self._disk = disk
        self._path = path
        self._progress = progress
        self._at = HEADER_SIZE
        self._file: File | None = disk.open(path, create=True)

    def write(
        self, facts: BackupFacts, units: tuple[_Units, _Units], all_units: tuple[_Units, _Units]
    ) -> BackupReport:
        """Write everything but the name."""
        runs = _runs_of(*units)
        file = self._open_file()
        file.truncate(0)
        summed = self._copy_units(runs)
        unit_count = sum(count for _, count in runs)
        facts = self._copy_log(facts)
        facts = replace(facts, finished_at=self._core.clock.utc_us())
        file.write_at(0, encode_header(facts))
        end = encode_end(facts, summed, self._at)
        file.write_at(self._at, end)
        file.sync()
        return BackupReport(
            path=self._path.removesuffix(PARTIAL_SUFFIX),
            backup_id=facts.backup_id,
            kind="incremental" if facts.is_incremental else "full",
            base_path=facts.base_path or None,
            checkpoint_id=facts.checkpoint_id,
            redo_lsn=LSN(facts.redo_lsn),
            end_lsn=LSN(facts.end_lsn),
            unit_count=unit_count,
            image_unit_count=int(all_units[1].sum()),
            log_bytes=facts.end_lsn - facts.lowest_mark,
            bytes=self._at + len(end),
            started_at=facts.started_at,
            finished_at=facts.finished_at,
        )

    def publish(self, path: str) -> None:
        """Give the file its name, durably."""
        self._open_file().close()
        self._file = None
        self._disk.rename(self._path, path)
        self._disk.sync_directory(parent_directory(path))

    def discard(self) -> None:
        """Leave nothing behind of what did not become a backup."""
        if self._file is not None:
            self._file.close()
            self._file = None
            with contextlib.suppress(errors.Error):
                self._disk.remove(self._path)

    def _copy_units(self, runs: list[tuple[int, int]]) -> Runs:
        source, file = self._core.store.slots.file, self._open_file()
        summed = np.zeros((len(runs), 3), np.uint64)
        total = sum(count for _, count in runs) * UNIT_SIZE
        for index, (first, count) in enumerate(runs):
            self._core.io_budget.wait(IoClass.BACKUP, count * UNIT_SIZE, self._core.check_open)
            data = source.read_at(first * UNIT_SIZE, count * UNIT_SIZE)
            # The last unit of the file may be cut off behind its content.
            data = data.ljust(count * UNIT_SIZE, b"\0")
            file.write_at(self._at, data)
            self._at += len(data)
            summed[index] = first, count, checksum(data)
            if self._progress is not None:
                self._progress(self._at - HEADER_SIZE, total)
        return summed

    def _copy_log(self, facts: BackupFacts) -> BackupFacts:
        core, file = self._core, self._open_file()
        end = core.log.end_lsn()
        core.log.flush_to(end)
        if core.log.writer.segment_number is None:
            # Nothing was logged in this life: the log is that of those before.
            end = max(core.log.start.previous_end, LSN(facts.redo_lsn))
        capacity = core.log.start.capacity
        # One that begins at the end may be in the making.
        numbers = [each for each in core.folder.numbers() if each * capacity < end]
        # At least one, as the image may say that there is a log.
        first = min(facts.lowest_mark // capacity, max(numbers, default=0))
        parts = []
        for number in numbers:
            if number < first:
                continue
            source = core.folder.open(number)
            try:
                length = SEGMENT_HEADER_SIZE + min(capacity, end - number * capacity)
                data = source.read_at(0, length)
            finally:
                source.close()
            file.write_at(self._at, data)
            self._at += len(data)
            parts.append(SegmentPart(number, len(data), checksum(data)))
        return replace(facts, end_lsn=int(end), segments=parts)

    def _open_file(self) -> File:
        assert self._file is not None, "the file is open until it is published or discarded"
        return self._file
