"""The objects of the catalog as the statements that make them: CREATE, ALTER ... ADD, COMMENT ON.

Every name has its schema. Stored texts (defaults, checks, queries) stand as they were written, and mean the same under the search path
that the dump sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lungfish.catalog import Catalog
from lungfish.catalog.aggregate_parts import SupportFunction
from lungfish.catalog.chosen_names import domain_not_null_name
from lungfish.catalog.inheritance import not_null_of
from lungfish.catalog.names import qualified, type_text
from lungfish.catalog.objects import (
    Column,
    Constraint,
    Index,
    Namespace,
    Oid,
    Rule,
    SqlFunction,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.routine_texts import aggregate_text, definition_text
from lungfish.executor.partition_texts import partition_bound_text, partition_key_text
from lungfish.executor.system_views.pg_rewrite import rule_definition
from lungfish.executor.system_views.texts import constraint_definition, with_list
from lungfish.planner import Deparsing
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.types.sql_type import SqlType, TypeKind


def create_schema(catalog: Catalog, item: Namespace) -> str:
    """CREATE SCHEMA."""
    return f"CREATE SCHEMA {qualified(catalog, item)};"


def create_type(catalog: Catalog, item: UserType) -> str:
    """CREATE TYPE or CREATE DOMAIN."""
    name = qualified(catalog, item)
    if item.base is not None:
        base = type_text(catalog, item.base)
        if item.collation is not None:
            base += f" COLLATE {quote_identifier(item.collation)}"
        return f"CREATE DOMAIN {name} AS {base}{_domain_rules(item)};"
    if item.type.kind is TypeKind.ENUM:
        labels = ",\n".join(f"    {quote_literal(label)}" for label in item.type.labels)
        return f"CREATE TYPE {name} AS ENUM (\n{labels}\n);"
    if item.type.kind is TypeKind.RANGE and item.type.element is not None:
        subtype = type_text(catalog, item.type.element)
        multirange = catalog.object(Oid(item.oid + 1))
        assert isinstance(multirange, UserType), "a range type has one"
        named = qualified(catalog, multirange)
        return f"CREATE TYPE {name} AS RANGE (\n    subtype = {subtype},\n    multirange_type_name = {named}\n);"
    fields = ",\n".join(
        f"    {quote_identifier(field)} {type_text(catalog, kind)}"
        for field, kind in zip(item.type.labels, item.type.fields, strict=True)
    )
    return f"CREATE TYPE {name} AS (\n{fields}\n);"


def _domain_rules(item: UserType) -> str:
    rules = "" if item.default is None else f" DEFAULT {item.default}"
    if item.is_not_null:
        name = domain_not_null_name(item)
        is_usual = name == domain_not_null_name(replace(item, not_null_name=None))
        rules += " NOT NULL" if is_usual else f" CONSTRAINT {quote_identifier(name)} NOT NULL"
    for name, text in item.checks:
        rules += f"\n    CONSTRAINT {quote_identifier(name)} CHECK ({text})"
    return rules


def create_function(catalog: Catalog, item: SqlFunction) -> str:
    """CREATE FUNCTION, CREATE PROCEDURE or CREATE AGGREGATE."""

    def shown(kind: SqlType) -> str:
        return type_text(catalog, kind)

    def support(function: SupportFunction) -> str:
        found = catalog.object(Oid(function.oid)) if function.oid else None
        return function.name if not isinstance(found, SqlFunction) else qualified(catalog, found)

    if item.aggregate is not None:
        return f"{aggregate_text(qualified(catalog, item), item, shown, support)};"
    return f"{definition_text(qualified(catalog, item), item, shown)};"


def _sequence_options(item: SequenceObject) -> str:
    cycle = " CYCLE" if item.is_cycle else ""
    return (
        f"START WITH {item.start} INCREMENT BY {item.increment} MINVALUE {item.minimum}"
        f" MAXVALUE {item.maximum} CACHE {item.cache}{cycle}"
    )


def create_sequence(catalog: Catalog, item: SequenceObject) -> str:
    """CREATE SEQUENCE."""
    return f"CREATE SEQUENCE {qualified(catalog, item)} AS {item.type} {_sequence_options(item)};"


def own_sequence(catalog: Catalog, item: SequenceObject) -> str | None:
    """ALTER SEQUENCE ... OWNED BY, of a sequence that a column owns."""
    if item.owner_table_oid is None or item.owner_column is None:
        return None
    table = catalog.table(item.owner_table_oid)
    column = table.columns[table.position_of_number(item.owner_column)]
    return (
        f"ALTER SEQUENCE {qualified(catalog, item)}"
        f" OWNED BY {qualified(catalog, table)}.{quote_identifier(column.name)};"
    )


def create_table(catalog: Catalog, item: Table) -> str:
    """CREATE TABLE, without what comes after the data: keys, checks, indexes.

    A partition is made as a table of its own, and attached afterwards (`attach_partition`). A table that inherits has its own columns
    only; what it says otherwise of those of its parents is `inherited_columns`.
    """
    unlogged = "UNLOGGED " if item.persistence == "unlogged" else ""
    own = item.columns if not _inherits(item) else [each for each in item.columns if each.is_local]
    is_part = item.partition_bound is not None
    columns = ",\n".join(f"    {_column(catalog, item, column, is_part=is_part)}" for column in own)
    text = f"CREATE {unlogged}TABLE {qualified(catalog, item)} "
    text += f"(\n{columns}\n)" if columns else "()"
    if _inherits(item):
        parents = ", ".join(qualified(catalog, catalog.table(oid)) for oid in item.parents)
        text += f"\nINHERITS ({parents})"
    if item.partition_key is not None:
        text += f"\nPARTITION BY {partition_key_text(item)}"
    text += _with(item)
    if item.of_type_oid is not None:
        of_type = catalog.object(item.of_type_oid)
        assert isinstance(of_type, UserType), "a typed table's type stays while it does"
        text += f";\nALTER TABLE {qualified(catalog, item)} OF {qualified(catalog, of_type)}"
    return f"{text};"


def _with(item: Table) -> str:
    """The storage parameters."""
    return f"\nWITH ({with_list(item.parameters)})" if item.parameters else ""


def _inherits(item: Table) -> bool:
    return bool(item.parents) and item.partition_bound is None


def inherited_columns(catalog: Catalog, item: Table) -> Iterator[str]:
    """What a table that inherits says of its parents' columns: defaults and NOT NULL of its own."""
    if not _inherits(item):
        return
    name = qualified(catalog, item)
    for column in item.columns:
        if column.is_local:
            continue
        change = f"ALTER TABLE ONLY {name} ALTER COLUMN {quote_identifier(column.name)}"
        before = [
            parent.columns[at]
            for parent in map(catalog.table, item.parents)
            if (at := parent.column_position(column.name)) is not None
        ]
        if column.generated is None and any(each.default != column.default for each in before):
            default = "DROP DEFAULT" if column.default is None else f"SET DEFAULT {column.default}"
            yield f"{change} {default};"
        if column.is_never_null and column.is_not_null_local:
            yield f"{change} SET NOT NULL;"


def attach_partition(catalog: Catalog, item: Table) -> str | None:
    """ALTER TABLE ... ATTACH PARTITION, of a partition."""
    if item.partition_bound is None:
        return None
    parent = catalog.table(item.parents[0])
    return (
        f"ALTER TABLE ONLY {qualified(catalog, parent)}\n"
        f"    ATTACH PARTITION {qualified(catalog, item)} {partition_bound_text(item, catalog)};"
    )


def is_own_constraint(catalog: Catalog, table: Table, item: Constraint) -> bool:
    """Whether the table has a constraint by itself: those of a parent come with the parent's, NOT NULL with its column."""
    if not item.is_local or item.parent_oid is not None:
        return False
    if item.kind == "not null":
        # One that rows may contradict comes behind them.
        return not item.is_validated
    return item.kind != "check" or not any(
        each.name == item.name and each.kind == "check" and not each.is_no_inherit
        for oid in table.parents
        for each in catalog.table(oid).constraints
    )


def _column(catalog: Catalog, table: Table, column: Column, *, is_part: bool) -> str:
    text = f"{quote_identifier(column.name)} {type_text(catalog, column.type)}"
    if column.collation is not None:
        text += f" COLLATE {quote_identifier(column.collation)}"
    if column.generated is not None:
        text += f" GENERATED ALWAYS AS ({column.generated})"
        text += " VIRTUAL" if column.is_virtual else " STORED"
    elif column.identity is not None:
        # A partition has the identity of its parent.
        text += "" if is_part else _identity(catalog, column)
    elif column.default is not None:
        text += f" DEFAULT {_default(catalog, column)}"
    return text + _not_null(table, column)


def _not_null(table: Table, column: Column) -> str:
    """NOT NULL, with the name of its constraint if it is not the one that would be chosen."""
    if not column.is_never_null:
        return ""
    named = not_null_of(table, column)
    tail = " NO INHERIT" if column.keeps_not_null else ""
    if named is None or named.name == f"{table.name}_{column.name}_not_null":
        return f" NOT NULL{tail}"
    return f" CONSTRAINT {quote_identifier(named.name)} NOT NULL{tail}"


def _identity(catalog: Catalog, column: Column) -> str:
    assert column.sequence_oid is not None, "an identity column has a sequence"
    sequence = catalog.object(column.sequence_oid)
    assert isinstance(sequence, SequenceObject), "what it names is a sequence"
    assert column.identity is not None, "asked of identity columns only"
    return (
        f" GENERATED {column.identity.upper()} AS IDENTITY"
        f" (SEQUENCE NAME {qualified(catalog, sequence)} {_sequence_options(sequence)})"
    )


def _default(catalog: Catalog, column: Column) -> str:
    """The default's text. That of a serial column names its sequence as PostgreSQL does, so that it follows a renaming there."""
    assert column.default is not None, "asked of columns with a default only"
    sequence = None if column.sequence_oid is None else catalog.object(column.sequence_oid)
    if not isinstance(sequence, SequenceObject):
        return column.default
    name = quote_literal(qualified(catalog, sequence))
    if column.default in (f"nextval({name}::text)", f"nextval({name})"):
        return f"nextval({name}::regclass)"
    return column.default


def create_view(catalog: Catalog, item: View | Table, query: str) -> str:
    """CREATE VIEW, or CREATE MATERIALIZED VIEW without its rows."""
    names = ", ".join(quote_identifier(column.name) for column in item.columns)
    columns = f" ({names})" if names else ""
    if isinstance(item, Table):
        return (
            f"CREATE MATERIALIZED VIEW {qualified(catalog, item)}{columns}{_with(item)} AS\n{query}\n"
            "    WITH NO DATA;"
        )
    pairs = [each.partition("=") for each in item.parameters]
    options = ", ".join(f"{name}={quote_literal(value)}" for name, _, value in pairs)
    options = f" WITH ({options})" if options else ""
    return f"CREATE VIEW {qualified(catalog, item)}{columns}{options} AS\n{query};"


def view_defaults(catalog: Catalog, item: View) -> Iterator[str]:
    """ALTER VIEW for the defaults that a view has for what is inserted through it."""
    for column in item.columns:
        if column.default is not None:
            name = quote_identifier(column.name)
            yield (
                f"ALTER VIEW {qualified(catalog, item)} ALTER COLUMN {name}"
                f" SET DEFAULT {column.default};"
            )


_RULE_MODES = {"disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}


def create_rule(catalog: Catalog, relation: Table | View, rule: Rule) -> Iterator[str]:
    """CREATE RULE, and ALTER TABLE for one that does not fire as usual."""
    yield rule_definition(catalog, rule)
    mode = _RULE_MODES.get(rule.mode)
    name = quote_identifier(rule.name)
    if mode is not None:
        yield f"ALTER TABLE {qualified(catalog, relation)} {mode} RULE {name};"
    on = f"{name} ON {qualified(catalog, relation)}"
    yield from object_comment("RULE", on, rule.comment)


def add_constraint(catalog: Catalog, table: Table, item: Constraint) -> str:
    """ALTER TABLE ... ADD CONSTRAINT, for the tables beneath too: those have it from here."""
    definition = constraint_definition(catalog, table, item, how=Deparsing())
    return (
        f"ALTER TABLE {qualified(catalog, table)}\n"
        f"    ADD CONSTRAINT {quote_identifier(item.name)} {definition};"
    )


def comments(catalog: Catalog, item: object) -> Iterator[str]:
    """COMMENT ON an object, and on what belongs to it."""
    match item:
        case Namespace():
            yield from object_comment("SCHEMA", qualified(catalog, item), item.comment)
        case UserType():
            kind = "TYPE" if item.base is None else "DOMAIN"
            yield from object_comment(kind, qualified(catalog, item), item.comment)
            for name, text in item.check_comments:
                on = f"{quote_identifier(name)} ON DOMAIN {qualified(catalog, item)}"
                yield from object_comment("CONSTRAINT", on, text)
        case SqlFunction():
            types = ", ".join(type_text(catalog, kind) for kind in item.parameter_types)
            yield from object_comment(
                item.kind.upper(), f"{qualified(catalog, item)}({types})", item.comment
            )
        case SequenceObject():
            yield from object_comment("SEQUENCE", qualified(catalog, item), item.comment)
        case View():
            yield from object_comment("VIEW", qualified(catalog, item), item.comment)
            yield from _column_comments(catalog, item)
        case Table():
            yield from object_comment(item.kind.upper(), qualified(catalog, item), item.comment)
            yield from _column_comments(catalog, item)
            yield from _part_comments(catalog, item)


def _column_comments(catalog: Catalog, item: Table | View) -> Iterator[str]:
    for column in item.columns:
        name = f"{qualified(catalog, item)}.{quote_identifier(column.name)}"
        yield from object_comment("COLUMN", name, column.comment)


def _part_comments(catalog: Catalog, table: Table) -> Iterator[str]:
    schema = quote_identifier(catalog.namespace_name(table.namespace_oid))
    for index in table.indexes:
        yield from object_comment(
            "INDEX", f"{schema}.{quote_identifier(index.name)}", index.comment
        )
    for constraint in table.constraints:
        name = f"{quote_identifier(constraint.name)} ON {qualified(catalog, table)}"
        yield from object_comment("CONSTRAINT", name, constraint.comment)


def object_comment(kind: str, name: str, text: str | None) -> Iterator[str]:
    """COMMENT ON an object, if it has one."""
    if text is not None:
        yield f"COMMENT ON {kind} {name} IS {quote_literal(text)};"


def plain_indexes(table: Table) -> Iterator[Index]:
    """The indexes that no constraint of the table stands for, and that are no part of a partitioned table's."""
    made: set[Oid | None] = {constraint.index_oid for constraint in table.constraints}
    return (index for index in table.indexes if index.oid not in made and index.parent_oid is None)
