"""Roles as statements name them."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.catalog.roles import SUPERUSER_OID, Role
from lungfish.errors import UndefinedObject
from lungfish.executor.ddl.context import DdlContext
from lungfish.sql.ast import rights as syntax


def find_role(context: DdlContext, named: syntax.Role) -> Role:
    """The role that a statement names. Raises UndefinedObject, also for PUBLIC, which is none."""
    if named.name is None and not named.is_public:
        found = context.authority.role_of_oid(SUPERUSER_OID)
    else:
        found = context.authority.role(named.name or "")
    if found is None:
        name = "public" if named.is_public else named.name
        raise UndefinedObject(f'role "{name}" does not exist', position=named.position)
    return found


def find_roles(context: DdlContext, named: Iterable[syntax.Role]) -> list[Role]:
    """The roles that a statement names."""
    return [find_role(context, each) for each in named]
