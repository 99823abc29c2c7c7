"""What binding one statement shares: the catalog, the numbering of columns, parameters, and queries of WITH.

Also the seam between the binder's modules: expressions hold subqueries and queries hold expressions, so each reaches the
other through `bind_query` and `bind_expression` here, and no module imports another in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lungfish import errors
from lungfish.catalog.catalog import Catalog, Relation
from lungfish.catalog.objects import Column, Oid, Table
from lungfish.catalog.operator_objects import UserCast
from lungfish.planner.bind_trace import BindTrace
from lungfish.planner.expressions import BoundExpression, ColumnRef, DatedLiteral, ParameterRef
from lungfish.planner.logical import LogicalCte, LogicalOutput, LogicalPlan
from lungfish.planner.routine_frame import RoutineFrame
from lungfish.sql.ast.dml import Delete, Insert, Merge, Update
from lungfish.sql.ast.expressions import Expression
from lungfish.sql.ast.queries import ObjectName, RuleSource, With
from lungfish.types.coercion import CastContext
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import UNKNOWN, SqlType, TypeKind

if TYPE_CHECKING:
    from lungfish.planner.scope import RangeEntry, Scope

BindQuery = Callable[..., LogicalOutput]
BindExpression = Callable[[Expression, "Scope"], BoundExpression]


class ParameterTypes:
    """The types of the statement's parameters: given by the caller, or found by their first use in a context with a type."""

    __slots__ = ("_are_allowed", "given", "types")

    def __init__(self, given: Sequence[SqlType | None] | None) -> None:
        """`given` None: there may be none, as in definitions."""
        self.types: list[SqlType | None] = [
            None if each is None or each.kind is TypeKind.UNKNOWN else each for each in given or ()
        ]
        self._are_allowed = given is not None
        # Whether a caller fixed how many there are.
        self.given = bool(given)

    def reference(self, index: int, position: int) -> ParameterRef:
        """A use of the parameter, typed as far as it is known yet. Raises UndefinedParameter."""
        if not self._are_allowed:
            raise errors.UndefinedParameter(f"there is no parameter ${index + 1}").at(position)
        while len(self.types) <= index:
            self.types.append(None)
        return ParameterRef(index, self.types[index] or UNKNOWN)

    def decide(self, index: int, type_: SqlType, position: int) -> ParameterRef:
        """Give a parameter its type. Raises AmbiguousParameter if another use gave it a different one."""
        known = self.types[index]
        if known is None:
            type_ = type_.unmodified
            self.types[index] = type_
            return ParameterRef(index, type_)
        if known.unmodified != type_.unmodified:
            raise errors.AmbiguousParameter(
                f"inconsistent types deduced for parameter ${index + 1}",
                detail=f"{known} versus {type_}",
            ).at(position)
        return ParameterRef(index, known)

    def check(self) -> None:
        """Raise IndeterminateDatatype if the type of a parameter is still open."""
        for index, known in enumerate(self.types):
            if known is None:
                raise errors.IndeterminateDatatype(
                    f"could not determine data type of parameter ${index + 1}"
                )


@frozen
class Seams:
    """The functions through which the binder's modules reach each other."""

    bind_query: BindQuery
    bind_expression: BindExpression
    bind_with: Callable[[With, Scope], Scope]
    bind_modification: Callable[[Insert | Update | Delete | Merge, Scope], LogicalOutput]
    make_domain_value: Callable[[BoundExpression, SqlType, BindState, int], BoundExpression]
    cast_with: Callable[
        [UserCast, BoundExpression, SqlType, CastContext, BindState], BoundExpression
    ]
    bind_rule_source: Callable[[RuleSource, BindState], tuple[LogicalPlan, list[RangeEntry]]]


class BindState:
    """One statement being bound."""

    __slots__ = (
        "_next_column",
        "_next_cte",
        "active_routines",
        "bind_expression",
        "bind_modification",
        "bind_query",
        "bind_with",
        "calls_routines",
        "catalog",
        "crossed_columns",
        "ctes",
        "dated_literals",
        "has_collations",
        "has_grouping",
        "has_subqueries",
        "has_volatile",
        "level_uses",
        "locks_rows",
        "merged_columns",
        "nested_owners",
        "output_collations",
        "parameters",
        "root",
        "routine",
        "routines_used",
        "row_flags",
        "seams",
        "search_path",
        "stored_with",
        "subquery_depth",
        "takes_views_as_tables",
        "trace",
        "view_depth",
    )

    def __init__(
        self,
        catalog: Catalog,
        *,
        search_path: tuple[str, ...],
        parameter_types: Sequence[SqlType | None] | None,
        seams: Seams,
    ) -> None:
        self.catalog = catalog
        self.search_path = search_path
        # The table that a stored expression is kept with, which the catalog may not know yet; None: it is something else that is bound.
        self.stored_with: Table | None = None
        # What is kept of the binding for whoever writes the statement back.
        self.trace: BindTrace | None = None
        # The parameters in sight, while the body of a routine is bound; the routines that are being inlined into each other.
        self.routine: RoutineFrame | None = None
        self.active_routines: tuple[Oid, ...] = ()
        # What routines are called that are not inlined ("volatile", "stable", or "" for none), and all that are called or inlined.
        self.calls_routines = ""
        self.routines_used: set[Oid] = set()
        self.parameters = ParameterTypes(parameter_types)
        self.seams = seams
        self.bind_query = seams.bind_query
        self.bind_expression = seams.bind_expression
        self.bind_with = seams.bind_with
        self.bind_modification = seams.bind_modification
        # The outermost scope.
        self.root: Scope | None = None
        self.ctes: list[LogicalCte] = []
        # What the statement holds: functions that are not immutable, subquery expressions, GROUPING(), FOR UPDATE.
        self.has_volatile = False
        self.has_subqueries = False
        self.has_grouping = False
        self.locks_rows = False
        # Whether a collation other than the default one has to do with it (derive_collations.py); columns that came out of a
        # subquery of FROM since; and what the columns of the whole have, None where that could not be determined.
        self.has_collations = False
        self.crossed_columns: set[int] = set()
        self.output_collations: tuple[str | None, ...] | None = None
        # Literals whose values depend on the session's settings, so that each execution reads them.
        self.dated_literals: list[DatedLiteral] = []
        # How many subquery expressions we are inside of.
        self.subquery_depth = 0
        # Columns that USING computes of both sides' columns: grouping by these is grouping by them.
        self.merged_columns: dict[int, BoundExpression] = {}
        # By identity: sides of outer joins with the columns that tell whether they have a row, still to be added; see row_flags.py.
        self.row_flags: dict[int, tuple[LogicalPlan, ColumnRef]] = {}
        # For each aggregate whose arguments are being bound, innermost last: the query levels that they use.
        self.level_uses: list[set[Scope]] = []
        # Beside each of these: the levels of the aggregates inside of its arguments, and where these stand.
        self.nested_owners: list[dict[Scope, int]] = []
        # Whether a view is changed as if it were a table: when a rule's commands are looked at, and not run.
        self.takes_views_as_tables = False
        # How many views we are inside of.
        self.view_depth = 0
        self._next_column = 0
        self._next_cte = 0

    def note_collations(self, columns: Sequence[Column]) -> None:
        """Know that columns with these collations are read."""
        if not self.has_collations:
            self.has_collations = any(column.collation is not None for column in columns)

    def is_below_top(self, scope: Scope) -> bool:
        """Whether a WITH whose queries are bound in `scope` belongs to a query inside of the statement."""
        return scope.parent is not None and scope.parent is not self.root

    def new_cte(self) -> int:
        """A number for a query of WITH."""
        self._next_cte += 1
        return self._next_cte

    @property
    def next_column(self) -> int:
        """The first column number that is free."""
        return self._next_column

    def reserve_columns(self, count: int) -> int:
        """Take `count` numbers in a row and answer the first."""
        first = self._next_column
        self._next_column = first + count
        return first

    def new_column(self, name: str, type_: SqlType) -> ColumnRef:
        """A column of its own number."""
        number = self._next_column
        self._next_column = number + 1
        return ColumnRef(number, type_, name)

    def find_relation(self, name: ObjectName) -> Relation:
        """The relation of that name. Raises UndefinedTable."""
        found = self.catalog.find_relation(name.name, name.schema, self.search_path)
        if found is None:
            raise errors.UndefinedTable(f'relation "{name}" does not exist').at(name.position)
        return found
