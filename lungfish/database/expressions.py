"""Stored expressions as plain functions of a table's stored values: what expression and partial indexes need."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.executor.compiler import RowEvaluator
from lungfish.executor.context import DETACHED
from lungfish.executor.programs import new_compiler
from lungfish.planner import bind_stored_expression
from lungfish.storage.rows import Values

if TYPE_CHECKING:
    from lungfish.database.table_stores import StoredExpression


def stored_expression(table: Table, text: str, catalog: Callable[[], Catalog]) -> StoredExpression:
    """The function that evaluates the text over a row in stored order.

    Bound and compiled at its first use: at restart the catalog is not whole yet when the table is opened.
    """
    return _LazyExpression(table, text, catalog)


class _LazyExpression:
    """Compiles its text at the first call."""

    def __init__(self, table: Table, text: str, catalog: Callable[[], Catalog]) -> None:
        self._table = table
        self._text = text
        self._catalog = catalog
        self._evaluate: RowEvaluator | None = None
        positions = table.stored_positions
        # itemgetter of one position gives a bare value, not a tuple.
        self._visible: Any = itemgetter(*positions) if len(positions) > 1 else None

    def __call__(self, values: Values) -> Any:
        evaluate = self._evaluate
        if evaluate is None:
            bound = bind_stored_expression(
                self._text, self._table, self._catalog(), ("public",), what="index expressions"
            )
            evaluate = self._evaluate = new_compiler().row(bound)
        row = (
            self._visible(values)
            if self._visible is not None
            else (values[self._table.stored_positions[0]],)
        )
        return evaluate(row, DETACHED)
