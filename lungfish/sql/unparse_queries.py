"""Our tree of a query back to SQL, for views and materialized views; see `unparse_expressions` for the promise."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.sql.ast.expressions import Expression, TypeName
from lungfish.sql.ast.json import JsonTable
from lungfish.sql.ast.queries import (
    ColumnDefinitionItem,
    CommonTableExpression,
    FromItem,
    FunctionReference,
    GroupingSet,
    Join,
    JoinKind,
    LockingClause,
    ObjectName,
    Query,
    Select,
    SelectItem,
    SetOperation,
    SubqueryReference,
    TableReference,
    Values,
    With,
)
from lungfish.sql.lowering import raise_unsupported
from lungfish.sql.quoting import quote_identifier, quote_qualified
from lungfish.sql.unparse_expressions import ExpressionWriter, write_type
from lungfish.sql.unparse_json import write_json_table


def unparse_query(query: Query) -> str:
    """A query as SQL.

    Raises: FeatureNotSupported for INSERT, UPDATE, DELETE and MERGE in WITH.
    """
    return _write_query(query)


def unparse_expression(expression: Expression) -> str:
    """An expression as SQL."""
    return _EXPRESSIONS.write(expression)


def unparse_table_expression(node: CommonTableExpression) -> str:
    """One query of WITH, with its name."""
    return _write_table_expression(node)


def unparse_from(items: Iterable[FromItem]) -> str:
    """A list of FROM."""
    return ", ".join([_write_from(item) for item in items])


def unparse_items(items: Iterable[SelectItem]) -> str:
    """A select list, or that of RETURNING."""
    return ", ".join([_write_item(item) for item in items])


def _write_query(query: Query) -> str:
    parts = []
    if query.with_clause is not None:
        parts.append(_write_with(query.with_clause))
    body = query.body
    if isinstance(body, Query):
        parts.append(f"({_write_query(body)})")
    elif isinstance(body, SetOperation):
        parts.append(_write_set_operation(body))
    elif isinstance(body, Values):
        rows = ", ".join([f"({_EXPRESSIONS.join(row)})" for row in body.rows])
        parts.append(f"VALUES {rows}")
    else:
        parts.append(_write_select(body))
    if query.order_by:
        parts.append(f"ORDER BY {_EXPRESSIONS.order(query.order_by)}")
    if query.offset is not None:
        parts.append(f"OFFSET {_EXPRESSIONS.operand(query.offset)}")
    if query.limit is not None:
        limit = _EXPRESSIONS.operand(query.limit)
        parts.append(f"FETCH FIRST {limit} ROWS WITH TIES" if query.has_ties else f"LIMIT {limit}")
    parts.extend([_write_locking(locking) for locking in query.locking])
    return " ".join(parts)


def _write_set_operation(node: SetOperation) -> str:
    every = " ALL" if node.is_all else ""
    left, right = _write_query(node.left), _write_query(node.right)
    return f"({left}) {node.kind.upper()}{every} ({right})"


def _write_select(select: Select) -> str:
    parts = ["SELECT"]
    if select.is_distinct:
        parts.append("DISTINCT")
    elif select.distinct_on:
        parts.append(f"DISTINCT ON ({_EXPRESSIONS.join(select.distinct_on)})")
    if select.items:
        parts.append(", ".join([_write_item(item) for item in select.items]))
    if select.from_items:
        parts.append("FROM " + ", ".join([_write_from(item) for item in select.from_items]))
    if select.where is not None:
        parts.append(f"WHERE {_EXPRESSIONS.write(select.where)}")
    if select.group_by:
        word = "GROUP BY DISTINCT" if select.is_group_distinct else "GROUP BY"
        parts.append(f"{word} {_write_grouping_list(select.group_by)}")
    if select.having is not None:
        parts.append(f"HAVING {_EXPRESSIONS.write(select.having)}")
    if select.windows:
        windows = [
            f"{quote_identifier(window.name or '')} AS ({_EXPRESSIONS.window(window)})"
            for window in select.windows
        ]
        parts.append("WINDOW " + ", ".join(windows))
    return " ".join(parts)


def _write_item(item: SelectItem) -> str:
    text = _EXPRESSIONS.write(item.expression)
    return text if item.alias is None else f"{text} AS {quote_identifier(item.alias)}"


def _write_grouping_list(items: Iterable[Expression | GroupingSet]) -> str:
    return ", ".join(
        [
            _write_grouping_set(item) if isinstance(item, GroupingSet) else _EXPRESSIONS.write(item)
            for item in items
        ]
    )


def _write_grouping_set(node: GroupingSet) -> str:
    word = {"rollup": "ROLLUP ", "cube": "CUBE ", "sets": "GROUPING SETS "}.get(node.kind, "")
    return f"{word}({_write_grouping_list(node.items)})"


def _write_locking(node: LockingClause) -> str:
    text = f"FOR {node.strength.upper()}"
    if node.tables:
        text += " OF " + ", ".join([quote_identifier(name) for name in node.tables])
    return text if node.wait == "block" else f"{text} {node.wait.upper()}"


# WITH.


def _write_with(node: With) -> str:
    word = "WITH RECURSIVE" if node.is_recursive else "WITH"
    return f"{word} {', '.join([_write_table_expression(each) for each in node.expressions])}"


def _write_table_expression(node: CommonTableExpression) -> str:
    if not isinstance(node.query, Query):
        raise_unsupported("a statement that changes rows, in WITH of a stored query", node.position)
    text = quote_identifier(node.name) + _write_columns(node.column_aliases) + " AS "
    if node.is_materialized is not None:
        text += "MATERIALIZED " if node.is_materialized else "NOT MATERIALIZED "
    text += f"({_write_query(node.query)})"
    if node.search is not None:
        search = node.search
        order = "BREADTH" if search.is_breadth_first else "DEPTH"
        columns = ", ".join([quote_identifier(name) for name in search.columns])
        text += f" SEARCH {order} FIRST BY {columns} SET {quote_identifier(search.sequence_column)}"
    cycle = node.cycle
    if cycle is not None:
        columns = ", ".join([quote_identifier(name) for name in cycle.columns])
        text += f" CYCLE {columns} SET {quote_identifier(cycle.mark_column)}"
        if cycle.mark_value is not None and cycle.mark_default is not None:
            mark, default = cycle.mark_value, cycle.mark_default
            text += f" TO {_EXPRESSIONS.write(mark)} DEFAULT {_EXPRESSIONS.write(default)}"
        text += f" USING {quote_identifier(cycle.path_column)}"
    return text


# FROM.


def _write_from(item: FromItem) -> str:
    if isinstance(item, TableReference):
        return _write_table(item)
    if isinstance(item, SubqueryReference):
        lateral = "LATERAL " if item.is_lateral else ""
        return (
            f"{lateral}({_write_query(item.query)}){_write_alias(item.alias, item.column_aliases)}"
        )
    if isinstance(item, FunctionReference):
        return _write_function(item)
    if isinstance(item, JsonTable):
        text = write_json_table(_EXPRESSIONS, item)
        return text + _write_alias(item.alias, item.column_aliases)
    assert isinstance(item, Join), "the planner's own items are in no text"
    return _write_join(item)


def _write_columns(names: tuple[str, ...]) -> str:
    return f"({', '.join([quote_identifier(name) for name in names])})" if names else ""


def _write_alias(alias: str | None, columns: tuple[str, ...]) -> str:
    return "" if alias is None else f" AS {quote_identifier(alias)}{_write_columns(columns)}"


def write_object_name(name: ObjectName) -> str:
    """A possibly qualified name."""
    return quote_qualified(name.schema, name.name)


def _write_table(item: TableReference) -> str:
    only = "ONLY " if item.is_only else ""
    text = only + write_object_name(item.name) + _write_alias(item.alias, item.column_aliases)
    sample = item.sample
    if sample is not None:
        text += (
            f" TABLESAMPLE {quote_identifier(sample.method)}({_EXPRESSIONS.join(sample.arguments)})"
        )
        if sample.seed is not None:
            text += f" REPEATABLE ({_EXPRESSIONS.write(sample.seed)})"
    return text


def _write_function(item: FunctionReference) -> str:
    lateral = "LATERAL " if item.is_lateral else ""
    calls = _EXPRESSIONS.join(item.calls)
    if item.call_definitions:
        calls = ", ".join(
            [
                _EXPRESSIONS.write(call) + (f" AS ({_write_definitions(own)})" if own else "")
                for call, own in zip(item.calls, item.call_definitions, strict=True)
            ]
        )
    if len(item.calls) > 1 or item.call_definitions:
        calls = f"ROWS FROM ({calls})"
    if item.with_ordinality:
        calls += " WITH ORDINALITY"
    text = lateral + calls
    if not item.column_definitions:
        return text + _write_alias(item.alias, item.column_aliases)
    alias = "" if item.alias is None else f" {quote_identifier(item.alias)}"
    return f"{text} AS{alias} ({_write_definitions(item.column_definitions)})"


def _write_definitions(definitions: Iterable[ColumnDefinitionItem]) -> str:
    columns = []
    for column in definitions:
        assert isinstance(column.type_name, TypeName)
        columns.append(f"{quote_identifier(column.name)} {write_type(column.type_name)}")
    return ", ".join(columns)


_JOIN_WORDS = {
    JoinKind.INNER: "JOIN",
    JoinKind.LEFT: "LEFT JOIN",
    JoinKind.RIGHT: "RIGHT JOIN",
    JoinKind.FULL: "FULL JOIN",
    JoinKind.CROSS: "CROSS JOIN",
}


def _write_join(item: Join) -> str:
    words = ("NATURAL " if item.is_natural else "") + _JOIN_WORDS[item.kind]
    right = _write_from(item.right)
    if isinstance(item.right, Join) and item.right.alias is None:
        right = f"({right})"
    text = f"{_write_from(item.left)} {words} {right}"
    if item.condition is not None:
        text += f" ON {_EXPRESSIONS.write(item.condition)}"
    elif item.using:
        text += f" USING {_write_columns(item.using)}"
        if item.using_alias is not None:
            text += f" AS {quote_identifier(item.using_alias)}"
    if item.alias is None:
        return text
    return f"({text}){_write_alias(item.alias, item.column_aliases)}"


_EXPRESSIONS = ExpressionWriter(_write_query)
