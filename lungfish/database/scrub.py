"""SCRUB: reading everything that should be there, before it is needed: kept images, the log, tables against their indexes.

    images    every page of every kept image, as the file has it; what images share is read once
    log       every record of the segments that somebody needs, and the headers of all
    tables    the pages of the newest image; every row, long value and node in memory's newest form; each index against its table

Damage is answered in rows, not raised, so that one scrub shows all of it; each finding is also an event of `lungfish.integrity_events`,
and images remember what was found. Readers and writers go on, but for writers of the one table whose indexes are looked at (a SHARE lock).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lungfish.catalog.objects import Index, Table
from lungfish.database.table_stores import overflow_of
from lungfish.errors import CorruptDatabase, IoError
from lungfish.recovery.integrity import DamageAction, DamageKind
from lungfish.recovery.wal_damage import WalRecoveryMode
from lungfish.recovery.wal_reader import LogReader, Tail
from lungfish.recovery.wal_records import format_lsn
from lungfish.storage.btree_check import check_btree
from lungfish.storage.check import PageCheck, VerifiedPages, check_image
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.image import Image
from lungfish.storage.lock_modes import LockMode, table_tag
from lungfish.storage.lock_queue import LockOwner
from lungfish.storage.table_build import check_heap, check_index

if TYPE_CHECKING:
    from lungfish.database.database import Database

OK = "ok"
DAMAGED = "damaged"
QUARANTINED = "quarantined"
# A purge may run while an index is looked at, whoever's it is: what is found must be found again.
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class ScrubFinding:
    """One thing that was looked at: a row of SCRUB's answer."""

    object: str
    state: str
    details: str


class Scrub:
    """One scrub of an open database."""

    def __init__(
        self, database: Database, *, lock_timeout_s: float | None, look: Callable[[], None]
    ) -> None:
        """`look` is called now and then, and may raise to give up."""
        self._look = look
        self._database = database
        self._core = database.core
        self._lock_timeout_s = lock_timeout_s
        self._verified: VerifiedPages = {}

    # Images

    def images(self) -> list[ScrubFinding]:
        """Every kept image, oldest first, and those that were found damaged before."""
        images = self._core.images
        found = []
        for image in images.images():
            self._look()
            with images.reading(image, "SCRUB"):
                found.append(self._image(image))
        for damaged in images.quarantined():
            what = f"image {damaged.generation}"
            if damaged.name:
                what = f'image "{damaged.name}"'
            found.append(ScrubFinding(what, QUARANTINED, damaged.reason))
        return found

    def _image(self, image: Image) -> ScrubFinding:
        check = check_image(self._core.store, image, verified=self._verified, look=self._look)
        self._core.images.judge(image, len(check.findings))
        checkpoint_id = self._core.images.facts_of(image).checkpoint_id
        what = f"image of checkpoint {checkpoint_id}"
        if image.name:
            what += f' "{image.name}"'
        return self._pages(what, check, DamageKind.IMAGE_CRC)

    def _pages(self, what: str, check: PageCheck, kind: DamageKind) -> ScrubFinding:
        for finding in check.findings:
            self._core.integrity.add(
                kind,
                what,
                action=DamageAction.REFUSED,
                source="scrub",
                detail=finding.message,
                page_no=finding.page_id,
            )
        if check.findings:
            first = check.findings[0].message
            details = (
                f"{len(check.findings)} of {check.pages_checked} pages are damaged, first: {first}"
            )
            return ScrubFinding(what, DAMAGED, details)
        return ScrubFinding(what, OK, f"{check.pages_checked} pages")

    # The log

    def log(self) -> list[ScrubFinding]:
        """The segments, lowest number first."""
        core = self._core
        # What is appended from now on is not looked at: the end is being written.
        end = core.log.durable_lsn
        start = min((each.pinned_lsn for each in core.retention.holders()), default=end)
        reader = LogReader(
            core.folder,
            uuid=core.store.uuid,
            start=start,
            durable_lsn=LSN(min(start, end)),
            mode=WalRecoveryMode.POINT_IN_TIME,
        )
        if reader.generation < core.log.start.generation:
            # Nothing has been logged since the restart: the log ends where that found it to end.
            end = core.log.start.previous_end
        try:
            counts = self._records_by_segment(reader, end)
        except (CorruptDatabase, IoError) as error:
            return [self._log_damage("write-ahead log", error.message, start)]
        tail = reader.tail
        found = []
        for segment in reader.segments:
            what = f"segment {segment.number}"
            header = segment.header
            if segment.is_damaged:
                found.append(self._log_damage(what, "its header is damaged", start))
            elif header is not None and tail.end < end and header.start <= tail.end < header.end:
                found.append(self._log_damage(what, _describe(tail), tail.end))
            else:
                details = f"{counts.get(segment.number, 0)} records"
                if header is not None and header.end <= start:
                    details = "needed by nobody"
                found.append(ScrubFinding(what, OK, details))
        return found

    def _records_by_segment(self, reader: LogReader, end: LSN) -> dict[int, int]:
        """Read the log up to `end`; answers how many records begin in each segment."""
        counts: dict[int, int] = {}
        capacity = next((each.header.capacity for each in reader.segments if each.header), 0)
        for batch in reader.batches():
            self._look()
            for start in batch.starts.tolist():
                lsn = batch.base + start
                if lsn < end:
                    number = lsn // capacity
                    counts[number] = counts.get(number, 0) + 1
        return counts

    def _log_damage(self, what: str, details: str, lsn: LSN) -> ScrubFinding:
        self._core.integrity.add(
            DamageKind.WAL_CRC,
            what,
            action=DamageAction.REFUSED,
            source="scrub",
            detail=f"{format_lsn(lsn)}: {details}",
        )
        return ScrubFinding(what, DAMAGED, details)

    # Tables and indexes

    def tables(self) -> list[ScrubFinding]:
        """Every table with its indexes."""
        return [
            finding for table in self._database.catalog.tables() for finding in self._table(table)
        ]

    def relation(self, relation: Table | Index) -> list[ScrubFinding]:
        """A table with its indexes, or one index."""
        if isinstance(relation, Table):
            return list(self._table(relation))
        table = self._database.catalog.object(relation.table_oid)
        assert isinstance(table, Table)
        return list(self._table(table, only=relation))

    def _table(self, table: Table, only: Index | None = None) -> Iterator[ScrubFinding]:
        database = self._database
        locks = database.transactions.locks
        owner: LockOwner = locks.new_owner(timeout_s=self._lock_timeout_s)
        try:
            locks.acquire(owner, table_tag(table.oid), LockMode.SHARE)
            store = database.stores.get(table)
            if only is None:
                heap = RelationId(table.relation_id)
                yield self._relation(
                    f"table {table.name}",
                    [heap, overflow_of(heap)],
                    partial(check_heap, store.rows, self._look),
                )
            for index, stored in zip(table.indexes, store.indexes, strict=True):
                if only is None or index.oid == only.oid:
                    yield self._relation(
                        f"index {index.name}",
                        [RelationId(index.relation_id)],
                        partial(check_btree, stored.btree, self._look),
                        partial(check_index, store.rows, stored, self._look),
                    )
        finally:
            locks.release_all(owner)

    def _relation(
        self, what: str, relation_ids: list[RelationId], *checks: Callable[[], object]
    ) -> ScrubFinding:
        self._look()
        core = self._core
        image = core.store.image
        with core.images.reading(image, "SCRUB"):
            pages = check_image(
                core.store,
                image,
                verified=self._verified,
                look=self._look,
                relations=relation_ids,
            )
        finding = self._pages(what, pages, DamageKind.PAGE_CRC)
        if finding.state == DAMAGED:
            return finding
        for check in checks:
            error = self._error_of(check)
            if error is not None:
                core.integrity.add(
                    DamageKind.LOST_WRITE,
                    what,
                    action=DamageAction.REFUSED,
                    source="scrub",
                    detail=error.message,
                )
                return ScrubFinding(what, DAMAGED, error.message)
        return finding

    def _error_of(self, check: Callable[[], object]) -> CorruptDatabase | None:
        """What the check finds each time that it is made."""
        found: CorruptDatabase | None = None
        for _ in range(_ATTEMPTS):
            self._database.transactions.purge()
            try:
                check()
            except CorruptDatabase as error:
                found = error
            else:
                return None
        return found


def _describe(tail: Tail) -> str:
    reasons = "; ".join(each.reason for each in tail.damage)
    return f"no record follows {format_lsn(tail.end)}" + (f": {reasons}" if reasons else "")
