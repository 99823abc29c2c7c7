"""What a session does for SERIALIZABLE: its tables are the tracked ones as long as such a transaction is open, and DDL counts as a write.

Which tables a statement reads through is chosen when its transaction begins (`TransactionalSession.tables`): the other levels go by
`Database` and know nothing of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungfish.catalog.objects import Oid, Table
from lungfish.errors import ActiveSqlTransaction
from lungfish.executor.session_facts import SessionFacts
from lungfish.recovery.core import StorageCore
from lungfish.storage.serializable_transaction import SerializableTransaction, begin_serializable
from lungfish.storage.table import TableStore
from lungfish.storage.tracked_table import TrackedTable
from lungfish.storage.transactions import IsolationLevel, Transaction, TransactionManager

if TYPE_CHECKING:
    from lungfish.database import Database
    from lungfish.executor.ddl import CatalogChange
    from lungfish.session.transactions import TransactionalSession


@dataclass(slots=True)
class _Known:
    """A table that the transaction has used: its tracked form, and of what relations."""

    store: TableStore
    relations: tuple[int, ...]
    tracked: TrackedTable


class TrackedTables:
    """The tables of one serializable transaction: `executor.context.TableProvider`."""

    def __init__(self, database: Database, transaction: SerializableTransaction) -> None:
        self._database = database
        self._transaction = transaction
        self._known: dict[Oid, _Known] = {}

    @property
    def transactions(self) -> TransactionManager:
        """As the database's."""
        return self._database.transactions

    @property
    def core(self) -> StorageCore:
        """As the database's."""
        return self._database.core

    def session_facts(self, own_number: int) -> list[SessionFacts]:
        """As the database's."""
        return self._database.session_facts(own_number)

    def table_store(self, table: Table) -> TableStore:
        """The stored form of a table; tracked, unless the snapshot is safe or nobody else can see the table."""
        store = self._database.table_store(table)
        member = self._transaction.member
        if member is None or member.is_over or table.persistence == "temporary":
            return store
        known = self._known.get(table.oid)
        relations = (store.relation_id, *[index.relation_id for index in store.indexes])
        if known is None or known.store is not store or known.relations != relations:
            self.transactions.serializable.note_shape(table.oid, relations)
            tracked = TrackedTable(store, table.oid, member, self.transactions)
            known = self._known[table.oid] = _Known(store, relations, tracked)
        return known.tracked


def begin_transaction(
    session: TransactionalSession, level: IsolationLevel, *, is_read_only: bool
) -> Transaction:
    """Begin the session's transaction at a level, and choose its tables."""
    manager = session.database.transactions
    is_synchronous = session.settings.is_synchronous
    if level is not IsolationLevel.SERIALIZABLE:
        return manager.begin(
            level,
            is_read_only=is_read_only,
            synchronous_commit=is_synchronous,
            lock_owner=session.lock_owner,
        )
    transaction = begin_serializable(
        manager,
        is_read_only=is_read_only,
        synchronous_commit=is_synchronous,
        lock_owner=session.lock_owner,
        begun_at=session.database.clock.utc_us(),
    )
    transaction.is_deferrable = session.settings.get("default_transaction_deferrable") == "on"
    session.tables = TrackedTables(session.database, transaction)

    def leave() -> None:
        session.tables = session.database

    transaction.on_commit.append(leave)
    transaction.on_rollback.append(leave)
    return transaction


def change_level(
    session: TransactionalSession, transaction: Transaction, level: IsolationLevel
) -> Transaction:
    """The transaction at another level. Requires: it has done nothing yet. Raises ActiveSqlTransaction behind a savepoint."""
    if session.savepoint_count:
        raise ActiveSqlTransaction(
            "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction"
        )
    if IsolationLevel.SERIALIZABLE not in (level, transaction.isolation):
        transaction.isolation = level
        return transaction
    session.tables = session.database
    changed = begin_transaction(session, level, is_read_only=transaction.is_read_only)
    changed.on_expired = transaction.on_expired
    changed.is_deferrable = transaction.is_deferrable
    session.database.transactions.members.forget(transaction)
    return changed


def note_ddl(transaction: Transaction, change: CatalogChange) -> None:
    """Tables that a serializable transaction's DDL has dropped, emptied or rewritten count as written from end to end."""
    if not isinstance(transaction, SerializableTransaction):
        return
    transaction.statement_snapshot()
    member = transaction.member
    if member is None:
        return
    for table in change.base.tables():
        now = change.catalog.object(table.oid)
        if not isinstance(now, Table) or now.relation_id != table.relation_id:
            transaction.conflicts.write_whole(member, table.oid)
