"""LockRows: SELECT ... FOR UPDATE and its kin.

Rows are locked as they come by. For those that someone else changed while we waited (READ COMMITTED), the query is run once more
under a newer snapshot, and what it gives for these very rows is handed on where they were: so conditions are looked at again and values are the
newest, but the order is that of the old ones, as in PostgreSQL. That looks again at the locked row only, with other tables as they were; here they are newer too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from lungfish import errors
from lungfish.catalog.catalog import is_temporary
from lungfish.catalog.objects import Table
from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Run
from lungfish.executor.slices import in_parts
from lungfish.planner.physical import LockRows
from lungfish.storage.ids import TupleId
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table_lock import LockStatus, LockWait
from lungfish.types.batch import Batch

# The TupleIds of one row; None where an outer join has no row.
Addresses = tuple[int | None, ...]

_MODES = {
    "update": LockMode.FOR_UPDATE,
    "no key update": LockMode.FOR_NO_KEY_UPDATE,
    "share": LockMode.FOR_SHARE,
    "key share": LockMode.FOR_KEY_SHARE,
}


@dataclass(frozen=True, slots=True)
class _RowLock:
    """What to lock: the row of `table` whose TupleId is in the column, in this mode."""

    table: Table
    column: int
    mode: LockMode
    wait: LockWait


def make_lock_rows(plan: LockRows, compiler: Compiler) -> Operator:
    """The operator of a LockRows."""
    source = compiler.operator(plan.input)
    locks = tuple(
        _RowLock(table, column, _MODES[strength], LockWait(wait))
        for table, column, strength, wait in plan.locks
    )

    are_own = all(is_temporary(table) for table, *_ in plan.locks)
    lock_batch = _lock_one_by_one if compiler.is_below_limit else _lock_all
    reader = _Reader(source, locks)

    def run_lock_rows(run: Run) -> Iterator[Batch]:
        if run.context.transaction.is_read_only and not are_own:
            raise errors.ReadOnlySqlTransaction(
                "cannot execute SELECT FOR UPDATE in a read-only transaction"
            )
        for batch in in_parts(source(run), run):
            yield from lock_batch(batch, reader, run)

    return run_lock_rows


@dataclass(frozen=True, slots=True)
class _Reader:
    """The query whose rows are locked."""

    source: Operator
    locks: tuple[_RowLock, ...]

    def read_again(self, changed: set[Addresses], run: Run) -> dict[Addresses, list[Batch]]:
        """The rows that changed while we waited, as they are now, if the query still gives them. They are locked already."""
        found: dict[Addresses, list[Batch]] = {}
        with run.context.snapshot_of_now() as snapshot:
            now = Run(replace(run.context, snapshot=snapshot, kept={}), run.outer_rows)
            for batch in self.source(now):
                for number, addresses in enumerate(_addresses(batch, self.locks)):
                    if addresses in changed:
                        found.setdefault(addresses, []).append(batch.slice(number, 1))
        return found


def _lock_all(batch: Batch, reader: _Reader, run: Run) -> Iterator[Batch]:
    """Lock a batch's rows, then hand them on in their order, those that someone else changed as they are now."""
    changed: set[Addresses] = set()
    kept: list[int] = []
    every = _addresses(batch, reader.locks)
    for number, addresses in enumerate(every):
        if _is_same(reader.locks, addresses, changed, run):
            kept.append(number)
    if changed:
        newer = reader.read_again(changed, run)
        same = set(kept)
        for number, addresses in enumerate(every):
            if number in same:
                yield batch.slice(number, 1)
            else:
                # All rows of a join that have these, where the first was.
                yield from newer.pop(addresses, ())
    elif len(kept) == batch.row_count:
        yield batch
    elif kept:
        yield batch.take(pa.array(kept))


def _lock_one_by_one(batch: Batch, reader: _Reader, run: Run) -> Iterator[Batch]:
    """As `_lock_all`, but no row is locked before it is asked for: LIMIT must not lock what it leaves out."""
    changed: set[Addresses] = set()
    for number, addresses in enumerate(_addresses(batch, reader.locks)):
        if addresses in changed:
            continue
        if _is_same(reader.locks, addresses, changed, run):
            yield batch.slice(number, 1)
        elif addresses in changed:
            yield from reader.read_again({addresses}, run).get(addresses, ())


def _is_same(
    locks: tuple[_RowLock, ...], addresses: Addresses, changed: set[Addresses], run: Run
) -> bool:
    """Lock the rows behind one row; whether it is as it was read."""
    statuses = {_lock(item, address, run) for item, address in zip(locks, addresses, strict=True)}
    if statuses & {LockStatus.GONE, LockStatus.SKIPPED}:
        return False
    if LockStatus.CHANGED in statuses:
        changed.add(addresses)
        return False
    return True


def _addresses(batch: Batch, locks: tuple[_RowLock, ...]) -> list[Addresses]:
    """The TupleIds of each row."""
    columns = [batch.columns[item.column].to_pylist() for item in locks]
    return list(zip(*columns, strict=True))


def _lock(lock: _RowLock, address: int | None, run: Run) -> LockStatus:
    if address is None:
        return LockStatus.SAME
    context = run.context
    store = context.tables.table_store(lock.table)
    try:
        return store.lock(
            context.transaction, context.snapshot, TupleId(address), wait=lock.wait, mode=lock.mode
        ).status
    except errors.SerializationFailure as error:
        if error.message.endswith("concurrent delete"):
            # As PostgreSQL words it for those who only lock.
            raise errors.SerializationFailure(
                "could not serialize access due to concurrent update"
            ) from error
        raise
