"""Roles, owners and privileges in a dump: written last, so that what is made before belongs to whoever loads it.

The superuser is called CURRENT_USER, as its name is another one elsewhere. An access list is written as what is revoked of the list
that such objects begin with, and what is granted then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lungfish.catalog import Catalog
from lungfish.catalog.access import WORDS, begins_with
from lungfish.catalog.names import qualified
from lungfish.catalog.objects import (
    FIRST_USER_OID,
    Column,
    Namespace,
    SqlFunction,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.roles import (
    BUILT_IN_ROLE_OBJECTS,
    PUBLIC_GRANTEE,
    SUPERUSER_OID,
    AccessItem,
    AccessList,
    DefaultRights,
    ObjectRights,
    Role,
)
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.types.sql_type import TIMESTAMPTZ
from lungfish.types.text_format import format_value

_NEW_OBJECTS = {
    "relation": "TABLES", "sequence": "SEQUENCES", "function": "FUNCTIONS", "type": "TYPES", "schema": "SCHEMAS",
}  # fmt: skip


class DumpedRights:
    """The statements that make the roles and rights of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._authority = catalog.authority
        # What cannot be said of another database, in words.
        self.left_out: list[str] = []

    def statements(self) -> Iterator[str]:
        """All of them, in order."""
        for role in self._authority.roles():
            if role.oid >= FIRST_USER_OID:
                yield from self._role(role)
        for item in self._authority.memberships():
            if item.oid >= FIRST_USER_OID:
                by = (
                    ""
                    if item.grantor_oid == SUPERUSER_OID
                    else f" GRANTED BY {self._name(item.grantor_oid)}"
                )
                options = f"ADMIN {item.has_admin}, INHERIT {item.inherits}, SET {item.can_set}"
                granted, member = self._name(item.role_oid), self._name(item.member_oid)
                yield f"GRANT {granted} TO {member} WITH {options.upper()}{by};"
        for rights in sorted(self._authority.all_rights(), key=lambda item: item.object_oid):
            if rights not in BUILT_IN_ROLE_OBJECTS:
                yield from self._object(rights)
        for default in self._authority.default_rights:
            yield from self._default(default)

    def _name(self, oid: int) -> str:
        if oid == PUBLIC_GRANTEE:
            return "PUBLIC"
        return (
            "CURRENT_USER"
            if oid == SUPERUSER_OID
            else quote_identifier(self._authority.name_of(oid))
        )

    def _role(self, role: Role) -> Iterator[str]:
        switches = {
            "SUPERUSER": role.is_superuser, "INHERIT": role.inherits, "CREATEROLE": role.may_create_roles,
            "CREATEDB": role.may_create_databases, "LOGIN": role.may_log_in, "REPLICATION": role.may_replicate,
            "BYPASSRLS": role.bypasses_row_security,
        }  # fmt: skip
        words = [word if is_on else f"NO{word}" for word, is_on in switches.items()]
        if role.connection_limit >= 0:
            words.append(f"CONNECTION LIMIT {role.connection_limit}")
        if role.valid_until is not None:
            until = format_value(role.valid_until, TIMESTAMPTZ)
            words.append(f"VALID UNTIL {quote_literal(until)}")
        name = quote_identifier(role.name)
        yield f"CREATE ROLE {name} {' '.join(words)};"
        if role.comment is not None:
            yield f"COMMENT ON ROLE {name} IS {quote_literal(role.comment)};"

    def _object(self, rights: ObjectRights) -> Iterator[str]:
        named = self._named(rights)
        if named is None:
            self.left_out.append(f"owner and privileges of {rights.kind} {rights.object_oid}")
            return
        kind, grant_kind, name = named
        built_in = {(item.kind, item.object_oid): item for item in BUILT_IN_ROLE_OBJECTS if isinstance(item, ObjectRights)}  # fmt: skip
        begun = built_in.get((rights.kind, rights.object_oid))
        if rights.owner_oid != (SUPERUSER_OID if begun is None else begun.owner_oid):
            yield f"ALTER {kind} {name} OWNER TO {self._name(rights.owner_oid)};"
        if rights.items is not None:
            plain = begins_with(rights.kind, rights.owner_oid)
            yield from self._access(plain, rights.items, f"ON {grant_kind} {name}")
        columns = {column.number: column.name for column in self._columns(rights)}
        for number, items in rights.column_items:
            if number in columns:
                column = f" ({quote_identifier(columns[number])})"
                yield from self._grants(items, f"ON {grant_kind} {name}", column)

    def _columns(self, rights: ObjectRights) -> Iterable[Column]:
        item = self._catalog.object(rights.object_oid)
        return item.columns if isinstance(item, (Table, View)) else ()

    def _named(self, rights: ObjectRights) -> tuple[str, str, str] | None:
        """What ALTER calls the object, what GRANT calls it, and its name."""
        item = self._catalog.object(rights.object_oid)
        match item:
            case Table() | View() if rights.kind == "relation":
                return item.kind.upper() if isinstance(item, Table) else "VIEW", "TABLE", qualified(self._catalog, item)  # fmt: skip
            case SequenceObject():
                return "SEQUENCE", "SEQUENCE", qualified(self._catalog, item)
            case Namespace() if rights.kind == "schema":
                return "SCHEMA", "SCHEMA", quote_identifier(item.name)
            case UserType():
                word = "TYPE" if item.base is None else "DOMAIN"
                return word, "TYPE", qualified(self._catalog, item)
            case SqlFunction():
                schema = quote_identifier(self._catalog.namespace_name(item.namespace_oid))
                word = "PROCEDURE" if item.kind == "procedure" else "FUNCTION"
                types = ", ".join(str(each) for each in item.parameter_types)
                return word, word, f"{schema}.{quote_identifier(item.name)}({types})"
            case _:
                return None

    def _access(self, begun: AccessList, items: AccessList, where: str) -> Iterator[str]:
        """REVOKE what such objects begin with, and GRANT what there is, unless that is the same."""
        if items == begun:
            return
        kept = items[: len(begun)] == begun
        if not kept:
            grantees = ", ".join(self._name(each.grantee) for each in begun)
            yield f"REVOKE ALL {where} FROM {grantees};"
        yield from self._grants(items[len(begun) :] if kept else items, where, "")

    def _grants(self, items: Iterable[AccessItem], where: str, column: str) -> Iterator[str]:
        for each in items:
            plain = [letter for letter in each.rights if letter not in each.grantable]
            for letters, tail in ((plain, ""), (each.grantable, " WITH GRANT OPTION")):
                words = ", ".join(f"{WORDS[letter].upper()}{column}" for letter in letters)
                if words:
                    yield f"GRANT {words} {where} TO {self._name(each.grantee)}{tail};"

    def _default(self, item: DefaultRights) -> Iterator[str]:
        begun = begins_with(item.kind, item.role_oid) if item.namespace_oid is None else ()
        schema = ""
        if item.namespace_oid is not None:
            name = self._catalog.namespace_name(item.namespace_oid)
            schema = f" IN SCHEMA {quote_identifier(name)}"
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {self._name(item.role_oid)}{schema}"
        for statement in self._access(begun, item.items, f"ON {_NEW_OBJECTS[item.kind]}"):
            yield f"{head} {statement}"
