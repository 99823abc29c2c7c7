"""What depends on a role: objects that it owns, privileges that name it."""

from __future__ import annotations

from collections.abc import Iterator

from lungfish.catalog.objects import Oid, Table, View
from lungfish.catalog.roles import AccessList, Role
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.system_views.asked import Asked
from lungfish.executor.system_views.object_descriptions import DESCRIPTION_ANSWERS
from lungfish.executor.system_views.role_descriptions import (
    CLASS_OF_KIND,
    describe_default_rights,
    describe_membership,
)

# The object's oid, the number of its column, and what is said of it.
_User = tuple[int, int, str]


def described_users(context: DdlContext, role: Role) -> list[str]:
    """Each thing that keeps the role from being dropped, as PostgreSQL's detail says it, in its order."""
    asked = Asked(context.catalog, context.search_path)
    ((database,),) = context.runner.query("SELECT current_database()")
    found = [*_of_objects(asked, role.oid, database), *_of_role_objects(asked, role.oid)]
    return [text for _, _, text in sorted(found, key=lambda each: each[:2])]


def _of_objects(asked: Asked, role: Oid, database: str) -> Iterator[_User]:
    describe = DESCRIPTION_ANSWERS["pg_describe_object"]
    for item in asked.catalog.authority.all_rights():
        class_oid = CLASS_OF_KIND[item.kind]

        def described(number: int, class_oid: int = class_oid, oid: int = item.object_oid) -> str:
            if class_oid == CLASS_OF_KIND["database"]:
                return f"database {database}"
            return str(describe(asked, (class_oid, oid, number)))

        if item.owner_oid == role:
            yield item.object_oid, 0, f"owner of {described(0)}"
        elif _names(item.items or (), role):
            yield item.object_oid, 0, f"privileges for {described(0)}"
        for number, items in item.column_items:
            is_there = has_column(asked, item.object_oid, number)
            if item.owner_oid != role and _names(items, role) and is_there:
                yield item.object_oid, number, f"privileges for {described(number)}"


def has_column(asked: Asked, oid: Oid, number: int) -> bool:
    """Whether the relation still has the column."""
    found = asked.catalog.object(oid)
    return isinstance(found, (Table, View)) and any(
        column.number == number for column in found.columns
    )


def _of_role_objects(asked: Asked, role: Oid) -> Iterator[_User]:
    authority = asked.catalog.authority
    for rights in authority.default_rights:
        shown = describe_default_rights(asked.catalog, rights)
        if rights.role_oid == role:
            yield rights.oid, 0, f"owner of {shown}"
        elif _names(rights.items, role):
            yield rights.oid, 0, f"privileges for {shown}"
    for item in authority.memberships():
        if item.grantor_oid == role:
            yield item.oid, 0, f"privileges for {describe_membership(authority, item)}"


def _names(items: AccessList, role: Oid) -> bool:
    return any(role in (each.grantee, each.grantor) for each in items)
