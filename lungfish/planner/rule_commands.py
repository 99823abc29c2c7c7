"""A rule's command made ready to run in place of, or beside, a statement: OLD and NEW become an item of its FROM.

    INSERT INTO log VALUES (new.a, now())       INSERT INTO log SELECT new.a, now() FROM <rows> WHERE <condition>
    UPDATE u SET n = n + 1 WHERE k = old.k      UPDATE u SET n = n + 1 FROM <rows> WHERE k = old.k AND <condition>
    DELETE FROM u WHERE k = old.k               DELETE FROM u USING <rows> WHERE k = old.k AND <condition>

<rows> are those that the statement is about to change (`RuleSource`, bound by bind_rule_source.py). This is PostgreSQL's rule system
(manual, chapter 39), on the syntax tree instead of the analysed one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from lungfish import errors
from lungfish.catalog.objects import SystemView, Table, View
from lungfish.planner.bind_state import BindState
from lungfish.sql.ast.dml import Delete, Insert, TargetColumn, Update
from lungfish.sql.ast.expressions import And, Default, Expression, Name, Star
from lungfish.sql.ast.queries import (
    FromItem,
    Join,
    Query,
    RuleSource,
    Select,
    SelectItem,
    SubqueryReference,
    Values,
)
from lungfish.sql.ast.rules import RuleCommand


def row_columns(node: object, word: str) -> set[str]:
    """The columns that the tree says `old.x` or `new.x` of; "*" among them for the row itself."""
    if isinstance(node, Name) and node.parts[0] == word:
        return {node.parts[1] if len(node.parts) > 1 else "*"}
    if isinstance(node, Star) and node.qualifier == (word,):
        return {"*"}
    if isinstance(node, tuple):
        return {name for item in node for name in row_columns(item, word)}
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return set()
    return {
        name
        for each in dataclasses.fields(node)
        for name in row_columns(getattr(node, each.name), word)
    }


def mentions_row(node: object, word: str) -> bool:
    """Whether the tree says `old` or `new` of something."""
    return bool(row_columns(node, word))


def over_rows(
    command: RuleCommand, condition: Expression | None, rows: RuleSource, state: BindState
) -> RuleCommand:
    """The command run for the rows for which the rule's condition holds. Raises FeatureNotSupported for UNION and its like."""
    match command:
        case Update():
            items = (rows, *_seeing_rows(command.from_items))
            return replace(command, from_items=items, where=_both(command.where, condition))
        case Delete():
            where = _both(command.where, condition)
            return replace(command, using=(rows, *_seeing_rows(command.using)), where=where)
        case Query():
            return _query_over(command, condition, rows)
        case Insert():
            return _insert_over(command, condition, rows, state)


def _both(one: Expression | None, other: Expression | None) -> Expression | None:
    if one is None or other is None:
        return one or other
    return And((one, other), one.position)


def _query_over(query: Query, condition: Expression | None, rows: RuleSource) -> Query:
    body = query.body
    if isinstance(body, Values):
        width = len(body.rows[0])
        names = tuple([f"column{number}" for number in range(1, width + 1)])
        source = SubqueryReference(Query(body), "values", names, is_lateral=True)
        items = tuple([SelectItem(Name(("values", name)), alias=name) for name in names])
        body = Select(items, (source,))
    if not isinstance(body, Select):
        raise errors.FeatureNotSupported(
            "conditional UNION/INTERSECT/EXCEPT statements are not implemented"
        )
    where = _both(body.where, condition)
    sources = (rows, *_seeing_rows(body.from_items))
    return replace(query, body=replace(body, from_items=sources, where=where))


def _seeing_rows(items: tuple[FromItem, ...]) -> tuple[FromItem, ...]:
    """Subqueries in FROM may speak of OLD and NEW, as if these stood around the command."""
    found: list[FromItem] = []
    for item in items:
        if isinstance(item, SubqueryReference) and _mentions_rows(item):
            found.append(replace(item, is_lateral=True))
        elif isinstance(item, Join):
            left, right = _seeing_rows((item.left, item.right))
            found.append(replace(item, left=left, right=right))
        else:
            found.append(item)
    return tuple(found)


def _mentions_rows(node: object) -> bool:
    return mentions_row(node, "old") or mentions_row(node, "new")


def _insert_over(
    command: Insert, condition: Expression | None, rows: RuleSource, state: BindState
) -> Insert:
    query = command.query
    if query is None:
        return replace(command, query=Query(Select((), (rows,), condition)))
    if not isinstance(query.body, Values):
        return replace(command, query=_query_over(query, condition, rows))
    columns, given = command.columns, query.body.rows
    left_out = _defaulted(given)
    if left_out:
        columns = columns or _all_columns(command, state)
        kept = [at for at in range(len(given[0])) if at not in left_out]
        columns = tuple([columns[at] for at in kept if at < len(columns)])
        given = tuple([tuple([row[at] for at in kept]) for row in given])
        if not columns:
            return replace(command, columns=(), query=Query(Select((), (rows,), condition)))
    if len(given) > 1:
        several = replace(query, body=Values(given))
        return replace(command, columns=columns, query=_query_over(several, condition, rows))
    items = tuple([SelectItem(item) for item in given[0]])
    select = Select(items, (rows,), condition)
    return replace(command, columns=columns, query=replace(query, body=select))


def _defaulted(rows: Sequence[Sequence[Expression]]) -> set[int]:
    """The columns of which DEFAULT is all that is given: left out, they get it. Raises FeatureNotSupported for one with both."""
    found: set[int] = set()
    for at, column in enumerate(zip(*rows, strict=False)):
        kinds = {isinstance(item, Default) for item in column}
        if len(kinds) > 1:
            raise errors.FeatureNotSupported(
                "DEFAULT in some of several rows that a rule inserts is not supported"
            )
        if kinds == {True}:
            found.add(at)
    return found


def _all_columns(command: Insert, state: BindState) -> tuple[TargetColumn, ...]:
    relation = state.find_relation(command.table.name)
    assert isinstance(relation, (Table, View, SystemView)), "rows are inserted into it"
    return tuple([TargetColumn(column.name) for column in relation.columns])


def qualified_condition(condition: Expression, columns: Sequence[str], event: str) -> Expression:
    """The condition of a rule with `new.` or `old.` before the names that have nothing before them; in subqueries these stay.

    Raises AmbiguousColumn for a rule ON UPDATE, which has both.
    """
    word = {"insert": "new", "delete": "old"}.get(event)
    return cast(Expression, _qualified(condition, frozenset(columns), word))


def _qualified(node: object, columns: frozenset[str], word: str | None) -> object:
    if isinstance(node, Name) and len(node.parts) == 1 and node.parts[0] in columns:
        if word is None:
            raise errors.AmbiguousColumn(f'column reference "{node.parts[0]}" is ambiguous').at(
                node.position
            )
        return Name((word, node.parts[0]), node.position)
    if isinstance(node, tuple):
        return tuple([_qualified(item, columns, word) for item in node])
    if not dataclasses.is_dataclass(node) or isinstance(node, (type, Query)):
        return node
    values = {each.name: getattr(node, each.name) for each in dataclasses.fields(node)}
    return replace(
        node, **{name: _qualified(value, columns, word) for name, value in values.items()}
    )


def with_columns(command: RuleCommand, columns: Sequence[str]) -> RuleCommand:
    """The command with `old.*` and `new.*` as the columns that the relation has now."""
    return cast(RuleCommand, _with_columns(command, tuple(columns)))


def _with_columns(node: object, columns: tuple[str, ...]) -> object:
    if isinstance(node, tuple):
        found: list[object] = []
        for item in node:
            star = item.expression if isinstance(item, SelectItem) else item
            if isinstance(star, Star) and star.qualifier in (("old",), ("new",)):
                names = [Name((*star.qualifier, each), star.position) for each in columns]
                is_item = isinstance(item, SelectItem)
                found += [SelectItem(name) for name in names] if is_item else names
            else:
                found.append(_with_columns(item, columns))
        return tuple(found)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    values = {each.name: getattr(node, each.name) for each in dataclasses.fields(node)}
    changed = {name: _with_columns(value, columns) for name, value in values.items()}
    if all(changed[name] is value for name, value in values.items()):
        return node
    return replace(node, **changed)
