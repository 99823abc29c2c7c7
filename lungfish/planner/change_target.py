"""What a statement changes: a table, under its own names or as one view over another shows it.

    statement -> view -> view -> table          `ChangeTarget.level` goes one view down

Every name of a view stands for an expression over the table's columns, so statements through views are bound right over the
table: nothing of the views is left in their plans but the conditions that select rows and those of WITH CHECK OPTION.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import Column, Table, View
from lungfish.planner.bind_state import BindState
from lungfish.planner.bind_stored import default_of, stored_default, with_virtual
from lungfish.planner.bind_type import row_type_of
from lungfish.planner.coerce import coerce_boolean
from lungfish.planner.expression_tree import conjunction, conjuncts_of
from lungfish.planner.expressions import BoundExpression, CaseExpr, ColumnRef, Constant
from lungfish.planner.logical import Check
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql.ast.expressions import Expression
from lungfish.sql.ast.queries import TableReference
from lungfish.types.frozen import frozen

_ACTS = {
    "insert into": "insert into",
    "update": "update",
    "delete from": "update",
    "merge into": "merge into",
}


@frozen
class ReadOnlyColumn:
    """Stands in the place of a position for a column that cannot be assigned to, with PostgreSQL's reason."""

    view: str
    column: str
    reason: str

    def error(self, verb: str) -> errors.Error:
        """The refusal of an assignment by a statement with that verb."""
        return errors.FeatureNotSupported(
            f'cannot {_ACTS[verb]} column "{self.column}" of view "{self.view}"',
            detail=f"{self.reason} are not updatable.",
        )


# Where the table has a column of the target.
Place = int | ReadOnlyColumn


@frozen
class TableRow:
    """One row of the table that is changed, as columns that expressions may use."""

    columns: Sequence[BoundExpression]
    # What `tableoid` is, where other tables' rows are changed too.
    table_oid: BoundExpression | None = None
    # Tells whether there is such a row, where there may be none: what is computed of its columns is null then.
    presence: BoundExpression | None = None

    def computed(self, value: BoundExpression) -> BoundExpression:
        """What is computed of the columns."""
        if self.presence is None or isinstance(value, ColumnRef):
            return value
        return CaseExpr(((self.presence, value),), Constant(None, value.type), value.type)


@frozen
class ViewLevel:
    """A view and what stands beneath it."""

    view: View
    below: ChangeTarget
    # What the view's query calls the relation beneath, and its columns.
    alias: str
    names: tuple[str, ...]
    # Of each column of the view: where it is among those, or the expression that makes it.
    items: tuple[int | Expression, ...]
    where: Expression | None

    def scope(self, row: TableRow, state: BindState) -> Scope:
        """What names mean in the view's query, for one row of the table."""
        entry = self.below.entry(self.alias, row, state)
        entry.names = list(self.names)
        return Scope(state, None, [entry])

    def columns(self, row: TableRow, state: BindState) -> list[BoundExpression]:
        """The view's columns."""
        scope = self.scope(row, state)
        (entry,) = scope.entries
        outer_path, state.search_path = state.search_path, self.view.search_path
        try:
            return [
                entry.ref(item) if isinstance(item, int) else row.computed(scope.bind(item))
                for item in self.items
            ]
        finally:
            state.search_path = outer_path

    def condition(self, row: TableRow, state: BindState) -> tuple[BoundExpression, ...]:
        """The view's WHERE, in conjuncts."""
        if self.where is None:
            return ()
        scope = self.scope(row, state)
        scope.clause = Clause.WHERE
        outer_path, state.search_path = state.search_path, self.view.search_path
        try:
            return conjuncts_of(coerce_boolean(scope.bind(self.where), "WHERE", state, -1))
        finally:
            state.search_path = outer_path


@frozen
class ChangeTarget:
    """The table that a statement changes, and the names under which it sees the columns at `places`."""

    table: Table
    # What the statement calls it, if it gives no alias.
    name: str
    names: tuple[str, ...]
    places: tuple[Place, ...]
    # "insert into", "update", "delete from" or "merge into".
    verb: str
    level: ViewLevel | None = None
    # The tables whose rows are changed, where they are not those of `table` alone.
    members: tuple[Table, ...] = ()
    # Whether the reference to the table, perhaps in a view, says ONLY.
    is_only: bool = False

    def reference(self, item: TableReference) -> TableReference:
        """The statement's reference with the ONLY of the view that it names."""
        return replace(item, is_only=self.is_only)

    @property
    def is_view(self) -> bool:
        """Whether the statement names a view."""
        return self.level is not None

    def levels(self) -> list[ViewLevel]:
        """The views from the one that the statement names down to the table."""
        return [] if self.level is None else [self.level, *self.level.below.levels()]

    def entry(self, alias: str, row: TableRow, state: BindState) -> RangeEntry:
        """The columns in sight, for one row of the table."""
        if self.level is not None:
            seen = RangeEntry(alias, list(self.names), refs=self.level.columns(row, state))
            seen.row_type = row_type_of(self.level.view)
            seen.presence = row.presence
            return seen
        columns = row.columns[: len(self.names)]
        columns = with_virtual(columns, self.table, state, table_oid=row.table_oid)
        entry = RangeEntry(alias, list(self.names), refs=[*map(row.computed, columns)])
        entry.table = self.table
        entry.presence = row.presence
        entry.table_oid = row.table_oid
        return entry

    def place(self, name: str, position: int) -> Place:
        """Where the table has the column of that name. Raises UndefinedColumn."""
        if name not in self.names:
            raise errors.UndefinedColumn(
                f'column "{name}" of relation "{self.name}" does not exist'
            ).at(position)
        return self.places[self.names.index(name)]

    def position(self, name: str, position: int) -> int:
        """The same for a column that is assigned to. Raises FeatureNotSupported if it cannot be."""
        place = self.place(name, position)
        if isinstance(place, ReadOnlyColumn):
            raise place.error(self.verb)
        return place

    def conditions(self, row: TableRow, state: BindState) -> tuple[BoundExpression, ...]:
        """Which rows the views show: their WHEREs, from the innermost outwards."""
        found: tuple[BoundExpression, ...] = ()
        for level in reversed(self.levels()):
            found += level.condition(row, state)
        return found

    def checks(self, row: TableRow, state: BindState) -> tuple[Check, ...]:
        """What WITH CHECK OPTION asks of a new row: the innermost views come first, as the SQL standard has it."""
        found: list[Check] = []
        is_cascaded = False
        for level in self.levels():
            option = level.view.check_option
            is_cascaded = is_cascaded or option == "cascaded"
            if (is_cascaded or option is not None) and level.where is not None:
                found.append((level.view.name, conjunction(level.condition(row, state))))
        return tuple(reversed(found))

    def default(self, position: int, state: BindState) -> BoundExpression:
        """What the table's column gets if nothing is given: a view's default counts before those beneath it."""
        for level in self.levels():
            for column, place in zip(level.view.columns, _places(level), strict=True):
                if place == position and column.default is not None:
                    self._check_generated(self.table.columns[position])
                    return stored_default(column.default, self.table.columns[position], state)
        return default_of(self.table, position, state)

    @staticmethod
    def _check_generated(column: Column) -> None:
        """Raise GeneratedAlways for a column that a view's default cannot give a value."""
        if column.generated is not None:
            raise errors.GeneratedAlways(
                f'cannot insert a non-DEFAULT value into column "{column.name}"',
                detail=f'Column "{column.name}" is a generated column.',
            )

    def updated_default(self, position: int, state: BindState) -> BoundExpression | None:
        """What `SET column = DEFAULT` gives: the default of the table, or of the view that the statement names, if it has one."""
        if self.level is None:
            return default_of(self.table, position, state)
        for column, place in zip(self.level.view.columns, _places(self.level), strict=True):
            if place == position and column.default is not None:
                return stored_default(column.default, self.table.columns[position], state)
        return None


def _places(level: ViewLevel) -> list[Place | None]:
    """Where the table has the columns of the level's view; None for those that it computes."""
    return [level.below.places[item] if isinstance(item, int) else None for item in level.items]
