"""JSON_TABLE in FROM, bound to a scan of a set-returning function made for it (`functions/json_table.py`)."""

from __future__ import annotations

from lungfish import errors
from lungfish.functions.json_table import TableColumn, TableForm, TablePlan, table_function
from lungfish.functions.sql_json_query import EXISTS_KINDS, QueryForm
from lungfish.planner.bind_json_query import bind_behaviors, bind_context, check_quotes
from lungfish.planner.bind_json_values import bind_value
from lungfish.planner.bind_type import find_type
from lungfish.planner.coerce import coerce_explicit
from lungfish.planner.expressions import BoundExpression, Call, Constant
from lungfish.planner.logical import LogicalFunctionScan, LogicalPlan
from lungfish.planner.range_entries import rename_columns
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql.ast.json import JsonBehavior, JsonTable, JsonTableColumn
from lungfish.types.json_text import quote_json
from lungfish.types.sql_type import INTEGER, JSONPATH, UNKNOWN, SqlType, TypeKind

# Values of these types are read as JSON_QUERY reads them.
_WHOLE_KINDS = frozenset({TypeKind.JSON, TypeKind.JSONB, TypeKind.ARRAY, TypeKind.RECORD})


def bind_json_table(item: JsonTable, scope: Scope) -> tuple[LogicalPlan, list[RangeEntry]]:
    """The scan, and the entry of its columns."""
    scope.clause = Clause.FROM_FUNCTION
    context = bind_context(item.context, scope)
    values = [bind_value(value, scope) for _, value in item.passing]
    if item.on_error is not None and item.on_error.kind not in ("error", "empty", "empty array"):
        raise errors.SyntaxError(
            "invalid ON ERROR behavior",
            detail="Only EMPTY [ ARRAY ] or ERROR is allowed in the top-level ON ERROR clause.",
        ).at(item.on_error.position)
    binder = _Columns(item, scope)
    plan = binder.plan(item.path, item.position, item.columns)
    form = TableForm(
        plan,
        tuple(name for name, _ in item.passing),
        len(binder.names),
        raises_errors=item.on_error is not None and item.on_error.kind == "error",
    )
    arguments = (context, *values, *binder.defaults)
    result = SqlType(TypeKind.RECORD, labels=tuple(binder.names), fields=tuple(binder.types))
    function = table_function(form, [argument.type for argument in arguments], result)
    alias = item.alias or "json_table"
    state = scope.state
    refs = tuple(map(state.new_column, binder.names, binder.types))
    entry = RangeEntry(alias, list(binder.names), refs=refs)
    rename_columns(entry, item.column_aliases, item.position)
    call = Call(function, arguments, result, position=item.position)
    return LogicalFunctionScan((call,), alias, False, refs), [entry]


class _Columns:
    """Binds the columns, and gives each its place in the row: a plan's own before those of the plans below it."""

    def __init__(self, item: JsonTable, scope: Scope) -> None:
        self._scope = scope
        self.names: list[str] = []
        self.types: list[SqlType] = []
        self.defaults: list[BoundExpression] = []
        # Names of columns and of paths, which must all differ.
        self._taken: set[str] = set()
        if item.path_name is not None:
            self._take_name(item.path_name, item.position)

    def _take_name(self, name: str, position: int) -> None:
        if name in self._taken:
            raise errors.DuplicateAlias(f"duplicate JSON_TABLE column or path name: {name}").at(
                position
            )
        self._taken.add(name)

    def plan(self, path: str, position: int, columns: tuple[JsonTableColumn, ...]) -> TablePlan:
        """A path with its columns."""
        own = tuple(self._column(column) for column in columns if column.kind != "nested")
        nested: list[TablePlan] = []
        for column in columns:
            if column.kind == "nested":
                assert column.path is not None
                if column.path_name is not None:
                    self._take_name(column.path_name, column.position)
                nested.append(self.plan(column.path, column.position, column.columns))
        return TablePlan(self._checked_path(path, position), own, tuple(nested))

    def _checked_path(self, path: str, position: int) -> str:
        """The path in its normal form. Raises what reading it does, at its place."""
        bound = coerce_explicit(
            Constant(path, UNKNOWN, position), JSONPATH, self._scope.state, position
        )
        assert isinstance(bound, Constant)
        return str(bound.value)

    def _column(self, column: JsonTableColumn) -> TableColumn:
        self._take_name(column.name, column.position)
        place = len(self.names)
        self.names.append(column.name)
        if column.kind == "ordinality":
            self.types.append(INTEGER)
            return TableColumn(place)
        assert column.type_name is not None
        returning = find_type(column.type_name, self._scope.state)
        self.types.append(returning)
        path = f"$.{quote_json(column.name)}" if column.path is None else column.path
        form, defaults = self._form(column, returning)
        first = len(self.defaults)
        self.defaults += defaults
        places = tuple(range(first, len(self.defaults)))
        return TableColumn(place, form, self._checked_path(path, column.position), places)

    def _form(
        self, column: JsonTableColumn, returning: SqlType
    ) -> tuple[QueryForm, tuple[BoundExpression, ...]]:
        function = _function_of(column, returning)
        check_quotes(column.wrapper, column.quotes, column.position)
        behaviors = bind_behaviors(
            function,
            column.on_empty,
            column.on_error,
            returning,
            f'column "{column.name}"',
            self._scope,
        )
        if function == "exists":
            _check_exists(returning, column.on_error)
        form = QueryForm(
            function,
            returning,
            wrapper=column.wrapper or "none",
            omits_quotes=column.quotes == "omit",
            on_empty=behaviors.on_empty,
            on_error=behaviors.on_error,
            column=column.name,
        )
        return form, behaviors.defaults


def _function_of(column: JsonTableColumn, returning: SqlType) -> str:
    if column.kind == "exists":
        return "exists"
    is_whole = returning.kind in _WHOLE_KINDS or column.wrapper or column.quotes
    return "query" if column.kind == "formatted" or is_whole else "value"


def _check_exists(returning: SqlType, on_error: JsonBehavior | None) -> None:
    """Raise 42804 for a type that what ON ERROR gives cannot be shown as."""
    word = "false" if on_error is None else on_error.kind
    length = returning.modifiers[0] if returning.modifiers else len(word)
    if returning.kind not in EXISTS_KINDS or length < len(word):
        raise errors.DatatypeMismatch(
            f"could not coerce ON ERROR expression ({word.upper()}) to the RETURNING type"
        )
