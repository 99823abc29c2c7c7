"""Binding outside of statements: stored expressions, constants, type names, and what a view depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Column, Oid, Table, UserType, View
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.functions.interrupts import compute
from lungfish.planner.bind_domain import check_domain_texts, make_domain_value
from lungfish.planner.bind_stored import (
    bind_over_entry,
    bind_over_stored_row,
    entry_of,
    parse_expression,
    require_no_statements,
)
from lungfish.planner.bind_type import find_type
from lungfish.planner.binder import new_state
from lungfish.planner.coerce import coerce_assignment
from lungfish.planner.constant_value import NotConstant, constant_value
from lungfish.planner.derive_collations import derive_in_expression
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.optimizer import optimize_expression
from lungfish.planner.scope import Clause, Scope
from lungfish.sql.ast.expressions import Expression, TypeName
from lungfish.sql.ast.queries import ObjectName, TableReference
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import SqlType, TypeKind

_CLAUSES = {clause.value: clause for clause in Clause}


def bind_stored_expression(
    text: str,
    table: Table,
    catalog: Catalog,
    search_path: Sequence[str] = ("public",),
    *,
    what: str = Clause.CHECK.value,
) -> BoundExpression:
    """A stored expression over the table's columns by position. `what` is one of `Clause`'s values: "check constraints",
    "DEFAULT expressions", "index expressions", "index predicates", "column generation expressions".
    """
    state = new_state(catalog, tuple(search_path))
    clause = _CLAUSES[what]
    bound = bind_over_stored_row(parse_expression(text), table, state, clause)
    require_no_statements(state, clause)
    return optimize_expression(bound)


def bind_generated(
    column: Column, table: Table, catalog: Catalog, search_path: Sequence[str]
) -> BoundExpression:
    """What makes a generated column, over the table's columns by position and cast as it is assigned to that column."""
    assert column.generated is not None, "asked of generated columns"
    state = new_state(catalog, tuple(search_path))
    node = parse_expression(column.generated)
    entry = entry_of(table, state)
    bound = bind_over_entry(node, entry, state, Clause.GENERATED)
    bound = coerce_assignment(bound, column.type, column.name, state, node.position)
    state.note_collations(table.columns)
    if state.has_collations:
        bound = derive_in_expression(bound, table.columns, state)
    return optimize_expression(bound)


def bind_row_condition(
    node: Expression, table: Table, catalog: Catalog, search_path: Sequence[str]
) -> BoundExpression:
    """The condition of COPY ... WHERE, over the table's columns by position."""
    state = new_state(catalog, tuple(search_path))
    return optimize_expression(bind_over_stored_row(node, table, state, Clause.COPY_WHERE))


def bind_constant(
    node: Expression, wanted: SqlType | None, catalog: Catalog, settings: TextSettings
) -> tuple[Any, SqlType]:
    """The value and type of an expression without columns, as `wanted` if that is given. Raises FeatureNotSupported for
    what can be computed only by executing it.
    """
    state = new_state(catalog, ("public",))
    scope = Scope(state, None)
    scope.clause = Clause.VALUES
    bound = scope.bind(node)
    if wanted is not None and wanted.kind is not TypeKind.UNKNOWN:
        bound = coerce_assignment(bound, wanted, "parameter", state, node.position)
    try:
        return compute(constant_value, bound, settings), bound.type
    except NotConstant:
        raise errors.FeatureNotSupported("an argument must be a constant here").at(
            node.position
        ) from None


def resolve_type_name(
    name: TypeName, catalog: Catalog, search_path: Sequence[str] = ("public",)
) -> SqlType:
    """The type of that name. Raises UndefinedObject."""
    return find_type(name, new_state(catalog, tuple(search_path)))


def bind_domain_texts(
    domain: UserType, catalog: Catalog, search_path: Sequence[str] = ("public",)
) -> None:
    """Bind a domain's default and checks, so that wrong ones are found when it is made or changed."""
    check_domain_texts(domain, new_state(catalog, tuple(search_path)))


def bind_domain_value(
    domain: SqlType, catalog: Catalog, search_path: Sequence[str] = ("public",)
) -> BoundExpression:
    """The checks of a domain, or of a type that holds values of domains, over column 0, a value of the type beneath."""
    state = new_state(catalog, tuple(search_path))
    value: BoundExpression = ColumnRef(state.reserve_columns(1), domain.without_domains, "value")
    for each in (domain.base, domain):
        if each.domain is not None or each.holds_domains:
            value = make_domain_value(value, each, state, -1)
    return optimize_expression(value)


def objects_used(
    node: object, catalog: Catalog, search_path: Sequence[str] = ("public",)
) -> frozenset[Oid]:
    """The oids of the tables, views, sequences and types that a statement or an expression names."""
    found: set[Oid] = set()
    _collect(node, catalog, tuple(search_path), found)
    return frozenset(found)


def _collect(node: object, catalog: Catalog, path: tuple[str, ...], found: set[Oid]) -> None:
    if isinstance(node, tuple):
        for each in node:
            _collect(each, catalog, path, found)
        return
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return
    if isinstance(node, TableReference):
        _note_relation(node.name, catalog, path, found)
    elif isinstance(node, TypeName):
        used = catalog.find_type(node.name, node.schema, path)
        if used is not None:
            found.add(used.oid)
    for field in dataclasses.fields(node):
        _collect(getattr(node, field.name), catalog, path, found)


def _note_relation(
    name: ObjectName, catalog: Catalog, path: tuple[str, ...], found: set[Oid]
) -> None:
    relation = catalog.find_relation(name.name, name.schema, path)
    if isinstance(relation, (Table, View, SequenceObject)):
        found.add(relation.oid)
