"""CREATE SCHEMA, RENAME, SET SCHEMA and COMMENT: changes of what objects are called and said to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lungfish.catalog.catalog import PG_TEMP_OID
from lungfish.catalog.objects import Index, Namespace, Oid, Rule, Sequence, SystemView, Table, View
from lungfish.errors import (
    DuplicateSchema,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidSchemaDefinition,
    ReservedName,
    UndefinedColumn,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor.ddl.composite_types import refuse_attribute_comment, rename_attribute
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.domains import comment_domain_constraint, rename_domain_constraint
from lungfish.executor.ddl.drop import kind_of
from lungfish.executor.ddl.find_roles import find_role
from lungfish.executor.ddl.names import (
    find_named_constraint,
    find_relation,
    find_sequence,
    find_table,
    find_view,
    refuse_taken_name,
    refuse_taken_type,
)
from lungfish.executor.ddl.rename_parts import rename_column, rename_constraint
from lungfish.executor.ddl.roles import comment_role, rename_role
from lungfish.executor.ddl.rules import comment_rule, rename_rule
from lungfish.executor.ddl.sequence_users import rename_in_defaults
from lungfish.executor.ddl.types import find_user_type, move_type, rename_type
from lungfish.sql.ast.ddl import (
    Comment,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    CreateTable,
    CreateView,
    Rename,
    SetSchema,
)
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.rights import Grant


def create_schema(context: DdlContext, statement: CreateSchema) -> str:
    """Run CREATE SCHEMA; answers the command tag."""
    owner = schema_owner(context, statement)
    name = statement.name
    _refuse_reserved(name, statement.position)
    if context.catalog.namespace(name) is not None:
        if statement.if_not_exists:
            context.runner.notice(f'schema "{name}" already exists, skipping')
            return "CREATE SCHEMA"
        raise DuplicateSchema(f'schema "{name}" already exists', position=statement.position)
    with context.change.owned_by(owner):
        context.change.put(Namespace(context.change.new_oid(), name))
    return "CREATE SCHEMA"


def schema_owner(context: DdlContext, statement: CreateSchema) -> Oid:
    """Whom the new schema and what is made with it belong to."""
    if statement.owner is None:
        return context.change.owner
    return find_role(context, statement.owner).oid


# In this order the elements of CREATE SCHEMA are made, as in PostgreSQL.
# Of these there are none, so none can have a comment.
ABSENT_KINDS = ("event trigger", "extension", "foreign-data wrapper", "server", "publication")
_ELEMENT_ORDER = (CreateSequence, CreateTable, CreateView, CreateIndex, Grant)


def schema_elements(context: DdlContext, statement: CreateSchema) -> list[Any]:
    """The elements of CREATE SCHEMA, each with the schema in its name, in the order in which they are to be made."""
    elements = []
    for element in statement.elements:
        kind = type(element)
        if kind not in _ELEMENT_ORDER:
            raise FeatureNotSupported("this element of CREATE SCHEMA is not supported")
        elements.append(_placed(element, statement.name))
    elements.sort(key=lambda item: _ELEMENT_ORDER.index(type(item)))
    return elements


def _placed(element: Any, schema: str) -> Any:
    field = "table" if isinstance(element, CreateIndex) else "name"
    name = getattr(element, field, None)
    if name is None:
        return element
    if name.schema not in (None, schema):
        raise InvalidSchemaDefinition(
            f"CREATE specifies a schema ({name.schema}) different from the one being created ({schema})"
        )
    return replace(element, **{field: replace(name, schema=schema)})


def rename(context: DdlContext, statement: Rename) -> str:
    """Run ALTER ... RENAME; answers the command tag."""
    tag = f"ALTER {statement.kind.upper()}"
    match statement.kind:
        case "role":
            return rename_role(context, statement)
        case "column" | "constraint":
            if not _is_skipped(context, statement):
                (rename_column if statement.kind == "column" else rename_constraint)(
                    context, statement
                )
            return f"ALTER {statement.owner_kind.upper()}"
        case "schema":
            _rename_schema(context, statement)
        case "index":
            _rename_index(context, statement)
        case "table" | "view" | "sequence" | "materialized view":
            _rename_relation(context, statement)
        case "rule":
            rename_rule(context, statement)
        case "type" | "domain":
            rename_type(context, statement)
        case "attribute":
            rename_attribute(context, statement)
            return "ALTER TYPE"
        case "domain constraint":
            rename_domain_constraint(context, statement)
            return "ALTER DOMAIN"
        case kind:
            raise FeatureNotSupported(
                f"ALTER {kind.upper()} ... RENAME is not supported", position=statement.position
            )
    return tag


def _rename_relation(context: DdlContext, statement: Rename) -> None:
    name = statement.name
    if _is_skipped(context, statement):
        return
    if _names_index(context, statement):
        _rename_index(context, statement)
        return
    found = find_relation(context, name)
    if isinstance(found, SystemView):
        raise InsufficientPrivilege(
            f'permission denied: "{found.name}" is a system catalog', position=name.position
        )
    # ALTER TABLE renames anything that has rows; the others only their own.
    if statement.kind != "table" and kind_of(found) != statement.kind:
        raise WrongObjectType(f'"{found.name}" is not a {statement.kind}', position=name.position)
    new_name = ObjectName(statement.new_name, position=statement.position)
    refuse_taken_name(context, found.namespace_oid, new_name)
    namespace = context.catalog.object(found.namespace_oid)
    if isinstance(namespace, Namespace) and not isinstance(found, Sequence):
        refuse_taken_type(context, namespace, new_name)
    if isinstance(found, Table):
        context.runner.lock_table(found, "access exclusive")
    renamed = replace(found, name=statement.new_name)
    if isinstance(found, Sequence) and isinstance(renamed, Sequence):
        rename_in_defaults(context, found, renamed)
    context.change.put(renamed)


def _names_index(context: DdlContext, statement: Rename) -> bool:
    """Whether the name is an index's, which ALTER TABLE may rename too."""
    name = statement.name
    if statement.kind not in ("table", "index"):
        return False
    return context.catalog.find_index(name.name, name.schema, context.search_path) is not None


def _is_skipped(context: DdlContext, statement: Rename) -> bool:
    """Whether the relation is missing and IF EXISTS was said."""
    name = statement.name
    if (
        not statement.if_exists
        or context.catalog.find_relation(name.name, name.schema, context.search_path) is not None
    ):
        return False
    context.runner.notice(f'relation "{name}" does not exist, skipping')
    return True


def _find_index(context: DdlContext, name: ObjectName) -> tuple[Table, Index]:
    found = context.catalog.find_index(name.name, name.schema, context.search_path)
    if found is None:
        if context.catalog.find_relation(name.name, name.schema, context.search_path) is not None:
            raise WrongObjectType(f'"{name.name}" is not an index', position=name.position)
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    return found


def _rename_index(context: DdlContext, statement: Rename) -> None:
    if statement.if_exists and not _names_index(context, statement):
        context.runner.notice(f'relation "{statement.name}" does not exist, skipping')
        return
    table, index = _find_index(context, statement.name)
    refuse_taken_name(
        context, table.namespace_oid, ObjectName(statement.new_name, position=statement.position)
    )
    indexes = tuple(
        replace(item, name=statement.new_name) if item is index else item for item in table.indexes
    )
    constraints = tuple(
        replace(item, name=statement.new_name) if item.index_oid == index.oid else item
        for item in table.constraints
    )
    context.change.put(replace(table, indexes=indexes, constraints=constraints))


def _refuse_reserved(name: str, position: int) -> None:
    if name.startswith("pg_"):
        raise ReservedName(
            f'unacceptable schema name "{name}"',
            position=position,
            detail='The prefix "pg_" is reserved for system schemas.',
        )


def _rename_schema(context: DdlContext, statement: Rename) -> None:
    namespace = context.find_namespace(statement.name.name, statement.name.position)
    if context.catalog.namespace(statement.new_name) is not None:
        raise DuplicateSchema(
            f'schema "{statement.new_name}" already exists', position=statement.position
        )
    _refuse_reserved(statement.new_name, statement.position)
    renamed = replace(namespace, name=statement.new_name)
    for view in list(context.catalog.objects()):
        if isinstance(view, (View, Table, Rule)) and namespace.name in view.search_path:
            path = tuple(
                renamed.name if item == namespace.name else item for item in view.search_path
            )
            context.change.put(replace(view, search_path=path))
    sequences = [
        item for item in context.catalog.sequences() if item.namespace_oid == namespace.oid
    ]
    for sequence in sequences:
        rename_in_defaults(context, sequence, sequence, schema=renamed.name)
    context.change.put(renamed)


def set_schema(context: DdlContext, statement: SetSchema) -> str:
    """Run ALTER ... SET SCHEMA; answers the command tag."""
    tag = f"ALTER {statement.kind.upper()}"
    if statement.kind in ("type", "domain"):
        move_type(context, statement)
        return tag
    if statement.kind not in ("table", "view", "sequence", "materialized view"):
        raise FeatureNotSupported(
            f"{tag} ... SET SCHEMA is not supported", position=statement.position
        )
    name = statement.name
    if (
        statement.if_exists
        and context.catalog.find_relation(name.name, name.schema, context.search_path) is None
    ):
        context.runner.notice(f'relation "{name}" does not exist, skipping')
        return tag
    found = find_relation(context, name)
    if isinstance(found, SystemView) or (
        statement.kind != "table" and kind_of(found) != statement.kind
    ):
        raise WrongObjectType(f'"{found.name}" is not a {statement.kind}', position=name.position)
    namespace = context.find_namespace(statement.schema, statement.position)
    if PG_TEMP_OID in (namespace.oid, found.namespace_oid):
        raise FeatureNotSupported("cannot move objects into or out of temporary schemas")
    if namespace.oid == found.namespace_oid:
        return tag
    refuse_taken_name(context, namespace.oid, name)
    for rule in context.catalog.rules_of(found.oid):
        context.change.put(replace(rule, namespace_oid=namespace.oid))
    if isinstance(found, Table):
        context.runner.lock_table(found, "access exclusive")
        for sequence in context.catalog.owned_sequences(found.oid):
            _move_sequence(context, sequence, namespace)
        found = context.catalog.table(found.oid)
        indexes = tuple(replace(index, namespace_oid=namespace.oid) for index in found.indexes)
        context.change.put(replace(found, namespace_oid=namespace.oid, indexes=indexes))
    elif isinstance(found, Sequence):
        _move_sequence(context, found, namespace)
    else:
        context.change.put(replace(found, namespace_oid=namespace.oid))
    return tag


def _move_sequence(context: DdlContext, sequence: Sequence, namespace: Namespace) -> None:
    moved = replace(sequence, namespace_oid=namespace.oid)
    rename_in_defaults(context, sequence, moved)
    context.change.put(moved)


def comment(context: DdlContext, statement: Comment) -> str:
    """Run COMMENT ON; answers the command tag."""
    name = statement.name
    match statement.kind:
        case "table" | "materialized view":
            context.change.put(replace(find_table(context, name), comment=statement.text))
        case "view":
            context.change.put(replace(find_view(context, name), comment=statement.text))
        case "sequence":
            context.change.put(replace(find_sequence(context, name), comment=statement.text))
        case "schema":
            namespace = context.find_namespace(name.name, name.position)
            context.change.put(replace(namespace, comment=statement.text))
        case "index":
            table, index = _find_index(context, name)
            indexes = tuple(
                replace(item, comment=statement.text) if item is index else item
                for item in table.indexes
            )
            context.change.put(replace(table, indexes=indexes))
        case "type" | "domain":
            found = find_user_type(context, name)
            if statement.kind == "domain" and found.base is None:
                raise WrongObjectType(f'"{name}" is not a domain', position=name.position)
            context.change.put(replace(found, comment=statement.text))
        case "column":
            _comment_column(context, statement)
        case "constraint":
            _comment_constraint(context, statement)
        case "domain constraint":
            comment_domain_constraint(context, statement)
        case "rule":
            comment_rule(context, statement)
        case "role":
            comment_role(context, statement)
        case "trigger" | "policy":
            owner = find_relation(context, name)
            raise UndefinedObject(
                f'{statement.kind} "{statement.sub_name}" for table "{owner.name}" does not exist'
            )
        case kind if kind in ABSENT_KINDS:
            raise UndefinedObject(f'{kind} "{name}" does not exist')
        case kind:
            raise FeatureNotSupported(
                f"COMMENT ON {kind.upper()} is not supported", position=statement.position
            )
    return "COMMENT"


def _comment_column(context: DdlContext, statement: Comment) -> None:
    assert statement.sub_name is not None
    refuse_attribute_comment(context, statement.name)
    owner = find_relation(context, statement.name)
    if not isinstance(owner, (Table, View)):
        raise WrongObjectType(f'"{owner.name}" is not a table, view or materialized view')
    found = [item for item in owner.columns if item.name == statement.sub_name]
    if not found:
        raise UndefinedColumn(
            f'column "{statement.sub_name}" of relation "{owner.name}" does not exist'
        )
    columns = tuple(
        replace(item, comment=statement.text) if item is found[0] else item
        for item in owner.columns
    )
    context.change.put(replace(owner, columns=columns))


def _comment_constraint(context: DdlContext, statement: Comment) -> None:
    assert statement.sub_name is not None
    table = find_table(context, statement.name)
    constraint = find_named_constraint(table, statement.sub_name, statement.position)
    constraints = tuple(
        replace(item, comment=statement.text) if item is constraint else item
        for item in table.constraints
    )
    context.change.put(replace(table, constraints=constraints))
