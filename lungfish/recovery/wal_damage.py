"""What becomes of damage in the log: the modes in which a restart may meet it, and what it says of it.

    mode            a torn tail     damage in the middle
    tail            is the end      refused: the database does not open                      (the default)
    strict          refused         refused
    point_in_time   is the end      is the end: what lies behind is kept aside and not used
    salvage         is the end      is passed over: what lies behind counts, transaction by transaction

In salvage a transaction counts if every record of it must be there: its COMMIT says where the log ended when the transaction began
to write, and no damage lies between. One that began before the damage may lack rows, so nothing of it counts. What is kept may
still break a constraint that a lost transaction had kept; `lungfish check` says so.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from lungfish import errors
from lungfish.recovery.wal_batch import RecordBatch
from lungfish.recovery.wal_records import COMMIT, END_OF_TRANSACTION, Record, RecordType
from lungfish.storage.ids import LSN


class WalRecoveryMode(enum.Enum):
    """See the module's table; the values are those of the setting `wal_recovery_mode`."""

    TAIL = "tail"
    STRICT = "strict"
    POINT_IN_TIME = "point_in_time"
    SALVAGE = "salvage"

    @property
    def accepts_damage(self) -> bool:
        """Whether the database opens although acknowledged work may be lost."""
        return self in (WalRecoveryMode.POINT_IN_TIME, WalRecoveryMode.SALVAGE)


def recovery_mode(name: str) -> WalRecoveryMode:
    """The mode of that name. Raises InvalidParameterValue."""
    try:
        return WalRecoveryMode(name.lower())
    except ValueError:
        words = ", ".join(mode.value for mode in WalRecoveryMode)
        raise errors.InvalidParameterValue(
            f'invalid value for parameter "wal_recovery_mode": "{name}"',
            hint=f"Available values: {words}.",
        ) from None


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of the log that a restart did not use."""

    lsn: LSN
    reason: str
    # What was found there.
    data: bytes = b""
    # What was never acknowledged; nothing is lost with it.
    is_torn: bool = False


def torn_transactions(batch: RecordBatch, damage_end: LSN) -> set[int]:
    """The transactions of a batch's COMMITs that had begun before damage ended, and so may lack records."""
    found = set()
    for record in batch.records():
        if record.body[0] == RecordType.COMMIT:
            _, transaction_id, _, first_lsn = COMMIT.unpack(record.body)
            if first_lsn < damage_end:
                found.add(transaction_id)
    return found


def describe_loss(beyond: list[Record]) -> str:
    """What can still be read behind a bad place, for the error that tells of it."""
    commits = [record for record in beyond if record.body[0] == RecordType.COMMIT]
    if not commits:
        return f"{len(beyond)} whole records lie behind it, no commit among them."
    ids = [END_OF_TRANSACTION.unpack_from(record.body)[1] for record in commits]
    return (
        f"{len(beyond)} whole records lie behind it, among them the commits of {len(ids)} "
        f"transactions ({min(ids)} to {max(ids)})."
    )


def damaged_log(path: str, place: str, reason: str, loss: str) -> errors.CorruptLog:
    """The error for damage that the mode does not accept."""
    return errors.CorruptLog(
        f'the write-ahead log "{path}" is damaged {place}: {reason}',
        detail=loss,
        hint="Nothing was changed. Put the missing files back, or restore from a backup; or open once with wal_recovery_mode"
        " = 'point_in_time', which ends there, or 'salvage', which passes over it.",
    )


def torn_tail(path: str, place: str, byte_count: int) -> errors.CorruptLog:
    """The error for a torn tail in strict mode."""
    return errors.CorruptLog(
        f'the write-ahead log "{path}" ends in a write that was cut off, {place}',
        detail=f"{byte_count} bytes were never acknowledged. wal_recovery_mode is 'strict'.",
        hint="Open with wal_recovery_mode = 'tail', which drops them.",
    )
