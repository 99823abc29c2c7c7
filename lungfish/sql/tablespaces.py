"""TABLESPACE: a database is one file, so there is one tablespace, `pg_default`, and whatever names it says nothing new."""

from __future__ import annotations

from lungfish import errors


def check_tablespace(name: str) -> None:
    """Raise UndefinedObject, or InvalidParameterValue, for another tablespace than the one that there is."""
    if name == "pg_global":
        raise errors.InvalidParameterValue(
            "only shared relations can be placed in pg_global tablespace"
        )
    if name not in ("", "pg_default"):
        raise errors.UndefinedObject(f'tablespace "{name}" does not exist')
