"""What is to be known of an expression before it is stored with a table: its type, the columns it reads, whether it may change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Column, Oid, Table
from lungfish.functions.registry import Volatility
from lungfish.planner.bind_stored import (
    bind_over_entry,
    entry_of,
    parse_expression,
    require_no_statements,
)
from lungfish.planner.binder import new_state
from lungfish.planner.derive_collations import collation_of_expression
from lungfish.planner.expression_tree import children, columns_of, walk
from lungfish.planner.expressions import BoundExpression, Call, CastTo, ColumnRef, Constant, RowExpr
from lungfish.planner.scope import Clause, Scope
from lungfish.types.collations import collation_of_type
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import TEXT, SqlType, TypeKind

_CLAUSES = {clause.value: clause for clause in Clause}
_TEXTS = frozenset({TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.CHAR, TypeKind.UNKNOWN})
# Types whose values are written as DateStyle or IntervalStyle says.
_STYLED = frozenset({TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ, TypeKind.INTERVAL})
# Types whose values are read by such settings, or by what the time is.
_TIMES = _STYLED | {TypeKind.TIME, TypeKind.TIMETZ}
# Types whose values are read and written as those of others are, or as names.
_COMPOSED = frozenset(
    {
        TypeKind.ARRAY, TypeKind.RANGE, TypeKind.MULTIRANGE, TypeKind.RECORD, TypeKind.ENUM, TypeKind.REGISTERED,
    }
)  # fmt: skip


@frozen
class ExpressionFacts:
    """An expression over one table's rows."""

    type: SqlType
    # Those that it reads, in the order in which they are first written.
    columns: tuple[Column, ...]
    # Whether it gives the same for the same row at any time, under any settings.
    is_immutable: bool
    # The types of all that it consists of, and whether somebody's functions are called.
    types: frozenset[SqlType] = frozenset()
    calls_routines: bool = False
    reads_whole_row: bool = False
    # Its collation, if it has one that could be determined.
    collation: str | None = None


def stored_expression_facts(
    text: str, table: Table, catalog: Catalog, search_path: Sequence[str], *, what: str
) -> ExpressionFacts:
    """Bind the expression, without making it simpler. `what` is as in `bind_stored_expression`."""
    state = new_state(catalog, tuple(search_path))
    bound = bind_over_entry(parse_expression(text), entry_of(table, state), state, _CLAUSES[what])
    columns = tuple(table.columns[index] for index in _in_order(bound))
    collation = None
    if collation_of_type(bound.type) is not None:
        collation = collation_of_expression(bound, table.columns, state)
    facts = ExpressionFacts(
        bound.type,
        columns,
        is_immutable(bound),
        frozenset(part.type for part in walk(bound)),
        bool(state.routines_used),
        any(isinstance(part, RowExpr) and part.type.oid == table.oid for part in walk(bound)),
        collation,
    )
    if facts.is_immutable:
        require_no_statements(state, _CLAUSES[what])
    return facts


def _in_order(node: BoundExpression) -> list[int]:
    """The numbers of the columns that the expression uses: as they are written, then those that only subqueries use."""
    return list(dict.fromkeys([*_written_columns(node), *sorted(columns_of(node))]))


def _written_columns(node: BoundExpression) -> Iterator[int]:
    if isinstance(node, ColumnRef):
        yield node.index
    for part in children(node):
        yield from _written_columns(part)


def stored_routines(text: str, table: Table, catalog: Catalog) -> frozenset[Oid]:
    """The routines, operators and casts of people's that a stored expression over the table's columns uses."""
    state = new_state(catalog, ("public",))
    bind_over_entry(parse_expression(text), entry_of(table, state), state, Clause.GENERATED)
    return frozenset(state.routines_used)


def stored_value_type(
    text: str, table: Table, catalog: Catalog, search_path: Sequence[str], *, what: str
) -> SqlType:
    """The type of an expression before it is assigned to a column: that of a literal is not known yet."""
    state = new_state(catalog, tuple(search_path))
    scope = Scope(state, None, [entry_of(table, state)])
    scope.clause = _CLAUSES[what]
    return scope.bind(parse_expression(text)).type


def is_immutable(node: BoundExpression) -> bool:
    """Whether nothing in the expression looks at the time, the settings or the database."""
    return not any(_may_change(part) for part in walk(node))


def _may_change(node: BoundExpression) -> bool:
    if isinstance(node, Call) and node.function.name == "||":
        # Text beside anything else: as changeable as the other's way to text.
        return node.type.kind in _TEXTS and any(
            _is_stable_cast(argument.type, TEXT) for argument in node.arguments
        )
    if isinstance(node, Call):
        return node.function.volatility is not Volatility.IMMUTABLE
    if not isinstance(node, CastTo):
        return False
    # A literal of such a type is read once, as it is written.
    is_literal = isinstance(node.operand, Constant) and node.type.kind in _COMPOSED
    return not is_literal and _is_stable_cast(node.operand.type, node.type)


def _is_stable_cast(source: SqlType, target: SqlType) -> bool:
    """Casts that go by DateStyle, by the time zone or, as what is made of parts and names may, by what the catalog says."""
    if source.element is not None and target.element is not None:
        return _is_stable_cast(source.element, target.element)
    if source.kind is TypeKind.UNKNOWN or source.kind is target.kind:
        return False
    if target.kind in _TEXTS:
        return source.kind in _STYLED or source.kind in _COMPOSED
    if source.kind in _TEXTS:
        return target.kind in _TIMES or target.kind in _COMPOSED
    if {source.kind, target.kind} == {TypeKind.TIME, TypeKind.TIMETZ}:
        return target.kind is TypeKind.TIMETZ
    return TypeKind.TIMESTAMPTZ in (source.kind, target.kind)
