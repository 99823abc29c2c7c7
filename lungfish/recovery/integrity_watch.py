"""Where the integrity events come from: hooks on the page file and the log, and what restart has found."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lungfish import errors
from lungfish.recovery.integrity import (
    DamageAction,
    DamageKind,
    IntegrityEvent,
    IntegrityLog,
    decode_event,
    encode_event,
)
from lungfish.recovery.wal_records import NoteKind
from lungfish.storage.ids import PageId, RelationId

if TYPE_CHECKING:
    from lungfish.recovery.core import StorageCore

# What the events are called among what participants leave with an image.
INTEGRITY = "integrity"


def open_integrity(core: StorageCore) -> IntegrityLog:
    """The events of the lives before, with those of this opening."""
    log = IntegrityLog(core.clock)
    log.restore_facts(core.driver.facts.of(INTEGRITY))
    for kind, payload in core.driver.log_facts.notes:
        if kind == NoteKind.EVENT:
            log.restore(decode_event(payload))
    known = {(each.kind, each.object, each.detail) for each in log.events()}
    log.on_event = lambda event: _note(core, event)
    for damaged in core.store.quarantined:
        name = f"image {damaged.generation}"
        if (DamageKind.IMAGE_CRC, name, damaged.reason) not in known:
            log.add(
                DamageKind.IMAGE_CRC,
                name,
                action=DamageAction.QUARANTINED,
                source="open",
                detail=damaged.reason,
            )
    return log


def watch(core: StorageCore) -> None:
    """Have failures that are met from now on noted, and a failed sync of the page file poison the handle as one of the log does."""
    core.store.slots.on_bad_page = lambda relation_id, page_id: _bad_page(
        core, relation_id, page_id
    )
    core.store.slots.on_poison = lambda error: _page_file_poisoned(core, error)
    core.log.on_trouble = lambda error: _log_in_trouble(core, error)


def note_log_damage(core: StorageCore) -> None:
    """Note what the restart has passed over in the log."""
    assert core.report is not None
    for damage in core.report.tail.damage:
        if not damage.is_torn:
            core.integrity.add(
                DamageKind.WAL_CRC,
                core.folder.path,
                action=DamageAction.QUARANTINED,
                source="open",
                detail=f"{damage.reason}; {len(damage.data)} bytes are not used"
                f" (wal_recovery_mode {core.report.mode.value})",
                lsn=damage.lsn,
            )


def _note(core: StorageCore, event: IntegrityEvent) -> None:
    # A log that is poisoned or full takes no note: then the event lives as long as the process, or until the next checkpoint.
    with contextlib.suppress(errors.Error):
        core.log.append_note(NoteKind.EVENT, encode_event(event))


def _bad_page(core: StorageCore, relation_id: RelationId, page_id: PageId) -> None:
    core.integrity.add(
        DamageKind.PAGE_CRC,
        f"relation {relation_id}",
        action=DamageAction.REFUSED,
        source="read",
        detail="the page does not match its checksum",
        page_no=page_id,
    )


def _page_file_poisoned(core: StorageCore, error: errors.Error) -> None:
    core.integrity.add(
        DamageKind.FSYNC_FAILED,
        core.store.path,
        action=DamageAction.POISONED,
        source="checkpoint",
        detail=error.message,
    )
    core.transactions.poison(error)


def _log_in_trouble(core: StorageCore, error: errors.Error) -> None:
    is_full = isinstance(error, errors.DiskFull)
    core.integrity.add(
        DamageKind.ENOSPC if is_full else DamageKind.FSYNC_FAILED,
        core.folder.path,
        action=DamageAction.REFUSED if is_full else DamageAction.POISONED,
        source="commit",
        detail=error.message,
        lsn=core.log.durable_lsn,
    )
