"""ON CONFLICT's target: which unique indexes of the table it means (PostgreSQL calls this arbiter inference).

An index is meant if its key columns and expressions are exactly those named, in any order, and, for a partial index, if the
target's WHERE says each part of the index's own predicate, maybe more.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.catalog.objects import Index, Table
from lungfish.planner.bind_stored import bind_over_entry, bind_over_table, parse_expression
from lungfish.planner.change_target import ChangeTarget, TableRow
from lungfish.planner.collated_calls import COLLATE, collation_argument
from lungfish.planner.expression_tree import conjuncts_of
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef
from lungfish.planner.scope import Clause, Scope
from lungfish.sql.ast import dml as ast
from lungfish.types.collations import collation_of_type


def bind_conflict_target(
    node: ast.OnConflict, changed: ChangeTarget, scope: Scope
) -> tuple[Index, ...]:
    """The arbiter indexes; none where DO NOTHING names no target: all count then."""
    target, table = node.target, changed.table
    if target is None or (not target.elements and target.constraint is None):
        if node.assignments:
            raise errors.SyntaxError(
                "ON CONFLICT DO UPDATE requires inference specification or constraint name",
                hint="For example, ON CONFLICT (column_name).",
            ).at(node.position)
        return ()
    if target.constraint is not None:
        index = _by_constraint(target.constraint, changed, node.position)
        if index.is_exclusion and node.assignments:
            raise errors.WrongObjectType(
                "ON CONFLICT DO UPDATE not supported with exclusion constraints"
            )
        return (index,)
    refs = [
        ColumnRef(position, column.type, column.name)
        for position, column in enumerate(table.columns)
    ]
    scope.state.reserve_columns(len(refs))
    entry = changed.entry(changed.name, TableRow(refs), scope.state)
    keys = [bind_over_entry(each, entry, scope.state, Clause.INDEX) for each in target.elements]
    predicate = None
    if target.where is not None:
        predicate = bind_over_entry(target.where, entry, scope.state, Clause.INDEX_PREDICATE)
    arbiters = tuple(
        index
        for index in table.indexes
        if index.is_unique and _matches(index, table, keys, predicate, scope)
    )
    if not arbiters:
        raise errors.InvalidColumnReference(
            "there is no unique or exclusion constraint matching the ON CONFLICT specification"
        )
    return arbiters


def _by_constraint(name: str, target: ChangeTarget, position: int) -> Index:
    table = target.table
    for constraint in () if target.is_view else table.constraints:
        if constraint.name == name:
            for index in table.indexes:
                if index.oid == constraint.index_oid:
                    return index
            raise errors.WrongObjectType(
                "constraint in ON CONFLICT clause has no associated index"
            ).at(position)
    raise errors.UndefinedObject(
        f'constraint "{name}" for table "{target.name}" does not exist'
    ).at(position)


def _means(key: BoundExpression, own: tuple[BoundExpression, str | None]) -> bool:
    """Whether a key of the target is a key of the index, in its collation if it names one."""
    expression, collation = own
    if isinstance(key, Call) and key.function is COLLATE:
        return key.arguments[0] == expression and collation_argument(key) == collation
    return key == expression


def _matches(
    index: Index,
    table: Table,
    keys: list[BoundExpression],
    predicate: BoundExpression | None,
    scope: Scope,
) -> bool:
    own: list[tuple[BoundExpression, str | None]] = []
    for key in index.columns:
        if key.expression is None:
            position = table.position_of_number(key.column_number)
            column = table.columns[position]
            bound: BoundExpression = ColumnRef(position, column.type, column.name)
            collation = key.collation or column.collation
        else:
            bound = bind_over_table(
                parse_expression(key.expression), table, scope.state, Clause.INDEX
            )
            collation = key.collation
        own.append((bound, collation or collation_of_type(bound.type)))
    if not (
        all(any(_means(key, each) for each in own) for key in keys)
        and all(any(_means(key, each) for key in keys) for each in own)
    ):
        return False
    if index.predicate is None:
        return True
    if predicate is None:
        return False
    stored = bind_over_table(
        parse_expression(index.predicate), table, scope.state, Clause.INDEX_PREDICATE
    )
    said = conjuncts_of(predicate)
    return all(part in said for part in conjuncts_of(stored))
