"""What a read-only transaction says it will not do."""

from __future__ import annotations

import re

from lungfish.sql.ast import Statement, ddl
from lungfish.sql.ast.queries import Query

_WORD = re.compile("[A-Z][a-z]*")
_TAGS = {"Truncate": "TRUNCATE TABLE", "CreateEnum": "CREATE TYPE"}


def command_tag_of(statement: Statement) -> str:
    """The command as PostgreSQL's errors name it: CreateTable is CREATE TABLE, a query that locks rows SELECT FOR UPDATE."""
    if isinstance(statement, Query):
        strengths = [clause.strength.upper() for clause in statement.locking]
        return f"SELECT FOR {strengths[0]}" if strengths else "SELECT"
    if isinstance(statement, ddl.Drop):
        return f"DROP {statement.kind.upper()}"
    name = type(statement).__name__
    return _TAGS.get(name) or " ".join(_WORD.findall(name)).upper()
