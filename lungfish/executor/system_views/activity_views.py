"""Who is connected and does what, who holds and awaits which lock: pg_stat_activity, pg_locks, lungfish.snapshots.

A session is there under the number that pg_backend_pid() gives it, which is also the one in messages about deadlocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import LUNGFISH_OID, Oid, SystemView
from lungfish.executor.session_facts import SessionFacts
from lungfish.executor.system_views.definition import catalog_of, system_view
from lungfish.storage.ids import TupleId, page_of, slot_of
from lungfish.storage.lock_modes import LockTag
from lungfish.storage.locks import LockFact
from lungfish.types.sql_type import (
    BIGINT,
    DOUBLE,
    INTEGER,
    PG_LSN,
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
_WORD = 0xFFFFFFFF

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


def sessions(context: ExecutionContext) -> Sequence[SessionFacts]:
    """Every session of the database, the one that asks among them."""
    own_number = context.functions.session_fact("backend_pid")
    return context.tables.session_facts(own_number)


def _activity_rows(context: ExecutionContext) -> Rows:
    waits = {
        fact.owner_number: fact
        for fact in context.tables.core.transactions.locks.facts()
        if not fact.is_granted
    }
    name = context.functions.session_fact("current_database")
    for session in sessions(context):
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
            # Sessions are calls within a process, from no address.
            None,
            None,
            None,
            session.begun_at,
            None if transaction is None else transaction.begun_at,
            session.query_began_at,
            # When one fell idle is not kept.
            session.query_began_at if session.is_running else None,
            None if wait is None else _wait_type(wait),
            None if wait is None else _LOCK_TYPES[wait.tag.kind],
            session.state,
            None if transaction is None else transaction.xid or None,
            None if transaction is None else transaction.xmin or None,
            None,
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
# What pg_stat_activity may name as waited for: the class, the name, what that is.
WAITS = (
    ("IPC", "SafeSnapshot", "Waiting to obtain a snapshot for a READ ONLY DEFERRABLE transaction"),
    ("Lock", "advisory", "Waiting to acquire an advisory lock"),
    ("Lock", "relation", "Waiting to acquire a lock on a table"),
    ("Lock", "transactionid", "Waiting for a transaction to end"),
    ("Lock", "tuple", "Waiting to acquire a lock on a row"),
)


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
            None,
            *_holder(fact),
        )
    for session in sessions(context):
        # A transaction's own lock on its id is not in the lock table: the running set has it.
        if session.transaction is not None and session.transaction.xid:
            held = (None, None, None, None, session.transaction.xid, None, None, None, None)
            yield "transactionid", None, *held, session.number, "ExclusiveLock", True, False, None
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
    return (
        kind,
        DATABASE_OID,
        relation,
        *place,
        *([None] * 6),
        number,
        "SIReadLock",
        True,
        False,
        None,
    )


def _locked_object(tag: LockTag, heaps: Mapping[int, Oid]) -> tuple[int | None, ...]:
    """relation, page, tuple, virtualxid, transactionid, classid, objid, objsubid."""
    match tag.kind:
        case "table":
            return tag.first, *([None] * 7)
        case "row":
            address = TupleId(tag.second)
            return (
                heaps.get(tag.first),
                page_of(address),
                slot_of(address),
                *([None] * 5),
            )
        case "transaction":
            return None, None, None, None, tag.first, None, None, None
        case _:
            # A key of two integers, or one bigint in two parts; the last column tells them apart.
            keys = (tag.first >> 32 & _WORD, tag.first & _WORD, 1)
            if tag.second:
                keys = (tag.first & _WORD, tag.second & _WORD, 2)
            return *([None] * 5), *keys


def _holder(fact: LockFact) -> tuple[int, str, bool, bool, None]:
    return fact.owner_number, fact.mode.label, fact.is_granted, fact.is_fast, None


def _snapshot_rows(context: ExecutionContext) -> Rows:
    core = context.tables.core
    now = core.clock.utc_us()
    for session in sessions(context):
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
    catalog_of(
        12421,
        "pg_stat_activity",
        "datid oid, datname name, pid int4, leader_pid int4, usesysid oid, usename name, application_name text,"
        " client_addr inet, client_hostname text, client_port int4, backend_start timestamptz, xact_start timestamptz,"
        " query_start timestamptz, state_change timestamptz, wait_event_type text, wait_event text, state text,"
        " backend_xid xid, backend_xmin xid, query_id int8, query text, backend_type text",
        _activity_rows,
    ),
    # There are no virtual transactions, and since when a session waits is not kept.
    catalog_of(
        12422,
        "pg_locks",
        "locktype text, database oid, relation oid, page int4, tuple int2, virtualxid text, transactionid xid,"
        " classid oid, objid oid, objsubid int2, virtualtransaction text, pid int4, mode text, granted bool,"
        " fastpath bool, waitstart timestamptz",
        _lock_rows,
    ),
)
