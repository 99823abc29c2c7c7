"""What an object has when it is made: whom it belongs to, and what ALTER DEFAULT PRIVILEGES has granted on such ones."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.catalog.access import begins_with, changed
from lungfish.catalog.authority import Authority
from lungfish.catalog.objects import (
    CatalogObject,
    Namespace,
    Oid,
    Rule,
    Sequence,
    SqlFunction,
    UserType,
)
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.catalog.roles import AccessItem, AccessList


def kind_of_rights(item: CatalogObject) -> str:
    """By which kind of object the rights of one are kept. A rule has those of its relation."""
    match item:
        case Sequence():
            return "sequence"
        case SqlFunction():
            return "function"
        case UserType():
            return "type"
        case Namespace():
            return "schema"
        case Rule():
            return "rule"
        case UserOperator() | UserCast():
            return item.kind
        case _:
            return "relation"


def in_sorted_order(items: Iterable[AccessItem]) -> AccessList:
    """As default privileges are shown: by grantee, everybody first."""
    return tuple(sorted(items, key=lambda each: (each.grantee, each.grantor)))


def default_items(authority: Authority, item: CatalogObject, owner: Oid) -> AccessList | None:
    """The access list of a new object of that owner; None if nobody has said anything of such ones."""
    kind = kind_of_rights(item)
    namespace = None if isinstance(item, Namespace) else item.namespace_oid
    of_all: AccessList | None = None
    of_schema: AccessList = ()
    for each in authority.default_rights:
        if (each.role_oid, each.kind) != (owner, kind):
            continue
        if each.namespace_oid is None:
            of_all = each.items
        elif each.namespace_oid == namespace:
            of_schema = each.items
    if of_all is None and not of_schema:
        return None
    plain = begins_with(kind, owner)
    items = plain if of_all is None else of_all
    for added in of_schema:
        items = changed(items, added, is_revoke=False)
    items = in_sorted_order(items)
    return None if items == in_sorted_order(plain) else items
