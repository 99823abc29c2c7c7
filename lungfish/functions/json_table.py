"""JSON_TABLE: rows out of a document.

A plan is a path with columns and further plans below it. The path is evaluated over the document; each item that it finds is a row,
whose columns are evaluated over the item. The plans below give their rows for each item: one after the other, the columns of the
others being NULL, and one row of NULLs where none gives any (a left join of their union).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.errors import DataError
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.json_path import iter_items, plain_item
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.functions.sql_json_query import QueryForm, path_variables
from lungfish.types.json_path import parse_json_path
from lungfish.types.json_text import JsonTree, load_json
from lungfish.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column at its place in the row; without a form it counts the rows of its plan, from 1."""

    place: int
    form: QueryForm | None = None
    path: str = ""
    # Where the values of its DEFAULT ... ON EMPTY and ON ERROR stand among the arguments behind PASSING.
    default_places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A path, the columns over what it finds, and the plans below."""

    path: str
    columns: tuple[TableColumn, ...]
    nested: tuple[TablePlan, ...] = ()


@dataclass(frozen=True, slots=True)
class TableForm:
    """One use of JSON_TABLE. Arguments: the document as jsonb, the values of PASSING, those of the columns' DEFAULTs."""

    plan: TablePlan
    names: tuple[str, ...]
    column_count: int
    # ERROR ON ERROR; else a path that fails finds nothing.
    raises_errors: bool

    def __call__(
        self, context: FunctionContext, document: str | None, *rest: Any, types: Sequence[SqlType]
    ) -> Iterator[tuple[Any, ...]]:
        if document is None:
            return
        count = len(self.names)
        variables = path_variables(self.names, rest[:count], types[1:], context)
        reader = _Reader(self, context, variables, rest[count:])
        for values in reader.rows(self.plan, load_json(document)):
            yield tuple(map(values.get, range(self.column_count)))


class _Reader:
    """One reading of one document. A row is a mapping from a column's place to its value; what is missing is NULL."""

    def __init__(
        self,
        form: TableForm,
        context: FunctionContext,
        variables: Mapping[str, JsonTree],
        defaults: Sequence[Any],
    ) -> None:
        self._raises_errors = form.raises_errors
        self._context = context
        self._settings = text_settings(context)
        self._variables = variables
        self._defaults = defaults

    def rows(self, plan: TablePlan, root: JsonTree) -> Iterator[dict[int, Any]]:
        """The rows that a plan finds below an item."""
        for number, item in enumerate(self._items(plan.path, root), 1):
            own = {column.place: self._value(column, item, number) for column in plan.columns}
            has_nested = False
            for nested in plan.nested:
                for row in self.rows(nested, item):
                    has_nested = True
                    yield own | row
            if not has_nested:
                yield own

    def _items(self, path: str, root: JsonTree) -> list[JsonTree]:
        found = iter_items(
            parse_json_path(path),
            root,
            self._variables,
            self._settings,
            is_silent=not self._raises_errors,
        )
        try:
            return [plain_item(item) for item in found]
        except DataError:
            if self._raises_errors:
                raise
            return []

    def _value(self, column: TableColumn, item: JsonTree, number: int) -> Any:
        if column.form is None:
            return number
        defaults = [self._defaults[place] for place in column.default_places]
        path = parse_json_path(column.path)
        return column.form.answer(self._context, item, path, self._variables, defaults)


def table_function(form: TableForm, arguments: Sequence[SqlType], result: SqlType) -> Function:
    """The set-returning function that a use stands for."""
    return Function(
        "json_table",
        tuple(arguments),
        result,
        form,
        volatility=Volatility.STABLE,
        is_strict=False,
        returns_set=True,
        needs_context=True,
        needs_types=True,
    )
