"""Old versions of rows: what readers with older snapshots see, what rollback writes back, what purge drops.

    page:    row @ (3, 17)   written by 42          <- newest, in place
    chain:   [ written by 8, written by 30 ]        <- oldest first; 42 replaced the version of 30
                                                       undo list of 42: (store, (3, 17), that version)

A writer puts the stored row it replaces on the row's chain and on its undo list: the same bytes object, by which the chain knows it
again. A version leaves its chain in one of two ways: its replacer rolls back and writes it back to the page, or its replacer has
committed, no snapshot can see the version any more, and purge drops it.

Invariants:
1. A chain's versions are live rows, never marked deleted; each was replaced by the one after it, the last by the row on the page.
2. Exactly the versions in undo lists are on chains: of running transactions, and of committed ones whose purge is owed.
3. A row whose address has no chain has no other version than the one on its page.

After Neumann, Mühlbauer, Kemper, "Fast Serializable Multi-Version Concurrency Control for Main-Memory Database Systems" (SIGMOD 2015):
newest version in place, undo buffers as the version chain. Unlike there, a version is the whole row, since the log needs that anyway.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lungfish.errors import CorruptPage
from lungfish.storage.ids import TransactionId, TupleId
from lungfish.storage.rows import writer_of
from lungfish.storage.snapshots import Snapshot

_RETAINED = struct.Struct("<QQI")
# The size that stands for "no row before": the change was an insert.
_NO_ROW = 0xFFFFFFFF


class VersionChains:
    """The version chains of one heap, guarded by its latch."""

    def __init__(self) -> None:
        self._chains: dict[TupleId, list[bytes]] = {}

    def __len__(self) -> int:
        """How many rows have old versions."""
        return len(self._chains)

    def __contains__(self, address: TupleId) -> bool:
        return address in self._chains

    def of(self, address: TupleId) -> Sequence[bytes]:
        """A row's old versions, oldest first."""
        return self._chains.get(address, ())

    def addresses(self) -> list[TupleId]:
        """The rows that have old versions."""
        return list(self._chains)

    def push(self, address: TupleId, version: bytes) -> None:
        """Keep the version that is about to be replaced on the page."""
        chain = self._chains.get(address)
        if chain is None:
            self._chains[address] = [version]
        else:
            chain.append(version)

    def drop(self, address: TupleId, version: bytes) -> bool:
        """Forget a version, known by identity. False if it is not there: that was done before."""
        chain = self._chains.get(address)
        if chain is None:
            return False
        for index in range(len(chain) - 1, -1, -1):
            if chain[index] is version:
                if len(chain) == 1:
                    del self._chains[address]
                else:
                    del chain[index]
                return True
        return False

    def visible(self, address: TupleId, snapshot: Snapshot) -> bytes | None:
        """The newest old version that the snapshot sees. Requires: it does not see the one on the page."""
        for version in reversed(self._chains.get(address, ())):
            if snapshot.is_visible(writer_of(version)):
                return version
        return None


class RetainedRow(NamedTuple):
    """A version that a relation's image carries: of a transaction that was running then, or whose purge was owed."""

    transaction_id: TransactionId
    address: TupleId
    # The stored row that the transaction replaced or deleted; None: it inserted the row.
    before: bytes | None


def encode_retained(rows: Iterable[RetainedRow]) -> bytes:
    """Retained rows as bytes, for the relation's payload in the manifest."""
    parts: list[bytes] = []
    for row in rows:
        put_retained(parts, *row)
    return b"".join(parts)


def put_retained(
    parts: list[bytes], transaction_id: TransactionId, address: TupleId, before: bytes | None
) -> None:
    """Add what `encode_retained` makes of one row. A checkpoint may carry tens of thousands: no object for each."""
    if before is None:
        parts.append(_RETAINED.pack(transaction_id, address, _NO_ROW))
    else:
        parts += (_RETAINED.pack(transaction_id, address, len(before)), before)


def decode_retained(payload: bytes) -> Iterator[RetainedRow]:
    """The inverse of `encode_retained`. Raises CorruptPage if the bytes end too early."""
    offset, end = 0, len(payload)
    while offset < end:
        if offset + _RETAINED.size > end:
            raise CorruptPage("a relation's retained rows are cut off")
        transaction_id, address, size = _RETAINED.unpack_from(payload, offset)
        offset += _RETAINED.size
        before = None
        if size != _NO_ROW:
            if offset + size > end:
                raise CorruptPage("a relation's retained rows are cut off")
            before = payload[offset : offset + size]
            offset += size
        yield RetainedRow(TransactionId(transaction_id), TupleId(address), before)
