"""Looking into the log: the rows of `lungfish.wal_records(from_lsn, to_lsn)`, and what a person may write into it.

What is read is the log beside the database and, if there is an archive, what it has before that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from lungfish import errors
from lungfish.recovery.core import StorageCore
from lungfish.recovery.log_sources import MergedLog
from lungfish.recovery.retention import HolderKind
from lungfish.recovery.view_rows import Row
from lungfish.recovery.wal_damage import WalRecoveryMode
from lungfish.recovery.wal_reader import LogReader
from lungfish.recovery.wal_records import (
    COMMIT,
    END_OF_TRANSACTION,
    MARK,
    ROW_PREFIX,
    SEQUENCE,
    NoteKind,
    Record,
    RecordType,
    decode_note,
    decode_row,
    decode_rows,
    format_lsn,
    parse_lsn,
)
from lungfish.storage.ids import LSN

RESTORE_POINT_NAME_MAX = 63
_numbers = itertools.count(1)
_TRANSACTIONS = (RecordType.ROW, RecordType.ROWS)
_ENDS = (RecordType.COMMIT, RecordType.ABORT)


def wal_record_rows(core: StorageCore, from_text: str | None, to_text: str | None) -> Iterator[Row]:
    """The records from one position up to another, oldest first; None is the beginning, or the end, of what there is."""
    first = LSN(0) if from_text is None else parse_lsn(from_text)
    last = core.log.end_lsn() if to_text is None else parse_lsn(to_text)
    core.log.relieve()
    holder = f"wal_records {next(_numbers)}"
    core.retention.pin_lowest(HolderKind.USER_PIN, holder, owner="lungfish.wal_records")
    try:
        for record in _reader(core, first).records():
            if record.lsn >= last:
                return
            if record.lsn >= first:
                yield _row_of(record)
    finally:
        core.retention.release(HolderKind.USER_PIN, holder)


def create_restore_point(core: StorageCore, name: str) -> str:
    """Name this moment, durably, as a place to restore to; answers where in the log it is."""
    if len(name.encode()) > RESTORE_POINT_NAME_MAX:
        raise errors.InvalidParameterValue(
            f"value too long for restore point (maximum {RESTORE_POINT_NAME_MAX} characters)"
        )
    with core.fence:
        end = core.log.append_note(NoteKind.RESTORE_POINT, name.encode())
    core.log.flush_to(end)
    return format_lsn(end)


def _reader(core: StorageCore, first: LSN) -> LogReader:
    log = MergedLog(core.disk, core.store.uuid)
    log.add_folder(core.folder.path, "log")
    if core.archive.is_on:
        log.add_folder(core.archive.own_path, "archive")
    capacity = core.log.start.capacity
    # The record that lies there may begin in the segment before.
    log.drop_before(first // capacity - 1)
    lives = LogReader(log.folder(), uuid=core.store.uuid, start=LSN(0), durable_lsn=LSN(0)).lives
    start = lives[0].start if lives else LSN(0)
    # Salvage finds the first whole record behind segments that are gone.
    return LogReader(
        log.folder(),
        uuid=core.store.uuid,
        start=start,
        durable_lsn=start,
        mode=WalRecoveryMode.SALVAGE,
    )


def _row_of(record: Record) -> Row:
    body, kind = record.body, record.type
    transaction_id = relation_id = at = None
    if kind in _TRANSACTIONS:
        _, relation_id, transaction_id = ROW_PREFIX.unpack_from(body)
    elif kind in _ENDS:
        _, transaction_id, at = END_OF_TRANSACTION.unpack_from(body)
    return (
        format_lsn(record.lsn),
        format_lsn(record.end),
        transaction_id,
        kind.name.lower(),
        relation_id,
        record.end - record.lsn,
        at,
        _describe(record, kind),
    )


def _describe(record: Record, kind: RecordType) -> str:
    body = record.body
    match kind:
        case RecordType.ROW:
            change = decode_row(body)
            address = f"({change.address >> 16},{change.address & 0xFFFF})"
            if change.before is None:
                return f"insert at {address}, {len(change.after or b'')} bytes"
            if change.after is None:
                return f"delete at {address}, {len(change.before)} bytes"
            return f"update at {address}, {len(change.before)} to {len(change.after)} bytes"
        case RecordType.ROWS:
            addresses, rows = decode_rows(body)
            return f"insert of {len(addresses)} rows, {sum(map(len, rows))} bytes"
        case RecordType.COMMIT:
            return f"records from {format_lsn(COMMIT.unpack_from(body)[3])} on"
        case RecordType.SEQUENCE:
            _, is_called, oid, value = SEQUENCE.unpack_from(body)
            return f"sequence {oid} at {value}, {'called' if is_called else 'not called'}"
        case RecordType.MARK:
            return f"synced up to {format_lsn(MARK.unpack_from(body)[1])}"
        case RecordType.NOTE:
            number, payload = decode_note(body)
            known = {each.value: each.name.lower().replace("_", " ") for each in NoteKind}
            text = payload.decode(errors="replace")
            return f"{known.get(number, f'note {number}')}: {text[:200]}"
        case _:
            return ""
