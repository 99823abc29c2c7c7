"""An object that GRANT or OWNER TO is about, and what is kept of its rights."""

from __future__ import annotations

from dataclasses import dataclass

from lungfish.catalog.new_rights import kind_of_rights
from lungfish.catalog.objects import CatalogObject, Oid
from lungfish.catalog.roles import ObjectRights
from lungfish.executor.ddl.context import DdlContext


@dataclass(frozen=True, slots=True)
class RightsTarget:
    """An object that can have an owner and an access list. `item` is there where the catalog has one."""

    kind: str
    oid: Oid
    name: str
    item: CatalogObject | None = None


def target_of(item: CatalogObject) -> RightsTarget:
    """An object of the catalog as a target."""
    return RightsTarget(kind_of_rights(item), item.oid, item.name, item)


def rights_to_change(context: DdlContext, target: RightsTarget) -> ObjectRights:
    """What is kept of the object, or what would be."""
    kept = context.authority.rights_of(target.kind, target.oid)
    if kept is None:
        return ObjectRights(context.change.new_oid(), target.kind, target.oid)
    return kept
