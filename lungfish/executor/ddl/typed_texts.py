"""What a table says of its columns in expressions, before some columns get other types.

A stored `b > '1'` has a literal of the type of b, and says so nowhere: with another type of b it would be read as that one's.
PostgreSQL keeps the literal of the old type, and refuses the change where no operator takes both. So the literals are given their
types first, in the texts that the change is about and that have any.
"""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import Column, Constraint, Index, IndexColumn, Table
from lungfish.executor.ddl.context import DdlContext
from lungfish.planner import Deparsing, show_default, show_stored
from lungfish.sql.rename import mentions_name


def with_typed_texts(context: DdlContext, table: Table, names: frozenset[str]) -> Table:
    """The table with literals of a type in its checks, indexes and defaults, where they are about these columns."""
    typing = _Typing(context, table, names)
    return replace(
        table,
        columns=tuple(typing.column(each) for each in table.columns),
        constraints=tuple(typing.constraint(each) for each in table.constraints),
        indexes=tuple(typing.index(each) for each in table.indexes),
    )


class _Typing:
    def __init__(self, context: DdlContext, table: Table, names: frozenset[str]) -> None:
        self._context = context
        self._table = table
        self._names = names
        self._how = Deparsing(context.search_path)

    def column(self, column: Column) -> Column:
        text = column.default
        if text is None or "'" not in text or column.name not in self._names:
            return column
        if column.generated is not None or column.sequence_oid is not None:
            return column
        shown = show_default(text, self._table, column, self._context.catalog, how=self._how)
        empty = replace(self._table, columns=())
        stored = self._context.runner.stored_text(empty, shown, what="DEFAULT expressions")
        return replace(column, default=stored)

    def constraint(self, item: Constraint) -> Constraint:
        if item.check is None:
            return item
        return replace(item, check=self._text(item.check, "check constraints"))

    def index(self, index: Index) -> Index:
        predicate = index.predicate
        if predicate is not None:
            predicate = self._text(predicate, "index predicates")
        return replace(index, predicate=predicate, columns=tuple(map(self._key, index.columns)))

    def _key(self, key: IndexColumn) -> IndexColumn:
        if key.expression is None:
            return key
        return replace(key, expression=self._text(key.expression, "index expressions"))

    def _text(self, text: str, what: str) -> str:
        if "'" not in text or not any(mentions_name(text, name) for name in self._names):
            return text
        shown = show_stored(text, self._table, self._context.catalog, what=what, how=self._how)
        return self._context.runner.stored_text(self._table, shown, what=what)
