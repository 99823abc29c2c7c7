"""OWNER TO: whom an object belongs to."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.access import with_new_owner
from lungfish.catalog.catalog import Relation, is_temporary
from lungfish.catalog.objects import (
    FIRST_USER_OID,
    CatalogObject,
    Oid,
    Sequence,
    SystemView,
    Table,
    UserType,
)
from lungfish.errors import FeatureNotSupported, InsufficientPrivilege
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_roles import find_role
from lungfish.executor.ddl.rights_target import RightsTarget, rights_to_change, target_of
from lungfish.sql.ast.ddl import AlterTable, ChangeOwner
from lungfish.types.sql_type import TypeKind


def change_owner(context: DdlContext, item: CatalogObject, action: ChangeOwner) -> None:
    """Run OWNER TO of a relation. The sequences that its columns own go with a table, and not by themselves."""
    role = find_role(context, action.role)
    if isinstance(item, Sequence) and item.owner_table_oid is not None:
        table = context.catalog.table(item.owner_table_oid)
        if context.authority.owner_of("sequence", item.oid) != role.oid:
            raise FeatureNotSupported(
                f'cannot change owner of sequence "{item.name}"',
                detail=f'Sequence "{item.name}" is linked to table "{table.name}".',
            )
    give_to(context, target_of(item), role.oid)


def give_away(context: DdlContext, item: Relation, statement: AlterTable) -> str:
    """Run ALTER TABLE that says nothing but OWNER TO, of whatever relation; answers the command tag."""
    if isinstance(item, SystemView):
        raise InsufficientPrivilege(f'permission denied: "{item.name}" is a system catalog')
    if isinstance(item, Table):
        context.runner.lock_table(item, "access exclusive")
        context.runner.check_unused(item, "ALTER TABLE")
    for action in statement.actions:
        if isinstance(action, ChangeOwner):
            change_owner(context, item, action)
    return "ALTER TABLE"


def change_index_owner(context: DdlContext, table: Table, name: str, action: ChangeOwner) -> None:
    """Run OWNER TO of an index, which has the owner of its table: a warning says so."""
    role = find_role(context, action.role)
    if role.oid != context.authority.owner_of("relation", table.oid):
        context.runner.notice(f'cannot change owner of index "{name}"', severity="WARNING")


def give_to(context: DdlContext, target: RightsTarget, owner: Oid) -> None:
    """Let the object, and what goes with it, belong to the role; what its old owner granted, the new one did."""
    item = target.item
    kept = rights_to_change(context, target)
    old = kept.owner_oid
    if old == owner:
        return
    if target.oid < FIRST_USER_OID and target.kind in ("function", "type", "relation"):
        raise FeatureNotSupported(f"another owner of a built-in {target.kind} is not supported")
    if target.kind == "statistics" or (item is not None and is_temporary(item)):
        what = "a temporary object" if target.item is not None else "statistics"
        raise FeatureNotSupported(f"another owner of {what} is not supported")
    items = None if kept.items is None else with_new_owner(kept.items, old, owner)
    columns = tuple(
        (number, with_new_owner(each, old, owner)) for number, each in kept.column_items
    )
    changed = replace(kept, owner_oid=owner, items=items, column_items=columns)
    context.change.put_role_object(changed)
    if isinstance(item, Table):
        for sequence in context.catalog.owned_sequences(item.oid):
            give_to(context, target_of(sequence), owner)
    if isinstance(item, UserType) and item.type.kind is TypeKind.RANGE:
        # Its multirange type has the number behind it.
        beside = context.catalog.object(Oid(item.oid + 1))
        assert beside is not None, "a range type is made with its multirange type"
        give_to(context, target_of(beside), owner)
