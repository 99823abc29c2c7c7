"""`lungfish.connect` and `lungfish.open`: how a program gets at a database."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lungfish.connection.connection import Connection
from lungfish.connection.handle import DatabaseHandle
from lungfish.connection.row_factories import RowFactory, tuple_row
from lungfish.database import Database, DatabaseOptions, open_database
from lungfish.errors import InterfaceError
from lungfish.recovery.restart_progress import RecoveryProgress, read_status
from lungfish.session import Session
from lungfish.storage import LocalDisk

OnRecovery = Callable[[RecoveryProgress], None]

_DURABILITY = {"full": "on", "normal": "off", "off": "off"}


def open(  # noqa: A001 - the API's name.
    path: str | os.PathLike[str] = ":memory:",
    *,
    read_only: bool = False,
    create: bool = True,
    wal_recovery_mode: str | None = None,
    on_recovery: OnRecovery | None = None,
    options: DatabaseOptions | None = None,
) -> DatabaseHandle:
    """Open a database for many sessions; in one process each file is opened once, and shared.

    ":memory:" is a new database of its own, ":memory:name" is shared by all who give that name. Raises DatabaseInUse (55006), which
    names the holder, if another process has the file open; UndefinedFile (58P01) without `create` where there is none.

    `on_recovery` is called while the database recovers, if this call is the one that opens it, with a `RecoveryProgress`: the columns of
    `lungfish.recovery_progress`. Its `cancel()`, from there or from another thread, ends the opening with QueryCanceled (57014); the
    database is unharmed, and the next opening recovers it.
    """
    used = _options(options, wal_recovery_mode, on_recovery)
    return DatabaseHandle(_find(path, create=create, read_only=read_only, options=used))


def _options(
    options: DatabaseOptions | None,
    wal_recovery_mode: str | None,
    on_recovery: OnRecovery | None,
) -> DatabaseOptions:
    used = options if options is not None else DatabaseOptions()
    if wal_recovery_mode is not None:
        used = replace(used, wal_recovery_mode=wal_recovery_mode)
    return used if on_recovery is None else replace(used, on_recovery=on_recovery)


def _find(
    path: str | os.PathLike[str], *, create: bool, read_only: bool, options: DatabaseOptions
) -> Database:
    return open_database(os.fspath(path), create=create, read_only=read_only, options=options)


def connect(
    path: str | os.PathLike[str] = ":memory:",
    *,
    autocommit: bool = False,
    isolation: str = "read committed",
    row_factory: RowFactory = tuple_row,
    timeout: float | None = 5.0,
    statement_timeout: float | None = None,
    durability: str = "full",
    create: bool = True,
    read_only: bool = False,
    settings: Mapping[str, str] | None = None,
    wal_recovery_mode: str | None = None,
    on_recovery: OnRecovery | None = None,
    options: DatabaseOptions | None = None,
) -> Connection:
    """Connect to a database, which is made if it does not exist (unless `create` is false).

    `timeout` is how long to wait for a lock, in seconds (None: for ever); `statement_timeout` how long a statement may take.
    `durability`: "full" syncs at each commit; "normal" and "off" leave the sync to the next checkpoint or full commit, so that a crash of
    the machine may lose the last commits, but never halves of them. `settings` are SET at the start. `wal_recovery_mode` says what
    opening does where the log is damaged: "tail" (the default), "strict", "point_in_time" or "salvage"; `on_recovery` is told how far a
    recovery has got: see `open`.
    """
    if durability not in _DURABILITY:
        raise InterfaceError(f'durability is "full", "normal" or "off", not "{durability}"')
    used = _options(options, wal_recovery_mode, on_recovery)
    database = _find(path, create=create, read_only=read_only, options=used)
    session = Session(database, autocommit=autocommit, read_only=read_only)
    try:
        first: dict[str, Any] = {"default_transaction_isolation": isolation}
        if timeout is not None:
            first["lock_timeout"] = f"{timeout * 1000:.0f}ms"
        if statement_timeout is not None:
            first["statement_timeout"] = f"{statement_timeout * 1000:.0f}ms"
        if durability != "full":
            first["synchronous_commit"] = _DURABILITY[durability]
        for name, value in {**first, **(settings or {})}.items():
            session.set_default(name, value)
    except BaseException:
        session.close()
        raise
    return Connection(session, row_factory=row_factory)


def recovery_status(path: str | os.PathLike[str]) -> Mapping[str, Any] | None:
    """What another process says of the recovery that it is doing of a database: the columns of `lungfish.recovery_progress`.

    None: there is none, or it has only just begun.
    """
    return read_status(LocalDisk(), os.fspath(path))
