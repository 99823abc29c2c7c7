"""GRANT, REVOKE and OWNER TO: there is one user, who owns everything and may do everything.

So a statement that names nobody else is looked at as PostgreSQL looks at it, and changes nothing. What PUBLIC may do has no effect
either: nobody else ever asks.
"""

from __future__ import annotations

from collections.abc import Callable

from lungfish.catalog.objects import Oid, Sequence
from lungfish.errors import (
    AmbiguousFunction,
    DependentObjectsStillExist,
    InvalidCatalogName,
    InvalidGrantOperation,
    InvalidParameterValue,
    SyntaxError,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedObject,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_relation, find_sequence
from lungfish.executor.ddl.statistics import find_statistics
from lungfish.executor.ddl.types import find_user_type
from lungfish.functions import has_aggregate, has_function, has_window_function
from lungfish.sql.ast.rights import OWNER as _OWNER
from lungfish.sql.ast.rights import (
    AlterDefaultPrivileges,
    ChangeObjectOwner,
    Grant,
    GrantRole,
    NamedObject,
    OwnedObjects,
    Role,
    SecurityLabel,
)

_LANGUAGES = ("internal", "sql")
_TABLESPACES = ("pg_default", "pg_global")
_TABLE = frozenset(
    {"select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain"}
)
_SEQUENCE = frozenset({"usage", "select", "update"})
_RIGHTS: dict[str, frozenset[str]] = {
    "table": _TABLE,
    "sequence": _SEQUENCE,
    "schema": frozenset({"create", "usage"}),
    "database": frozenset({"create", "connect", "temporary"}),
    "function": frozenset({"execute"}),
    "type": frozenset({"usage"}),
    "domain": frozenset({"usage"}),
    "language": frozenset({"usage"}),
    "tablespace": frozenset({"create"}),
}
_KNOWN = frozenset().union(*_RIGHTS.values()) | {"set", "alter system"}
_OF_COLUMNS = frozenset({"select", "insert", "update", "references"})


def grant(context: DdlContext, statement: Grant) -> str:
    """Run GRANT or REVOKE; answers the command tag."""
    for item in statement.objects:
        if statement.in_schemas:
            context.find_namespace(item.name.name, item.name.position)
        else:
            _FINDERS[statement.kind](context, item)
    for role in statement.roles:
        require_role(role)
        if role.is_public and statement.is_grantable and not statement.is_revoke:
            raise InvalidGrantOperation("grant options can only be granted to roles")
    for word, columns in statement.privileges:
        _require_right(statement, word, columns)
        for item in statement.objects if columns else ():
            _require_columns(context, item, columns)
    return "REVOKE" if statement.is_revoke else "GRANT"


def _require_right(statement: Grant, word: str, columns: tuple[str, ...]) -> None:
    word = {"temp": "temporary"}.get(word, word)
    if word == "all":
        return
    if word not in _KNOWN:
        raise SyntaxError(f'unrecognized privilege type "{word}"')
    if columns:
        if word not in _OF_COLUMNS:
            raise InvalidGrantOperation(f"invalid privilege type {word.upper()} for column")
        return
    if statement.kind == "table" and word not in _TABLE:
        # GRANT ... ON TABLE may name a sequence, so what one has is at least a relation's.
        what = "table" if word in _SEQUENCE else "relation"
        raise InvalidGrantOperation(f"invalid privilege type {word.upper()} for {what}")
    if word not in _RIGHTS[statement.kind]:
        raise InvalidGrantOperation(f"invalid privilege type {word.upper()} for {statement.kind}")


def _require_columns(context: DdlContext, item: NamedObject, columns: tuple[str, ...]) -> None:
    found = find_relation(context, item.name)
    if isinstance(found, Sequence):
        return
    names = {column.name for column in found.columns}
    for name in columns:
        if name not in names:
            raise UndefinedColumn(f'column "{name}" of relation "{found.name}" does not exist')


def require_role(role: Role) -> None:
    """Raise UndefinedObject unless the role is the one that there is, or PUBLIC."""
    if not role.is_public and role.name not in (None, _OWNER):
        raise UndefinedObject(f'role "{role.name}" does not exist', position=role.position)


def grant_role(context: DdlContext, statement: GrantRole) -> str:
    """Run GRANT of roles: the one that there is cannot be its own member."""
    for name in statement.granted:
        if name != _OWNER:
            raise UndefinedObject(f'role "{name}" does not exist', position=statement.position)
    if not statement.is_revoke:
        raise InvalidGrantOperation(f'role "{_OWNER}" is a member of role "{_OWNER}"')
    return "REVOKE ROLE"


def alter_default_privileges(context: DdlContext, statement: AlterDefaultPrivileges) -> str:
    """Run ALTER DEFAULT PRIVILEGES: looked at like GRANT, and as empty of effect."""
    for role in statement.owners:
        require_role(role)
    if statement.schemas and statement.grant.kind == "schema":
        raise InvalidGrantOperation(
            "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS"
        )
    grant(context, statement.grant)
    for name in statement.schemas:
        context.find_namespace(name, -1)
    return "ALTER DEFAULT PRIVILEGES"


def refuse_owned(_context: DdlContext, statement: OwnedObjects) -> str:
    """Refuse REASSIGN OWNED and DROP OWNED: the one user that there is owns the system's own objects too."""
    for role in (*statement.owners, *(() if statement.heir is None else (statement.heir,))):
        require_role(role)
    act = "drop objects" if statement.heir is None else "reassign ownership of objects"
    raise DependentObjectsStillExist(
        f"cannot {act} owned by role {_OWNER} because they are required by the database system"
    )


def refuse_label(_context: DdlContext, statement: SecurityLabel) -> str:
    """Refuse SECURITY LABEL: there are no providers."""
    if statement.provider is None:
        raise InvalidParameterValue("no security label providers have been loaded")
    raise InvalidParameterValue(f'security label provider "{statement.provider}" is not loaded')


def change_object_owner(context: DdlContext, statement: ChangeObjectOwner) -> str:
    """Run ALTER ... OWNER TO: the owner is who it was."""
    require_role(statement.role)
    _FINDERS[statement.kind](context, statement.item)
    return f"ALTER {statement.kind.upper()}"


# What must be there.


def _find_relation(context: DdlContext, item: NamedObject) -> Oid:
    return find_relation(context, item.name).oid


def _find_schema(context: DdlContext, item: NamedObject) -> Oid:
    return context.find_namespace(item.name.name, item.name.position).oid


def _find_function(context: DdlContext, item: NamedObject) -> None:
    name = item.name.name
    if item.name.schema in (None, "pg_catalog") and (
        has_function(name) or has_aggregate(name) or has_window_function(name)
    ):
        return
    found = context.catalog.find_functions(name, item.name.schema, context.search_path)
    if item.parameters is None:
        if not found:
            raise UndefinedFunction(f'could not find a function named "{name}"')
        if len(found) > 1:
            raise AmbiguousFunction(f'function name "{name}" is not unique')
        return
    types = tuple([context.runner.resolve_type(each) for each in item.parameters])
    if all(each.parameter_types != types for each in found):
        shown = ",".join([str(each) for each in types])
        raise UndefinedFunction(f"function {name}({shown}) does not exist")


def _find_type(context: DdlContext, item: NamedObject) -> None:
    find_user_type(context, item.name)


def _find_among(what: str, names: tuple[str, ...]) -> Callable[[DdlContext, NamedObject], object]:
    def find(context: DdlContext, item: NamedObject) -> None:
        if item.name.name not in names:
            raise UndefinedObject(f'{what} "{item.name.name}" does not exist')

    return find


def _find_database(context: DdlContext, item: NamedObject) -> None:
    ((name,),) = context.runner.query("SELECT current_database()")
    if item.name.name != name:
        raise InvalidCatalogName(f'database "{item.name.name}" does not exist')


_FINDERS: dict[str, Callable[[DdlContext, NamedObject], object]] = {
    "table": _find_relation,
    "sequence": lambda context, item: find_sequence(context, item.name),
    "schema": _find_schema,
    "function": _find_function,
    "type": _find_type,
    "domain": _find_type,
    "statistics": lambda context, item: find_statistics(context, item.name, if_exists=False),
    "language": _find_among("language", _LANGUAGES),
    "tablespace": _find_among("tablespace", _TABLESPACES),
    "database": _find_database,
}
