"""INSERT, UPDATE and DELETE back to SQL, for the commands of rules; see `unparse_expressions` for the promise.

Laid out as PostgreSQL's pg_get_ruledef does it.
"""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.sql.ast.dml import (
    Assignment,
    ConflictTarget,
    Delete,
    Insert,
    OnConflict,
    Returning,
    SubscriptStep,
    TargetColumn,
    Update,
)
from lungfish.sql.ast.expressions import Collate, Name, Row
from lungfish.sql.ast.queries import CommonTableExpression, FromItem, Query, Values, With
from lungfish.sql.ast.rules import RuleCommand
from lungfish.sql.quoting import quote_identifier
from lungfish.sql.unparse_queries import (
    unparse_expression,
    unparse_from,
    unparse_items,
    unparse_query,
    unparse_table_expression,
)


def unparse_command(node: RuleCommand) -> str:
    """A command as SQL. Raises FeatureNotSupported for statements that change rows in its WITH."""
    match node:
        case Insert():
            return _write_insert(node)
        case Update():
            return _write_update(node)
        case Delete():
            return _write_delete(node)
        case Query():
            return unparse_query(node)


def _write_insert(node: Insert) -> str:
    text = _with(node) + f"INSERT INTO {unparse_from((node.table,))}"
    if node.columns:
        text += f" ({', '.join(map(_write_target, node.columns))})"
    if node.overriding is not None:
        text += f" OVERRIDING {node.overriding.upper()} VALUE"
    if node.query is None:
        text += " DEFAULT VALUES"
    elif isinstance(node.query.body, Values):
        text += f"\n  {unparse_query(node.query)}"
    else:
        text += f" {unparse_query(node.query)}"
    if node.on_conflict is not None:
        text += _write_conflict(node.on_conflict)
    return text + _write_returning(node.returning)


def _with(node: Insert | Update | Delete) -> str:
    return "" if node.with_clause is None else f"{_write_with(node.with_clause)} "


def _write_with(node: With) -> str:
    word = "WITH RECURSIVE" if node.is_recursive else "WITH"
    return f"{word} {', '.join([_write_table_expression(each) for each in node.expressions])}"


def _write_table_expression(node: CommonTableExpression) -> str:
    if not isinstance(node.query, Insert | Update | Delete):
        return unparse_table_expression(node)
    names = ", ".join(map(quote_identifier, node.column_aliases))
    columns = f"({names})" if names else ""
    return f"{quote_identifier(node.name)}{columns} AS ({unparse_command(node.query)})"


def _write_target(column: TargetColumn) -> str:
    text = quote_identifier(column.name)
    for step in column.indirection:
        text += f".{quote_identifier(step)}" if isinstance(step, str) else _write_step(step)
    return text


def _write_step(step: SubscriptStep) -> str:
    index = "" if step.index is None else unparse_expression(step.index)
    if step.is_slice:
        index += ":" + ("" if step.upper is None else unparse_expression(step.upper))
    return f"[{index}]"


def _write_conflict(node: OnConflict) -> str:
    text = " ON CONFLICT"
    if node.target is not None:
        text += _write_conflict_target(node.target)
    if not node.assignments:
        return f"{text} DO NOTHING"
    text += f" DO UPDATE SET {_write_assignments(node.assignments)}"
    return text if node.where is None else f"{text}\n  WHERE {unparse_expression(node.where)}"


def _write_conflict_target(target: ConflictTarget) -> str:
    if target.constraint is not None:
        return f" ON CONSTRAINT {quote_identifier(target.constraint)}"
    elements = []
    for element in target.elements:
        bare = element.operand if isinstance(element, Collate) else element
        text = unparse_expression(bare)
        if not isinstance(bare, Name):
            text = f"({text})"
        if isinstance(element, Collate):
            text += f" COLLATE {'.'.join(map(quote_identifier, element.collation))}"
        elements.append(text)
    text = f" ({', '.join(elements)})" if elements else ""
    return text if target.where is None else f"{text} WHERE {unparse_expression(target.where)}"


def _write_assignments(assignments: Iterable[Assignment]) -> str:
    return ", ".join(map(_write_assignment, assignments))


def _write_assignment(node: Assignment) -> str:
    value = unparse_expression(node.value)
    if not node.is_row:
        return f"{_write_target(node.columns[0])} = {value}"
    if isinstance(node.value, Row) and len(node.value.items) > 1:
        value = value.removeprefix("ROW")
    return f"({', '.join(map(_write_target, node.columns))}) = {value}"


def _write_update(node: Update) -> str:
    text = _with(node) + f"UPDATE {unparse_from((node.table,))}"
    text += f" SET {_write_assignments(node.assignments)}" + _write_from("FROM", node.from_items)
    if node.where is not None:
        text += f"\n  WHERE {unparse_expression(node.where)}"
    return text + _write_returning(node.returning)


def _write_delete(node: Delete) -> str:
    text = _with(node) + f"DELETE FROM {unparse_from((node.table,))}"
    text += _write_from("USING", node.using)
    if node.where is not None:
        text += f"\n  WHERE {unparse_expression(node.where)}"
    return text + _write_returning(node.returning)


def _write_from(word: str, items: tuple[FromItem, ...]) -> str:
    return f"\n   {word} {unparse_from(items)}" if items else ""


def _write_returning(node: Returning | None) -> str:
    if node is None:
        return ""
    names = [
        f"{word} AS {quote_identifier(alias)}"
        for word, alias in (("OLD", node.old_alias), ("NEW", node.new_alias))
        if alias is not None
    ]
    aliases = f"WITH ({', '.join(names)}) " if names else ""
    return f"\n  RETURNING {aliases}{unparse_items(node.items)}"
