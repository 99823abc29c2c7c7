"""OWNER TO of what is no relation, and REASSIGN OWNED and DROP OWNED: everything that belongs to some roles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lungfish.catalog.access import without_role
from lungfish.catalog.objects import FIRST_USER_OID, CatalogObject, Namespace, Oid, UserType
from lungfish.catalog.roles import ObjectRights, Role
from lungfish.errors import DependentObjectsStillExist, WrongObjectType
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.drop import drop, drop_object
from lungfish.executor.ddl.find_roles import find_role, find_roles
from lungfish.executor.ddl.find_targets import find_target
from lungfish.executor.ddl.owners import give_to
from lungfish.executor.ddl.rights import put_default
from lungfish.executor.ddl.rights_target import RightsTarget, target_of
from lungfish.sql.ast.ddl import Drop
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.rights import ChangeObjectOwner
from lungfish.sql.ast.roles import DropOwned, ReassignOwned
from lungfish.types.sql_type import TypeKind


def change_object_owner(context: DdlContext, statement: ChangeObjectOwner) -> str:
    """Run ALTER ... OWNER TO of what is no relation; answers the command tag."""
    role = find_role(context, statement.role)
    target = find_target(context, statement.kind, statement.item)
    if isinstance(target.item, UserType) and target.item.type.kind is TypeKind.MULTIRANGE:
        raise WrongObjectType(
            f"cannot alter multirange type {target.name}",
            hint="You can alter the range type, which will alter the multirange type as well.",
        )
    give_to(context, target, role.oid)
    return f"ALTER {statement.kind.upper()}"


def reassign_owned(context: DdlContext, statement: ReassignOwned) -> str:
    """Run REASSIGN OWNED; answers the command tag."""
    roles = find_roles(context, statement.roles)
    _refuse_built_in(roles, "reassign ownership of objects")
    owner = find_role(context, statement.new_role)
    for rights in _owned(context, roles):
        if context.authority.owner_of(rights.kind, rights.object_oid) == rights.owner_oid:
            give_to(context, _target(context, rights), owner.oid)
    return "REASSIGN OWNED"


def drop_owned(context: DdlContext, statement: DropOwned) -> str:
    """Run DROP OWNED: what the roles own goes, and what was granted to them; answers the command tag."""
    roles = find_roles(context, statement.roles)
    _refuse_built_in(roles, "drop objects")
    owned = [
        item
        for rights in _owned(context, roles)
        if (item := context.catalog.object(rights.object_oid)) is not None
        and rights.kind in ("relation", "sequence", "function", "type", "schema")
    ]
    _drop_all(context, owned, is_cascade=statement.is_cascade)
    for role in roles:
        _forget(context, role.oid)
    return "DROP OWNED"


def _refuse_built_in(roles: Iterable[Role], verb: str) -> None:
    for role in roles:
        if role.oid < FIRST_USER_OID:
            raise DependentObjectsStillExist(
                f"cannot {verb} owned by role {role.name} because they are required by the database system"
            )


def _owned(context: DdlContext, roles: Iterable[Role]) -> list[ObjectRights]:
    owners = {role.oid for role in roles}
    found = [item for item in context.authority.all_rights() if item.owner_oid in owners]
    return sorted(found, key=lambda item: item.object_oid)


def _target(context: DdlContext, rights: ObjectRights) -> RightsTarget:
    item = context.catalog.object(rights.object_oid)
    if item is None or rights.kind in ("database", "language", "tablespace"):
        return RightsTarget(rights.kind, rights.object_oid, "")
    return target_of(item)


def _drop_all(context: DdlContext, items: list[CatalogObject], *, is_cascade: bool) -> None:
    """Schemas last: what is in them may be owned by the same roles."""
    going = frozenset(item.oid for item in items)
    for item in items:
        if not isinstance(item, Namespace) and context.catalog.object(item.oid) is not None:
            drop_object(context, item, going=going, is_cascade=is_cascade)
    names = tuple(ObjectName(item.name) for item in items if isinstance(item, Namespace))
    if names:
        drop(context, Drop("schema", names, is_cascade=is_cascade))


def _forget(context: DdlContext, role: Oid) -> None:
    """Take back what was granted to the role, or by it."""
    for rights in list(context.authority.all_rights()):
        items = None if rights.items is None else without_role(rights.items, role)
        columns = tuple(
            (number, left)
            for number, each in rights.column_items
            if (left := without_role(each, role))
        )
        changed = replace(rights, items=items, column_items=columns)
        if changed != rights:
            context.change.put_role_object(changed)
    for default in list(context.authority.default_rights):
        if default.role_oid == role:
            context.change.remove_role_objects([default.oid])
        elif any(each.grantee == role for each in default.items):
            put_default(context, default, without_role(default.items, role))
    granted = [item.oid for item in context.authority.memberships() if item.grantor_oid == role]
    if granted:
        context.change.remove_role_objects(granted)
