"""Default privileges and memberships, as errors and pg_describe_object call them."""

from __future__ import annotations

from lungfish.catalog import Catalog
from lungfish.catalog.authority import Authority
from lungfish.catalog.roles import DefaultRights, Membership

# The catalog that lists objects of the kinds by which rights are kept.
CLASS_OF_KIND = {
    "relation": 1259, "sequence": 1259, "function": 1255, "type": 1247, "schema": 2615, "database": 1262,
    "language": 2612, "tablespace": 1213,
}  # fmt: skip
_NEW_OBJECTS = {
    "relation": "relations", "sequence": "sequences", "function": "functions", "type": "types", "schema": "schemas",
}  # fmt: skip


def describe_default_rights(catalog: Catalog, item: DefaultRights) -> str:
    """Default privileges in words."""
    role = catalog.authority.name_of(item.role_oid)
    text = f"default privileges on new {_NEW_OBJECTS[item.kind]} belonging to role {role}"
    if item.namespace_oid is None:
        return text
    return f"{text} in schema {catalog.namespace_name(item.namespace_oid)}"


def describe_membership(authority: Authority, item: Membership) -> str:
    """A membership in words."""
    member, role = authority.name_of(item.member_oid), authority.name_of(item.role_oid)
    return f"membership of role {member} in role {role}"
