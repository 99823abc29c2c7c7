"""Lungfish: an embedded relational database with PostgreSQL's SQL, in one file, that survives being killed.

    import lungfish
    with lungfish.connect("app.db") as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
        connection.execute("INSERT INTO t VALUES (?, ?)", (1, "first"))

Start at `connect`; `open` gives the Database itself, for many sessions, checkpoints and checks. The names of PEP 249 are here too.
Importing this module loads the exceptions and nothing heavy: the engine is loaded when it is first asked for.
"""

from __future__ import annotations

import gc
import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lungfish.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)

if TYPE_CHECKING:
    from lungfish.connection import Connection, Cursor
    from lungfish.connection.dbapi_types import (
        BINARY,
        DATETIME,
        NUMBER,
        ROWID,
        STRING,
        Binary,
        Date,
        DateFromTicks,
        Time,
        TimeFromTicks,
        Timestamp,
        TimestampFromTicks,
    )
    from lungfish.connection.entry import connect, open, recovery_status
    from lungfish.connection.handle import DatabaseHandle as Database
    from lungfish.connection.restore import restore, verify_backup
    from lungfish.connection.row_factories import (
        args_row,
        class_row,
        dict_row,
        kwargs_row,
        namedtuple_row,
        scalar_row,
        tuple_row,
    )
    from lungfish.drill import DrillReport, crash_drill
    from lungfish.recovery import (
        CheckpointContext,
        CheckpointParticipant,
        CheckpointResult,
        Forecast,
        PhaseDeadlines,
        Prepared,
    )
    from lungfish.types.python_range import Range

__version__ = "0.1.0"
apilevel = "2.0"
# Threads may share the module and connections.
threadsafety = 2
paramstyle = "qmark"

# Where the names come from that are loaded when first asked for.
_LAZY = {
    "lungfish.connection": ("Connection", "Cursor"),
    "lungfish.connection.dbapi_types": (
        "BINARY", "DATETIME", "NUMBER", "ROWID", "STRING", "Binary", "Date", "DateFromTicks", "Time",
        "TimeFromTicks", "Timestamp", "TimestampFromTicks",
    ),
    "lungfish.connection.entry": ("connect", "open", "recovery_status"),
    "lungfish.connection.restore": ("restore", "verify_backup"),
    "lungfish.types.python_range": ("Range",),
    "lungfish.drill": ("DrillReport", "crash_drill"),
    "lungfish.recovery": (
        "CheckpointContext", "CheckpointParticipant", "CheckpointResult", "Forecast", "PhaseDeadlines", "Prepared",
    ),
    "lungfish.connection.row_factories": (
        "args_row", "class_row", "dict_row", "kwargs_row", "namedtuple_row", "scalar_row", "tuple_row",
    ),
}  # fmt: skip
_HOME = {name: (module, name) for module, names in _LAZY.items() for name in names}
_HOME["Database"] = ("lungfish.connection.handle", "DatabaseHandle")

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "CheckpointContext",
    "CheckpointParticipant",
    "CheckpointResult",
    "Connection",
    "Cursor",
    "DataError",
    "Database",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "DrillReport",
    "Error",
    "Forecast",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "PhaseDeadlines",
    "Prepared",
    "ProgrammingError",
    "Range",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "__version__",
    "apilevel",
    "args_row",
    "class_row",
    "connect",
    "crash_drill",
    "dict_row",
    "kwargs_row",
    "namedtuple_row",
    "open",
    "paramstyle",
    "recovery_status",
    "restore",
    "scalar_row",
    "threadsafety",
    "tuple_row",
    "verify_backup",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'lungfish' has no attribute '{name}'")
    value = getattr(_import_engine(home[0]), home[1])
    globals()[name] = value
    return value


def _import_engine(name: str) -> ModuleType:
    """Import a module of the engine. The collector rests: nothing that an import makes is garbage, and it would go over all of it a hundred times."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        if was_enabled:
            gc.enable()


def __dir__() -> list[str]:
    return sorted(__all__)
