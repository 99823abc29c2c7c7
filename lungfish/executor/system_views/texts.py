"""Objects written back as SQL: what pg_get_indexdef and pg_get_constraintdef give."""

from __future__ import annotations

import re

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Constraint, Index, IndexColumn, Table
from lungfish.sql.quoting import quote_identifier, quote_qualified

_CALL = re.compile(r"[a-z_][\w.]*\([^()]*\)")


def index_definition(
    catalog: Catalog, table: Table, index: Index, *, is_pretty: bool = False
) -> str:
    """The CREATE INDEX statement of an index; `is_pretty` without the parentheses that SQL can do without."""
    unique = "UNIQUE " if index.is_unique else ""
    schema = quote_identifier(catalog.namespace_name(table.namespace_oid))
    keys = ", ".join(index_key(table, key) for key in index.columns)
    text = (
        f"CREATE {unique}INDEX {quote_identifier(index.name)} ON {schema}.{quote_identifier(table.name)} "
        f"USING {index.method} ({keys})"
    )
    if index.include:
        text += f" INCLUDE ({column_list(table, index.include)})"
    if index.nulls_not_distinct:
        text += " NULLS NOT DISTINCT"
    if index.predicate is not None:
        text += f" WHERE {index.predicate}" if is_pretty else f" WHERE ({index.predicate})"
    return text


def index_key(table: Table, key: IndexColumn, *, with_order: bool = True) -> str:
    """A key column or expression, with its order where that is not the usual one."""
    if key.expression is not None:
        # A mere call needs no parentheses.
        is_call = _CALL.fullmatch(key.expression) is not None
        text = key.expression if is_call else f"({key.expression})"
    else:
        text = quote_identifier(table.columns[table.position_of_number(key.column_number)].name)
    if not with_order:
        return text
    if key.is_descending:
        return f"{text} DESC" if key.nulls_first else f"{text} DESC NULLS LAST"
    return f"{text} NULLS FIRST" if key.nulls_first else text


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
    is_qualified: bool = False,
    is_pretty: bool = False,
) -> str:
    """What stands behind CONSTRAINT name.

    `is_qualified`: a table that it refers to is named with its schema; `is_pretty`: without the parentheses that SQL can do without.
    """
    columns = column_list(table, constraint.columns) if constraint.kind != "check" else ""
    match constraint.kind:
        case "check":
            text = f"CHECK ({constraint.check})" if is_pretty else f"CHECK (({constraint.check}))"
        case "foreign key":
            assert constraint.referenced_table_oid is not None
            target = catalog.table(constraint.referenced_table_oid)
            schema = catalog.namespace_name(target.namespace_oid) if is_qualified else None
            text = (
                f"FOREIGN KEY ({columns}) REFERENCES {quote_qualified(schema, target.name)}"
                f"({column_list(target, constraint.referenced_columns)})"
            )
            if constraint.match == "full":
                text += " MATCH FULL"
            if constraint.on_update != "no action":
                text += f" ON UPDATE {constraint.on_update.upper()}"
            if constraint.on_delete != "no action":
                text += f" ON DELETE {constraint.on_delete.upper()}"
            if constraint.delete_columns:
                text += f" ({column_list(table, constraint.delete_columns)})"
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


def _key_definition(table: Table, constraint: Constraint, kind: str, columns: str) -> str:
    """A primary key or unique constraint, with what its index has beyond the key."""
    index = next((each for each in table.indexes if each.oid == constraint.index_oid), None)
    nulls = " NULLS NOT DISTINCT" if index is not None and index.nulls_not_distinct else ""
    text = f"{kind}{nulls} ({columns})"
    if index is not None and index.include:
        text += f" INCLUDE ({column_list(table, index.include)})"
    return text
