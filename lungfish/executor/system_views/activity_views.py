"""Who is connected and does what, who holds and awaits which lock: pg_stat_activity, pg_locks, lungfish.snapshots.

A session is there under the number that pg_backend_pid() gives it, which is also the one in messages about deadlocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import LUNGFISH_OID, PG_CATALOG_OID, Oid, SystemView
from lungfish.executor.session_facts import SessionFacts
from lungfish.executor.system_views.definition import system_view
from lungfish.storage.ids import TupleId, page_of, slot_of
from lungfish.storage.lock_modes import LockTag
from lungfish.storage.locks import LockFact
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    NAME,
    OID,
    PG_LSN,
    SMALLINT,
    TEXT,
    TIMESTAMPTZ,
    SqlType,
)

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
Columns = tuple[tuple[str, SqlType], ...]
# The one database of the file, as pg_database would number it.
DATABASE_OID = 1
USER_OID = 10

_ACTIVITY: Columns = (
    ("datid", OID),
    ("datname", NAME),
    ("pid", INTEGER),
    ("leader_pid", INTEGER),
    ("usesysid", OID),
    ("usename", NAME),
    ("application_name", TEXT),
    ("backend_start", TIMESTAMPTZ),
    ("xact_start", TIMESTAMPTZ),
    ("query_start", TIMESTAMPTZ),
    ("wait_event_type", TEXT),
    ("wait_event", TEXT),
    ("state", TEXT),
    ("backend_xid", BIGINT),
    ("backend_xmin", BIGINT),
    ("query", TEXT),
    ("backend_type", TEXT),
)
_LOCKS: Columns = (
    ("locktype", TEXT),
    ("database", OID),
    ("relation", OID),
    ("page", INTEGER),
    ("tuple", SMALLINT),
    ("transactionid", BIGINT),
    ("classid", OID),
    ("objid", OID),
    ("pid", INTEGER),
    ("mode", TEXT),
    ("granted", BOOLEAN),
    ("fastpath", BOOLEAN),
)
_SNAPSHOTS: Columns = (
    ("connection_id", INTEGER),
    ("thread", TEXT),
    ("application_name", TEXT),
    ("state", TEXT),
    ("isolation", TEXT),
    ("xid", BIGINT),
    ("xmin", BIGINT),
    ("snapshot_lsn", PG_LSN),
    ("begun_at", TIMESTAMPTZ),
    ("age_s", DOUBLE),
    ("wal_pinned_bytes", BIGINT),
    ("last_query", TEXT),
    ("cancel_at", TIMESTAMPTZ),
)


def _sessions(context: ExecutionContext) -> Sequence[SessionFacts]:
    own_number = context.functions.session_fact("backend_pid")
    return context.tables.session_facts(own_number)


def _activity_rows(context: ExecutionContext) -> Rows:
    waits = {
        fact.owner_number: fact
        for fact in context.tables.core.transactions.locks.facts()
        if not fact.is_granted
    }
    name = context.functions.session_fact("current_database")
    for session in _sessions(context):
        transaction = session.transaction
        wait = waits.get(session.number)
        yield (
            DATABASE_OID,
            name,
            session.number,
            None,
            USER_OID,
            session.user,
            session.application_name,
            session.begun_at,
            None if transaction is None else transaction.begun_at,
            session.query_began_at,
            None if wait is None else _wait_type(wait),
            None if wait is None else _LOCK_TYPES[wait.tag.kind],
            session.state,
            None if transaction is None else transaction.xid or None,
            None if transaction is None else transaction.xmin or None,
            session.query,
            "client backend",
        )


# A wait for a snapshot that is safe is no lock: it shows in pg_stat_activity only.
_LOCK_TYPES = {
    "table": "relation",
    "row": "tuple",
    "transaction": "transactionid",
    "snapshot": "SafeSnapshot",
    "advisory": "advisory",
}


def _lock_rows(context: ExecutionContext) -> Rows:
    heaps = {table.relation_id: table.oid for table in context.catalog.tables()}
    indexes = {
        index.relation_id: index.oid
        for table in context.catalog.tables()
        for index in table.indexes
    }
    transactions = context.tables.core.transactions
    for fact in transactions.locks.facts():
        if fact.tag.kind == "snapshot":
            continue
        yield (
            _LOCK_TYPES[fact.tag.kind],
            None if fact.tag.kind == "transaction" else DATABASE_OID,
            *_locked_object(fact.tag, heaps),
            *_holder(fact),
        )
    for session in _sessions(context):
        # A transaction's own lock on its id is not in the lock table: the running set has it.
        if session.transaction is not None and session.transaction.xid:
            held = (None, None, None, session.transaction.xid, None, None)
            yield "transactionid", None, *held, session.number, "ExclusiveLock", True, False
    for number, oid, address, index in transactions.serializable.facts():
        yield _read_lock(number, oid, address, indexes.get(index) if index is not None else None)


def _wait_type(wait: LockFact) -> str:
    """The class of a wait, as PostgreSQL has it."""
    return "IPC" if wait.tag.kind == "snapshot" else "Lock"


def _read_lock(
    number: int, oid: int, address: TupleId | None, index: Oid | None
) -> tuple[Any, ...]:
    """An SIREAD lock: of a table, a row, or (page, whose number is not known) of keys and ranges of an index."""
    kind = (
        "relation" if index is None and address is None else "page" if address is None else "tuple"
    )
    place = (None, None) if address is None else (page_of(address), slot_of(address))
    relation = oid if index is None else index
    nothing = (None, None, None)
    return kind, DATABASE_OID, relation, *place, *nothing, number, "SIReadLock", True, False


def _locked_object(tag: LockTag, heaps: Mapping[int, Oid]) -> tuple[int | None, ...]:
    """relation, page, tuple, transactionid, classid, objid."""
    match tag.kind:
        case "table":
            return tag.first, None, None, None, None, None
        case "row":
            address = TupleId(tag.second)
            return (
                heaps.get(tag.first),
                page_of(address),
                slot_of(address),
                None,
                None,
                None,
            )
        case "transaction":
            return None, None, None, tag.first, None, None
        case _:
            if tag.second:
                return None, None, None, None, tag.first & 0xFFFFFFFF, tag.second & 0xFFFFFFFF
            return None, None, None, None, tag.first >> 32 & 0xFFFFFFFF, tag.first & 0xFFFFFFFF


def _holder(fact: LockFact) -> tuple[int, str, bool, bool]:
    return fact.owner_number, fact.mode.label, fact.is_granted, fact.is_fast


def _snapshot_rows(context: ExecutionContext) -> Rows:
    core = context.tables.core
    now = core.clock.utc_us()
    for session in _sessions(context):
        transaction = session.transaction
        if transaction is None:
            continue
        yield (
            session.number,
            session.thread_name,
            session.application_name,
            session.state,
            transaction.isolation.value,
            transaction.xid or None,
            transaction.xmin or None,
            # A snapshot is a set of transactions and no position, and keeps old rows in memory and none of the log.
            None,
            transaction.begun_at,
            (now - transaction.begun_at) / 1_000_000,
            0,
            session.query,
            None,
        )


ACTIVITY_VIEWS: tuple[SystemView, ...] = (
    system_view(12311, "snapshots", LUNGFISH_OID, _SNAPSHOTS, _snapshot_rows),
    system_view(12421, "pg_stat_activity", PG_CATALOG_OID, _ACTIVITY, _activity_rows),
    system_view(12422, "pg_locks", PG_CATALOG_OID, _LOCKS, _lock_rows),
)
