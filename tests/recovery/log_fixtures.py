"""A log on a simulated disk, for the tests of this folder."""

from __future__ import annotations

from uuid import UUID

from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_damage import WalRecoveryMode
from lungfish.recovery.wal_reader import LogReader
from lungfish.recovery.wal_records import Record, RecordType
from lungfish.recovery.wal_segments import LogStart, SegmentFolder
from lungfish.storage.clock import ManualClock
from lungfish.storage.disk import Disk
from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId

IDENTITY = UUID(int=0xF15)
SEGMENT_SIZE = 16 * 1024
CAPACITY = SEGMENT_SIZE - 4096
FOLDER = "app.db-wal"


def folder_of(disk: Disk) -> SegmentFolder:
    return SegmentFolder(disk, FOLDER)


def new_log(
    disk: Disk,
    *,
    generation: int = 1,
    number: int = 1,
    previous_end: int = 0,
    uuid: UUID = IDENTITY,
) -> WriteAheadLog:
    start = LogStart(uuid, generation, number, SEGMENT_SIZE, LSN(previous_end))
    return WriteAheadLog(folder_of(disk), start, clock=ManualClock())


def append_insert(log: WriteAheadLog, key: int, size: int = 40) -> LSN:
    row = key.to_bytes(4, "little") * (size // 4)
    return log.append_row(TransactionId(key), RelationId(9), TupleId(key), None, row)


def reader_of(
    disk: Disk,
    *,
    start: int = 0,
    durable_lsn: int = 0,
    mode: WalRecoveryMode = WalRecoveryMode.TAIL,
) -> LogReader:
    return LogReader(
        folder_of(disk),
        uuid=IDENTITY,
        start=LSN(start),
        durable_lsn=LSN(durable_lsn),
        mode=mode,
    )


def read_all(reader: LogReader) -> list[Record]:
    """The records, without the marks of the syncs."""
    return [record for record in reader.records() if record.type is not RecordType.MARK]


def keys_of(records: list[Record]) -> list[int]:
    """The transaction ids of ROW and COMMIT records."""
    return [
        int.from_bytes(record.body[8:16], "little")
        for record in records
        if record.type in (RecordType.ROW, RecordType.COMMIT)
    ]
