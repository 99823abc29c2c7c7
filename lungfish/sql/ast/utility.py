"""Statements that neither query nor define: transactions, settings, EXPLAIN, PREPARE, locks, and Lungfish's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.sql.ast.expressions import Expression, TypeName
from lungfish.sql.ast.queries import ObjectName, Query
from lungfish.types.frozen import frozen

if TYPE_CHECKING:
    from lungfish.sql.ast import Statement


@frozen
class Begin:
    """BEGIN or START TRANSACTION. None: the session's default."""

    isolation: str | None = None
    is_read_only: bool | None = None
    is_deferrable: bool | None = None
    position: int = -1
    # "BEGIN" or "START TRANSACTION", as it is answered.
    tag: str = "BEGIN"


@frozen
class Commit:
    and_chain: bool = False
    position: int = -1


@frozen
class Rollback:
    """ROLLBACK, or ROLLBACK TO `savepoint`."""

    savepoint: str | None = None
    and_chain: bool = False
    position: int = -1


@frozen
class Savepoint:
    name: str
    position: int = -1


@frozen
class Release:
    name: str
    position: int = -1


@frozen
class SetTransaction:
    """SET TRANSACTION, or SET SESSION CHARACTERISTICS AS TRANSACTION."""

    isolation: str | None = None
    is_read_only: bool | None = None
    is_deferrable: bool | None = None
    is_session: bool = False
    position: int = -1


@frozen
class SetConstraints:
    names: tuple[ObjectName, ...]
    is_deferred: bool
    position: int = -1


@frozen
class SetVariable:
    """SET name = values; no values stand for DEFAULT, and for RESET. RESET ALL has the name "all"."""

    name: str
    values: tuple[str, ...]
    is_local: bool = False
    position: int = -1
    is_reset: bool = False


@frozen
class AlterSystem:
    """ALTER SYSTEM SET or RESET, or (with a name) ALTER DATABASE name SET or RESET."""

    variable: SetVariable
    database: str | None = None
    position: int = -1


@frozen
class ShowVariable:
    name: str
    position: int = -1


@frozen
class Explain:
    statement: Statement
    # (name in lower case, value), e.g. ("analyze", True), ("format", "json").
    options: tuple[tuple[str, object], ...] = ()
    position: int = -1


@frozen
class Prepare:
    name: str
    parameter_types: tuple[TypeName, ...]
    statement: Statement
    position: int = -1


@frozen
class Execute:
    name: str
    arguments: tuple[Expression, ...]
    position: int = -1


@frozen
class Deallocate:
    """DEALLOCATE ALL where `name` is None."""

    name: str | None
    position: int = -1


@frozen
class DeclareCursor:
    name: str
    query: Query
    is_scroll: bool | None = None
    with_hold: bool = False
    position: int = -1
    is_insensitive: bool = False
    is_binary: bool = False


@frozen
class Fetch:
    """FETCH or MOVE. `direction`: forward, backward, absolute, relative; `count` None is ALL."""

    cursor: str
    direction: str
    count: int | None
    is_move: bool = False
    position: int = -1


@frozen
class CloseCursor:
    """CLOSE ALL where `name` is None."""

    name: str | None
    position: int = -1


@frozen
class LockTable:
    tables: tuple[ObjectName, ...]
    mode: str
    is_nowait: bool = False
    position: int = -1


@frozen
class VacuumTarget:
    """A table of VACUUM or ANALYZE; without columns all of them are meant."""

    table: ObjectName
    columns: tuple[str, ...] = ()


@frozen
class Analyze:
    targets: tuple[VacuumTarget, ...] = ()
    position: int = -1


@frozen
class Vacuum:
    targets: tuple[VacuumTarget, ...] = ()
    position: int = -1
    # VACUUM ANALYZE
    is_analyze: bool = False
    is_full: bool = False


@frozen
class Discard:
    kind: str
    position: int = -1


# Lungfish's own, parsed by lark.


@frozen
class Checkpoint:
    """CHECKPOINT (options): (name in lower case, value)."""

    options: tuple[tuple[str, object], ...] = ()
    position: int = -1


@frozen
class DropCheckpoint:
    """DROP CHECKPOINT name, or, where `name` is None, ALL BEFORE `before` (a timestamp's text)."""

    name: str | None
    position: int = -1
    before: str | None = None


@frozen
class CancelCheckpoint:
    position: int = -1


@frozen
class WalCheckpoint:
    """SQLite's PRAGMA wal_checkpoint(mode), mode in lower case."""

    mode: str = "passive"
    position: int = -1


@frozen
class ExplainRecovery:
    format: str = "text"
    position: int = -1


@frozen
class AsOf:
    """A statement with AS OF CHECKPOINT 'name' behind it: of the database as that image has it."""

    statement: Statement
    checkpoint: str
    # Of the words AS OF.
    position: int = -1


@frozen
class Scrub:
    """SCRUB [relation | IMAGES | WAL]; None reads everything."""

    target: str | None
    position: int = -1


@frozen
class Backup:
    path: str
    incremental_from: str | None = None
    options: tuple[tuple[str, object], ...] = ()
    position: int = -1


@frozen
class VerifyBackup:
    path: str
    position: int = -1


@frozen
class Restore:
    """RESTORE FROM path TO target_path; `target_kind` is lsn, time, name or empty, and `target` its text."""

    path: str
    target_path: str
    target_kind: str = ""
    target: str = ""
    is_dry_run: bool = False
    options: tuple[tuple[str, object], ...] = ()
    position: int = -1
