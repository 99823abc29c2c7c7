"""Lock modes with PostgreSQL's conflict matrices, and the tags that say what is locked.

Both families of modes, of tables and of rows, share one numbering so that one bit mask and one queue serve all kinds of lock.
See PostgreSQL's manual, "Explicit Locking": the tables of conflicting modes there are the two constants below.
"""

from __future__ import annotations

import enum
from typing import Final, Literal, NamedTuple


class LockMode(enum.IntEnum):
    """The eight modes of table locks, then the four of row locks. Advisory locks use SHARE and EXCLUSIVE, as in PostgreSQL."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8
    FOR_KEY_SHARE = 9
    FOR_SHARE = 10
    FOR_NO_KEY_UPDATE = 11
    FOR_UPDATE = 12

    @property
    def label(self) -> str:
        """PostgreSQL's name for it, as its messages and pg_locks spell it: AccessShareLock, ForUpdateLock."""
        return self.name.title().replace("_", "") + "Lock"


def _mask(*modes: int) -> int:
    return sum(1 << mode for mode in modes)


# CONFLICTS[mode] has a bit for each mode that another owner may not hold at the same time.
CONFLICTS: Final = (
    0,
    _mask(8),
    _mask(7, 8),
    _mask(5, 6, 7, 8),
    _mask(4, 5, 6, 7, 8),
    _mask(3, 4, 6, 7, 8),
    _mask(3, 4, 5, 6, 7, 8),
    _mask(2, 3, 4, 5, 6, 7, 8),
    _mask(1, 2, 3, 4, 5, 6, 7, 8),
    _mask(12),
    _mask(11, 12),
    _mask(10, 11, 12),
    _mask(9, 10, 11, 12),
)

assert all(
    bool(CONFLICTS[one] >> other & 1) == bool(CONFLICTS[other] >> one & 1)
    for one in LockMode
    for other in LockMode
), "a conflict goes both ways"


class LockTag(NamedTuple):
    """What is locked. `first` and `second` depend on the kind: see the functions below."""

    kind: Literal["table", "row", "transaction", "snapshot", "advisory"]
    first: int
    second: int

    def __str__(self) -> str:
        if self.kind == "table":
            return f"relation {self.first}"
        if self.kind == "row":
            return f"tuple ({self.second >> 16},{self.second & 0xFFFF}) of relation {self.first}"
        if self.kind == "transaction":
            return f"transaction {self.first}"
        if self.kind == "snapshot":
            return "a safe snapshot"
        return f"advisory lock [{self.first},{self.second}]"


def table_tag(table_oid: int) -> LockTag:
    """A table (or view, or sequence), by its catalog oid: the oid outlives a change of its relation."""
    return LockTag("table", table_oid, 0)


def row_tag(relation_id: int, address: int) -> LockTag:
    """A row, by its heap and its TupleId."""
    return LockTag("row", relation_id, address)


def transaction_tag(transaction_id: int) -> LockTag:
    """The end of a transaction: whoever waits for it asks for SHARE, and the transaction holds EXCLUSIVE."""
    return LockTag("transaction", transaction_id, 0)


def snapshot_tag(owner_number: int) -> LockTag:
    """That an owner's snapshot is known to be safe: it asks for SHARE, and those on whom it hangs hold EXCLUSIVE."""
    return LockTag("snapshot", owner_number, 0)


def advisory_tag(first: int, second: int = 0) -> LockTag:
    """An application's own lock."""
    return LockTag("advisory", first, second)
