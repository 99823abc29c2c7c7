"""UPDATE and DELETE: the table's rows found by a query whose first columns are the old row and its TupleId."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lungfish import errors
from lungfish.planner.bind_assignments import bind_assignments
from lungfish.planner.bind_current_of import bind_current_of
from lungfish.planner.bind_from import bind_item, check_aliases, join_items, scan_target
from lungfish.planner.bind_guards import Guard, bind_guards
from lungfish.planner.bind_returning import bind_returning, returned
from lungfish.planner.bind_stored import with_generated, with_virtual
from lungfish.planner.change_target import TableRow
from lungfish.planner.coerce import coerce_boolean
from lungfish.planner.expression_tree import conjuncts_of
from lungfish.planner.expressions import BoundExpression, ColumnRef, Constant
from lungfish.planner.logical import (
    LogicalDelete,
    LogicalFilter,
    LogicalOutput,
    LogicalScan,
    LogicalUpdate,
)
from lungfish.planner.row_flags import add_row_flags
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.planner.updatable_views import find_target
from lungfish.sql.ast import dml as ast
from lungfish.sql.ast.expressions import CurrentOf, Expression
from lungfish.sql.ast.queries import FromItem, TableReference
from lungfish.types.sql_type import BIGINT, OID


class ModificationSource:
    """The scan of the target table, joined with what FROM or USING names, and the names in sight."""

    def __init__(
        self, reference: TableReference, others: Sequence[FromItem], around: Scope, verb: str
    ) -> None:
        self.scope = Scope(around.state, around)
        self.changed = find_target(reference, around.state, verb)
        self.table = self.changed.table
        self.members = self.changed.members
        self.plan, self.target, self.entry = scan_target(
            self.table, self.changed.reference(reference), self.scope
        )
        self.conditions: tuple[BoundExpression, ...] = ()
        if self.changed.is_view or self.table.virtual_positions:
            row = scanned_row(self.target, self.entry)
            alias = reference.alias or self.changed.name
            self.entry = self.changed.entry(alias, row, around.state)
            # Only rows that the view shows can be changed through it.
            self.conditions = self.changed.conditions(row, around.state)
        self.scope.entries = [self.entry]
        self.others: list[RangeEntry] = []
        for item in others:
            # LATERAL items may not use the target, as in PostgreSQL.
            right, entries = bind_item(item, self.scope, [forbidden(self.entry), *self.others])
            check_aliases([*self.scope.entries, *entries], item.position)
            self.plan = join_items("inner", self.plan, right, item)
            self.others = [*self.others, *entries]
            self.scope.entries = [*self.scope.entries, *entries]

    def filter(self, own: tuple[BoundExpression, ...]) -> tuple[BoundExpression, ...]:
        """Put the WHERE, bound before, over the plan; answers all conjuncts."""
        conjuncts = (*self.conditions, *own)
        if not conjuncts:
            return ()
        self.plan = LogicalFilter(self.plan, conjuncts)
        return conjuncts

    def guard(self, guards: Sequence[Guard], new: Mapping[int, BoundExpression]) -> None:
        """Leave out the rows that rules take over; `new` are the columns that are assigned to."""
        old = with_virtual(
            scanned_row(self.target, self.entry).columns, self.table, self.scope.state
        )
        changed = [new.get(at, column) for at, column in enumerate(old)]
        if new:
            changed = with_generated(changed, self.table, self.scope.state)
        rows = {"old": old, "new": changed}
        self.conditions += bind_guards(guards, self.table, rows, self.scope.state)

    def bind_where(self, where: Expression | None) -> tuple[BoundExpression, ...]:
        """The conjuncts of WHERE, which is bound before SET and so is the first to type a parameter."""
        self.scope.clause = Clause.WHERE
        return () if where is None else conjuncts_of(self._condition(where))

    def _condition(self, where: Expression) -> BoundExpression:
        scope, target = self.scope, self.target
        if isinstance(where, CurrentOf):
            tuple_id = ColumnRef(target.tuple_id_column, BIGINT, "ctid")
            oid = self.entry.table_oid or Constant(int(self.table.oid), OID)
            return bind_current_of(where, tuple_id, oid, is_view=self.changed.is_view)
        return coerce_boolean(scope.bind(where), "WHERE", scope.state, where.position)


def scanned_row(target: LogicalScan, entry: RangeEntry) -> TableRow:
    """The row that a scan of the table that is changed gives."""
    columns = [
        ColumnRef(target.first_column + at, column.type, column.name)
        for at, column in enumerate(target.table.columns)
    ]
    return TableRow(columns, entry.table_oid)


def forbidden(entry: RangeEntry) -> RangeEntry:
    """The entry as one that may not be used."""
    shown = RangeEntry(entry.alias, entry.names, refs=entry.refs())
    shown.is_forbidden = True
    return shown


def bind_update(node: ast.Update, around: Scope, guards: Sequence[Guard] = ()) -> LogicalOutput:
    """An UPDATE; the columns of the result are those of RETURNING. `guards`: see bind_guards.py."""
    around = (
        around if node.with_clause is None else around.state.bind_with(node.with_clause, around)
    )
    source = ModificationSource(node.table, node.from_items, around, "update")
    where = source.bind_where(node.where)
    source.scope.clause = Clause.UPDATE
    assignments = bind_assignments(node.assignments, source.changed, source.scope)
    if source.scope.has_set_calls:
        raise errors.FeatureNotSupported("set-returning functions are not allowed in UPDATE")
    if guards:
        # Their own copy of the values, as one subquery cannot stand in several places.
        again = bind_assignments(node.assignments, source.changed, source.scope)
        source.guard(guards, dict(again))
    recheck = source.filter(where)
    returning = bind_returning(
        node.returning, node.table, source.changed, around, others=source.others
    )
    update = LogicalUpdate(
        source.table,
        add_row_flags(source.plan, around.state),
        source.target,
        assignments,
        recheck,
        returning,
        source.members,
    )
    return returned(update, returning)


def bind_delete(node: ast.Delete, around: Scope, guards: Sequence[Guard] = ()) -> LogicalOutput:
    """A DELETE; the columns of the result are those of RETURNING. `guards`: see bind_guards.py."""
    around = (
        around if node.with_clause is None else around.state.bind_with(node.with_clause, around)
    )
    source = ModificationSource(node.table, node.using, around, "delete from")
    if guards:
        source.guard(guards, {})
    recheck = source.filter(source.bind_where(node.where))
    returning = bind_returning(
        node.returning,
        node.table,
        source.changed,
        around,
        others=source.others,
        plain="old",
    )
    plan = add_row_flags(source.plan, around.state)
    delete = LogicalDelete(source.table, plan, source.target, recheck, returning, source.members)
    return returned(delete, returning)
