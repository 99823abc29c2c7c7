"""Settings of the whole database: ALTER SYSTEM SET, ALTER DATABASE SET, and SET of those that no session has for itself.

A database is a file of its own here, so the system and the one database are the same, and so are the two statements. What they keep is in
force at once and at every later opening: storage's settings for everybody, a session's settings as what new sessions begin with.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from lungfish.errors import ActiveSqlTransaction, InvalidCatalogName, ReadOnlySqlTransaction
from lungfish.recovery.settings import STORAGE_SETTINGS
from lungfish.session.results import StatementResult
from lungfish.session.settings import checked_value
from lungfish.sql.ast import utility

if TYPE_CHECKING:
    from lungfish.session.session import Session


def is_storage_setting(name: str) -> bool:
    """Whether the setting has one value for the whole database."""
    return name.lower() in STORAGE_SETTINGS


def check_may_change(session: Session, what: str, position: int) -> None:
    """Raise unless the session may change something for all: outside a transaction, as it is not undone, and not read-only."""
    if session.in_transaction:
        raise ActiveSqlTransaction(
            f"{what} cannot run inside a transaction block", position=position
        )
    if session.is_read_only:
        raise ReadOnlySqlTransaction(
            f"cannot execute {what} in a read-only session", position=position
        )


def run_alter_system(session: Session, statement: utility.AlterSystem) -> StatementResult:
    """Keep a setting, or keep it no longer. Raises UndefinedObject, InvalidParameterValue, FeatureNotSupported."""
    tag = "ALTER SYSTEM" if statement.database is None else "ALTER DATABASE"
    if statement.database is not None:
        check_database_name(session, statement.database, statement.position)
    check_may_change(session, tag, statement.position)
    core = session.database.core
    variable = statement.variable
    if variable.name == "all":
        core.stored_settings.forget_all()
        return StatementResult(None, tag)
    text = ", ".join(variable.values) if variable.values else None
    if text is not None:
        if is_storage_setting(variable.name):
            core.settings.checked(variable.name, text)
        else:
            text = checked_value(variable.name, text)
    elif not is_storage_setting(variable.name):
        # Unknown names are an error also where there is nothing to forget.
        session.settings.get(variable.name)
    core.stored_settings.keep(variable.name, text)
    return StatementResult(None, tag)


def check_database_name(session: Session, name: str, position: int) -> None:
    """Raise InvalidCatalogName unless it names this database: its path as it was opened, or its file's name, with or without the suffix."""
    path = PurePath(session.database.name)
    if name not in (session.database.name, path.name, path.stem):
        raise InvalidCatalogName(f'database "{name}" does not exist', position=position)
