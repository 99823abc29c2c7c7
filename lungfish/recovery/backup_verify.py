"""Verifying a backup without restoring it: every checksum, every page against its page table, the log from end to end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from lungfish import errors
from lungfish.recovery.backup_file import BackupImageFile, open_chain
from lungfish.recovery.checkpoint_facts import decode_facts
from lungfish.recovery.log_sources import MergedLog
from lungfish.recovery.restore import log_reader
from lungfish.recovery.wal_reader import TailState
from lungfish.recovery.wal_records import format_lsn
from lungfish.storage.checksum import checksum
from lungfish.storage.disk import Disk
from lungfish.storage.ids import LSN
from lungfish.storage.image import Image
from lungfish.storage.image_reader import read_image
from lungfish.storage.page_table import UNIT_SIZE, unpack_location


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a backup was found to hold."""

    path: str
    backups: int
    database_id: str
    checkpoint_id: int
    redo_lsn: LSN
    end_lsn: LSN
    pages: int
    bytes: int
    problems: tuple[str, ...]

    def require_sound(self) -> None:
        """Raise CorruptDatabase if anything was found wrong."""
        if self.problems:
            raise errors.CorruptDatabase(
                f'backup "{self.path}" is damaged: {self.problems[0]}',
                detail="; ".join(self.problems),
            )


def verify_backup(disk: Disk, path: str) -> VerifyReport:
    """Verify a backup and its bases.

    Raises what opening it raises; what is damaged within is among the problems.
    """
    chain = open_chain(disk, path)
    file = BackupImageFile(chain)
    try:
        facts = chain[0].facts
        problems: list[str] = []
        byte_count = 0
        for backup in chain:
            try:
                byte_count += backup.check()
            except errors.CorruptDatabase as error:
                problems.append(error.message)
        pages = 0
        with _collecting(problems):
            _, image = read_image(file, facts.manifest)
            pages = _check_pages(file, image, problems)
            kept = decode_facts(image.payload)
            log = MergedLog(disk, UUID(facts.database_id))
            log.add_backup(chain[0])
            reader = log_reader(log, facts, kept)
            end = max((batch.end for batch in reader.batches()), default=LSN(facts.redo_lsn))
            if reader.tail.state is TailState.GAP or end < facts.end_lsn:
                problems.append(
                    f"the log ends at {format_lsn(end)}, not at {format_lsn(facts.end_lsn)}"
                )
    finally:
        file.close()
    return VerifyReport(
        path=path,
        backups=len(chain),
        database_id=facts.database_id,
        checkpoint_id=facts.checkpoint_id,
        redo_lsn=LSN(facts.redo_lsn),
        end_lsn=LSN(facts.end_lsn),
        pages=pages,
        bytes=byte_count,
        problems=tuple(problems),
    )


@contextlib.contextmanager
def _collecting(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except errors.CorruptDatabase as error:
        problems.append(error.message)


def _check_pages(file: BackupImageFile, image: Image, problems: list[str]) -> int:
    """Read every page of an image; answers how many there are."""
    count = 0
    for relation_id, relation in image.relations.items():
        for chunk_index, chunk in enumerate(relation.table.chunks):
            for index, location in enumerate(chunk.locations):
                if not location:
                    continue
                count += 1
                place = unpack_location(location)
                data = file.read_at(place.first_unit * UNIT_SIZE, place.unit_count * UNIT_SIZE)
                if checksum(data) != chunk.checksums[index]:
                    page = chunk_index * len(chunk.locations) + index
                    problems.append(
                        f"page {page} of relation {relation_id} does not match its checksum"
                    )
    return count
