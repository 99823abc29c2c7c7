"""Constraints of tables and of domains, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.chosen_names import domain_not_null_name
from lungfish.catalog.objects import (
    Constraint,
    Index,
    Oid,
    SqlFunction,
    SystemView,
    Table,
)
from lungfish.executor.ddl.routine_users import uses_routine
from lungfish.executor.system_views.information_schema.columns import domains
from lungfish.executor.system_views.information_schema.definition import (
    NO_NAME,
    Names,
    standard_of,
    yes_or_no,
)
from lungfish.executor.system_views.information_schema.listed_routines import specific_name
from lungfish.executor.system_views.texts import domain_check_text
from lungfish.planner import show_stored

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
_KEYS = ("primary key", "unique")
_USUAL = (*_KEYS, "foreign key")


def _constraints(names: Names) -> Iterator[tuple[Table, Constraint]]:
    """Those of tables that the standard knows: exclusion is PostgreSQL's own."""
    for table in names.catalog.tables():
        for item in table.constraints:
            if item.kind != "exclude":
                yield table, item


def _name(names: Names, table: Table, item: Constraint) -> tuple[str, str, str]:
    return names.within(table.namespace_oid, item.name)


def _index(table: Table, oid: Oid | None) -> Index | None:
    return next((each for each in table.indexes if each.oid == oid), None)


def _table_constraints(context: ExecutionContext) -> Rows:
    names = Names(context)
    for table, item in _constraints(names):
        index = _index(table, item.index_oid) if item.kind == "unique" else None
        yield (
            *_name(names, table, item), *names.of(table), "CHECK" if item.kind == "not null" else item.kind.upper(),
            yes_or_no(is_so=item.is_deferrable), yes_or_no(is_so=item.is_initially_deferred),
            yes_or_no(is_so=item.is_enforced), None if index is None else yes_or_no(is_so=not index.nulls_not_distinct),
        )  # fmt: skip


def _key_column_usage(context: ExecutionContext) -> Rows:
    names = Names(context)
    for table, item in _constraints(names):
        if item.kind not in _USUAL:
            continue
        places = _places_in_key(names, item)
        for position, number in enumerate(item.columns, 1):
            column = table.columns[table.position_of_number(number)]
            place = places[position - 1] if places else None
            yield *_name(names, table, item), *names.of(table), column.name, position, place


def _places_in_key(names: Names, item: Constraint) -> list[int]:
    """Of a foreign key: where in the key that it refers to each of its columns has its counterpart."""
    if item.referenced_table_oid is None:
        return []
    target = names.catalog.table(item.referenced_table_oid)
    index = _index(target, item.referenced_index_oid)
    assert index is not None, "a foreign key refers to a unique index"
    keys = [key.column_number for key in index.columns]
    return [keys.index(number) + 1 for number in item.referenced_columns]


def _referential_constraints(context: ExecutionContext) -> Rows:
    names = Names(context)
    for table, item in _constraints(names):
        if item.referenced_table_oid is not None:
            target = names.catalog.table(item.referenced_table_oid)
            key = next(
                (
                    each
                    for each in target.constraints
                    if each.index_oid == item.referenced_index_oid
                ),
                None,
            )
            # A unique index without a constraint is not in the standard.
            unique = NO_NAME if key is None else _name(names, target, key)
            yield (
                *_name(names, table, item), *unique, "FULL" if item.match == "full" else "NONE", item.on_update.upper(),
                item.on_delete.upper(),
            )  # fmt: skip


def _check_constraints(context: ExecutionContext) -> Rows:
    names = Names(context)
    for table, item in _constraints(names):
        if item.check is not None:
            shown = show_stored(item.check, table, context.catalog, what="check constraints")
            yield *_name(names, table, item), shown
        elif item.kind == "not null":
            column = table.columns[table.position_of_number(item.columns[0])]
            yield *_name(names, table, item), f"{column.name} IS NOT NULL"
    for domain, _ in domains(names):
        for name, text in domain.checks:
            shown = domain_check_text(context.catalog, domain, text)
            clause = shown.removeprefix("CHECK (").removesuffix(")")
            yield *names.within(domain.namespace_oid, name), clause
        if domain.is_not_null:
            yield (
                *names.within(domain.namespace_oid, domain_not_null_name(domain)),
                "VALUE IS NOT NULL",
            )


def _domain_constraints(context: ExecutionContext) -> Rows:
    names = Names(context)
    for domain, _ in domains(names):
        found = [name for name, _ in domain.checks]
        if domain.is_not_null:
            found.append(domain_not_null_name(domain))
        for name in found:
            yield *names.within(domain.namespace_oid, name), *names.of(domain), "NO", "NO"


def _constraint_columns(context: ExecutionContext) -> Rows:
    names = Names(context)
    for table, item in _constraints(names):
        used, numbers = table, item.columns
        if item.referenced_table_oid is not None:
            used = names.catalog.table(item.referenced_table_oid)
            numbers = item.referenced_columns
        for number in numbers:
            column = used.columns[used.position_of_number(number)]
            yield *names.of(used), column.name, *_name(names, table, item)


def _constraint_tables(context: ExecutionContext) -> Rows:
    names = Names(context)
    for table, item in _constraints(names):
        if item.referenced_table_oid is not None:
            used = names.catalog.table(item.referenced_table_oid)
            yield *names.of(used), *_name(names, table, item)
        elif item.kind in _KEYS:
            yield *names.of(table), *_name(names, table, item)


def _check_routines(context: ExecutionContext) -> Rows:
    names = Names(context)
    own = [item for item in context.catalog.objects() if isinstance(item, SqlFunction)]
    for full, text in _check_texts(names):
        for item in own:
            if uses_routine(text, item):
                yield *full, *names.within(item.namespace_oid, specific_name(item.name, item.oid))


def _check_texts(names: Names) -> Iterator[tuple[tuple[str, str, str], str]]:
    for table, item in _constraints(names):
        if item.check is not None:
            yield _name(names, table, item), item.check
    for domain, _ in domains(names):
        for name, text in domain.checks:
            yield names.within(domain.namespace_oid, name), text


CONSTRAINT_VIEWS: tuple[SystemView, ...] = (
    standard_of(
        12205,
        "table_constraints",
        "constraint*, table*, constraint_type varchar, is_deferrable flag, initially_deferred flag, enforced flag,"
        " nulls_distinct flag",
        _table_constraints,
    ),
    standard_of(
        12206,
        "key_column_usage",
        "constraint*, table*, column_name, ordinal_position int4, position_in_unique_constraint int4",
        _key_column_usage,
    ),
    standard_of(
        12207,
        "referential_constraints",
        "constraint*, unique_constraint*, match_option varchar, update_rule varchar, delete_rule varchar",
        _referential_constraints,
    ),
    standard_of(
        12208, "check_constraints", "constraint*, check_clause varchar", _check_constraints
    ),
    standard_of(
        12209, "constraint_column_usage", "table*, column_name, constraint*", _constraint_columns
    ),
    standard_of(12223, "constraint_table_usage", "table*, constraint*", _constraint_tables),
    standard_of(
        12224,
        "domain_constraints",
        "constraint*, domain*, is_deferrable flag, initially_deferred flag",
        _domain_constraints,
    ),
    standard_of(12225, "check_constraint_routine_usage", "constraint*, specific*", _check_routines),
)
