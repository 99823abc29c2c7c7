"""Objects written back as SQL: what pg_get_indexdef and pg_get_constraintdef give."""

from __future__ import annotations

import re

from lungfish import errors
from lungfish.catalog import Catalog
from lungfish.catalog.chosen_names import choose_name
from lungfish.catalog.objects import (
    Column,
    Constraint,
    Index,
    IndexColumn,
    Oid,
    RoutineParameter,
    Table,
    UserType,
    View,
)
from lungfish.planner import (
    Deparsing,
    deparse_query,
    show_default,
    show_key,
    show_stored,
    stored_names,
)
from lungfish.sql.quoting import quote_identifier, quote_literal, quote_qualified
from lungfish.types.sql_type import SqlType

USUAL_PATH = ("public",)


def view_definition(catalog: Catalog, view: View | Table, how: Deparsing) -> str:
    """A view's query with a semicolon behind it. Raises FeatureNotSupported."""
    names = [column.name for column in view.columns]
    return f"{deparse_query(view.query, names, view.search_path, (catalog, catalog), how)};"


def listed_definition(catalog: Catalog, view: View | Table, search_path: tuple[str, ...]) -> str:
    """As `view_definition`; what cannot be written back is given as it is kept, so that the others can be listed beside it."""
    try:
        return view_definition(catalog, view, Deparsing(search_path))
    except errors.Error:
        return f"{view.query};"


def index_definition(
    catalog: Catalog,
    table: Table,
    index: Index,
    *,
    how: Deparsing | None = None,
    is_whole: bool = False,
) -> str:
    """The CREATE INDEX statement of an index; `how` where it is to be pretty, and to leave out a schema that needs not be said.

    PostgreSQL shows that of a partitioned table with ONLY, as if its partitions had no part of it; `is_whole`: without.
    """
    shown = how or Deparsing(USUAL_PATH)
    unique = "UNIQUE " if index.is_unique or index.is_period else ""
    schema = catalog.namespace_name(table.namespace_oid)
    named = (
        _visible_name(catalog, table, shown.search_path)
        if shown.is_pretty
        else quote_qualified(schema, table.name)
    )
    keys = ", ".join(index_key(catalog, table, key, how=shown) for key in index.columns)
    only = "" if is_whole or table.partition_key is None else "ONLY "
    text = (
        f"CREATE {unique}INDEX {quote_identifier(index.name)} ON {only}{named} "
        f"USING {index.method} ({keys})"
    )
    if index.include:
        text += f" INCLUDE ({column_list(table, index.include)})"
    if index.nulls_not_distinct:
        text += " NULLS NOT DISTINCT"
    if index.parameters:
        text += f" WITH ({with_list(index.parameters)})"
    if index.predicate is not None:
        text += f" WHERE {predicate_text(catalog, table, index, how=shown)}"
    return text


def with_list(parameters: tuple[str, ...]) -> str:
    """What stands in WITH (...)."""
    pairs = [text.partition("=") for text in parameters]
    return ", ".join(
        [
            f"{quote_identifier(name)}="
            f"{value if quote_identifier(value) == value else quote_literal(value)}"
            for name, _, value in pairs
        ]
    )


def _visible_name(catalog: Catalog, table: Table, search_path: tuple[str, ...]) -> str:
    """The table's name, with its schema unless the search path finds it."""
    found = catalog.find_relation(table.name, None, search_path)
    if found is not None and found.oid == table.oid:
        return quote_identifier(table.name)
    return quote_qualified(catalog.namespace_name(table.namespace_oid), table.name)


def predicate_text(
    catalog: Catalog, table: Table, index: Index, *, how: Deparsing | None = None
) -> str | None:
    """The condition of a partial index."""
    if index.predicate is None:
        return None
    shown = how or Deparsing(USUAL_PATH)
    return show_stored(index.predicate, table, catalog, what="index predicates", how=shown)


def index_key(
    catalog: Catalog,
    table: Table,
    key: IndexColumn,
    *,
    with_order: bool = True,
    how: Deparsing | None = None,
) -> str:
    """A key column or expression; `with_order`: what it is ordered by too, where that is not the usual."""
    if key.expression is not None:
        text = show_key(key.expression, table, catalog, how=how or Deparsing(USUAL_PATH))
    else:
        text = quote_identifier(table.columns[table.position_of_number(key.column_number)].name)
        if with_order and key.collation is not None:
            text += f" COLLATE {quote_identifier(key.collation)}"
    if not with_order:
        return text
    if key.operator_class is not None:
        text += f" {quote_identifier(key.operator_class)}"
    if key.is_descending:
        return f"{text} DESC" if key.nulls_first else f"{text} DESC NULLS LAST"
    return f"{text} NULLS FIRST" if key.nulls_first else text


def default_text(
    catalog: Catalog, table: Table, column: Column, search_path: tuple[str, ...]
) -> str | None:
    """A column's default, or the expression that it is generated by."""
    how = Deparsing(search_path)
    if column.generated is not None:
        what = "column generation expressions"
        return show_stored(column.generated, table, catalog, what=what, how=how)
    if column.default is None or column.default.strip().upper() == "NULL":
        return None
    return show_default(column.default, table, column, catalog, how=how)


def parameter_default_text(catalog: Catalog, parameter: RoutineParameter) -> str | None:
    """The default of a routine's parameter."""
    if parameter.default is None:
        return None
    return _default_of(catalog, parameter.name, parameter.type, parameter.default)


def domain_default_text(catalog: Catalog, domain: UserType) -> str | None:
    """A domain's default."""
    if domain.default is None:
        return None
    assert domain.base is not None, "a domain has a type beneath"
    return _default_of(catalog, domain.name, domain.base, domain.default)


def _default_of(catalog: Catalog, name: str, kind: SqlType, text: str) -> str:
    """A default of what is no column, shown as that of one."""
    value = Column(name, kind, 1)
    over = Table(Oid(0), "", Oid(0), 0, (value,), (kind,), (0,))
    return show_default(text, over, value, catalog)


def pretty_text(
    catalog: Catalog, table: Table | None, text: str, search_path: tuple[str, ...]
) -> str:
    """An expression of the system views, which hold the plain form, in the pretty one."""
    how = Deparsing(search_path, is_pretty=True)
    over = table or Table(Oid(0), "", Oid(0), 0, (), (), ())
    what = "column generation expressions"
    # The plain form leaves out the schemas that the search path makes needless.
    text = stored_names(text, over, (catalog, catalog), search_path, what=what)
    return show_stored(text, over, catalog, what=what, how=how)


# A quoted text or name, or the word by which a domain's check calls the value.
_VALUE_WORD = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\bvalue\b""")


def domain_check_text(
    catalog: Catalog, domain: UserType, text: str, how: Deparsing | None = None
) -> str:
    """A check of a domain as pg_get_constraintdef writes it."""
    assert domain.base is not None, "a domain has a type beneath"
    value = Column("value", domain.base, 1)
    over = Table(Oid(0), "", Oid(0), 0, (value,), (domain.base,), (0,))
    shown = show_stored(
        text, over, catalog, what="check constraints", how=how or Deparsing(USUAL_PATH)
    )
    written = _VALUE_WORD.sub(
        lambda found: "VALUE" if found.group() == "value" else found.group(), shown
    )
    return f"CHECK ({written})"


def domain_not_null_name(domain: UserType) -> str:
    """What PostgreSQL calls a domain's NOT NULL that was given no name; here none has one of its own."""
    taken = {name for name, _ in domain.checks}
    return choose_name((domain.name, "not_null"), taken.__contains__)


def column_list(table: Table, numbers: tuple[int, ...]) -> str:
    """The names of columns by their numbers, quoted, with commas."""
    return ", ".join(
        quote_identifier(table.columns[table.position_of_number(number)].name) for number in numbers
    )


def constraint_definition(
    catalog: Catalog,
    table: Table,
    constraint: Constraint,
    *,
    how: Deparsing | None = None,
) -> str:
    """What stands behind CONSTRAINT name. `how`: the search path that a table it refers to is looked for in, and whether it is
    pretty."""
    shown = how or Deparsing(USUAL_PATH)
    is_listed = constraint.kind not in ("check", "exclude")
    columns = column_list(table, constraint.columns) if is_listed else ""
    match constraint.kind:
        case "check":
            assert constraint.check is not None
            check = show_stored(
                constraint.check, table, catalog, what="check constraints", how=shown
            )
            text = f"CHECK ({check}){' NO INHERIT' if constraint.is_no_inherit else ''}"
        case "foreign key":
            assert constraint.referenced_table_oid is not None
            target = catalog.table(constraint.referenced_table_oid)
            named = _visible_name(catalog, target, shown.search_path)
            referenced = column_list(target, constraint.referenced_columns)
            if constraint.has_period:
                columns, referenced = (_with_period(each) for each in (columns, referenced))
            text = f"FOREIGN KEY ({columns}) REFERENCES {named}({referenced})"
            if constraint.match == "full":
                text += " MATCH FULL"
            if constraint.on_update != "no action":
                text += f" ON UPDATE {constraint.on_update.upper()}"
            if constraint.on_delete != "no action":
                text += f" ON DELETE {constraint.on_delete.upper()}"
            if constraint.delete_columns:
                text += f" ({column_list(table, constraint.delete_columns)})"
        case "not null":
            text = f"NOT NULL {columns}{' NO INHERIT' if constraint.is_no_inherit else ''}"
        case "exclude":
            text = _exclusion_definition(catalog, table, constraint, shown)
        case kind:
            text = _key_definition(table, constraint, kind.upper(), columns)
    if constraint.is_deferrable:
        text += " DEFERRABLE"
    if constraint.is_initially_deferred:
        text += " INITIALLY DEFERRED"
    if not constraint.is_enforced:
        text += " NOT ENFORCED"
    elif not constraint.is_validated:
        text += " NOT VALID"
    return text


def _with_period(columns: str) -> str:
    """A list of columns of which the last one is a PERIOD."""
    head, comma, last = columns.rpartition(", ")
    return f"{head}{comma}PERIOD {last}"


def _exclusion_definition(
    catalog: Catalog, table: Table, constraint: Constraint, how: Deparsing
) -> str:
    """An exclusion constraint, by its index."""
    index = next(each for each in table.indexes if each.oid == constraint.index_oid)
    elements = ", ".join(
        f"{index_key(catalog, table, key, how=how)} WITH {operator}"
        for key, operator in zip(index.columns, constraint.operators, strict=True)
    )
    text = f"EXCLUDE USING {index.method} ({elements})"
    if index.include:
        text += f" INCLUDE ({column_list(table, index.include)})"
    if index.parameters:
        text += f" WITH ({with_list(index.parameters)})"
    if index.predicate is not None:
        text += f" WHERE ({predicate_text(catalog, table, index, how=how)})"
    return text


def _key_definition(table: Table, constraint: Constraint, kind: str, columns: str) -> str:
    """A primary key or unique constraint, with what its index has beyond the key."""
    index = next((each for each in table.indexes if each.oid == constraint.index_oid), None)
    nulls = " NULLS NOT DISTINCT" if index is not None and index.nulls_not_distinct else ""
    period = " WITHOUT OVERLAPS" if constraint.is_period else ""
    text = f"{kind}{nulls} ({columns}{period})"
    if index is not None and index.include:
        text += f" INCLUDE ({column_list(table, index.include)})"
    return text
