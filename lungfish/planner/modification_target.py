"""The table that INSERT, UPDATE, DELETE or MERGE changes."""

from __future__ import annotations

from lungfish import errors
from lungfish.catalog.objects import Sequence, SystemView, Table
from lungfish.planner.bind_state import BindState
from lungfish.planner.expressions import ColumnRef
from lungfish.sql.ast.queries import TableReference


def find_target_table(item: TableReference, state: BindState) -> Table:
    """The table. Raises for a sequence, a system view, or nothing of that name. Requires: it is no view."""
    relation = state.find_relation(item.name)
    if isinstance(relation, Table):
        if relation.materialized_query is not None:
            raise errors.WrongObjectType(f'cannot change materialized view "{relation.name}"').at(
                item.position
            )
        return relation
    if isinstance(relation, Sequence):
        raise errors.WrongObjectType(f'cannot change sequence "{relation.name}"').at(item.position)
    assert isinstance(relation, SystemView)
    raise errors.InsufficientPrivilege(f"permission denied for view {relation.name}").at(
        item.position
    )


def table_columns(table: Table, state: BindState) -> tuple[ColumnRef, ...]:
    """Columns of new numbers for the table's columns."""
    return tuple(state.new_column(column.name, column.type) for column in table.columns)
