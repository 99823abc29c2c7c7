"""OWNER TO: there is one user, who owns everything."""

from __future__ import annotations

from lungfish.errors import UndefinedObject
from lungfish.sql.ast.ddl import ChangeOwner

# Those who may be named as owners.
_CURRENT_USER = (None, "lungfish")


def require_owner(action: ChangeOwner) -> None:
    """Raise UndefinedObject unless the role is the one that there is."""
    if action.role not in _CURRENT_USER:
        raise UndefinedObject(f'role "{action.role}" does not exist', position=action.position)
