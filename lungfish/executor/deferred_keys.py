"""Unique keys and exclusions that may be broken for a while: those of deferrable constraints.

Their indexes take a second row with a key. At the statement's end, or where the constraint is deferred at the
transaction's, each row that was written is looked at again: if it is still there, no other may have its key.
"""

from __future__ import annotations

from dataclasses import dataclass

from lungfish.catalog.objects import Constraint, Oid, Table
from lungfish.executor.context import ExecutionContext
from lungfish.executor.exclusions import check_exclusion, exclusions_of
from lungfish.executor.violations import unique_violation
from lungfish.storage.ids import TupleId


@dataclass(frozen=True, slots=True)
class WrittenKey:
    """A row that was written to a table with a deferrable key."""

    table_oid: Oid
    constraint: Constraint
    address: TupleId


def deferrable_keys(table: Table) -> tuple[Constraint, ...]:
    """The unique and exclusion constraints of a table that may be deferred."""
    return tuple(
        item for item in table.constraints if item.is_deferrable and item.index_oid is not None
    )


def check_key(written: WrittenKey, context: ExecutionContext) -> None:
    """Raise UniqueViolation or ExclusionViolation if another row has, or clashes with, the key that the row has now."""
    context.cancellation.check()
    table = context.catalog.object(written.table_oid)
    if not isinstance(table, Table):
        return
    index = next((item for item in table.indexes if item.oid == written.constraint.index_oid), None)
    if index is None:
        return
    if written.constraint.operators:
        _check_exclusion(written, table, context)
        return
    store = context.tables.table_store(table)
    stored = next(item for item in store.indexes if item.relation_id == index.relation_id)
    conflict = store.find_double(context.transaction, stored, written.address)
    if conflict is not None:
        raise unique_violation(table, conflict)


def _check_exclusion(written: WrittenKey, table: Table, context: ExecutionContext) -> None:
    for exclusion in exclusions_of(table):
        if exclusion.constraint.oid == written.constraint.oid:
            ignored = frozenset((written.address,))
            check_exclusion(table, exclusion, written.address, context, ignored=ignored)
