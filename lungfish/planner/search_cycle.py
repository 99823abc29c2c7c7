"""SEARCH and CYCLE of a recursive WITH query, rewritten into columns of the query itself.

    WITH RECURSIVE t(a) AS (initial UNION ALL step) SEARCH DEPTH FIRST BY a SET s CYCLE a SET m USING p

becomes, as in PostgreSQL (src/backend/rewrite/rewriteSearchCycle.c), with the step's reference to t also giving s, m and p:

    initial'   SELECT i.a, ARRAY[ROW(i.a)] AS s, false AS m, ARRAY[ROW(i.a)] AS p FROM (initial) i
    step'      SELECT r.a, r.s || ARRAY[ROW(r.a)], CASE WHEN ROW(r.a) = ANY (r.p) THEN true ELSE false END,
                      r.p || ARRAY[ROW(r.a)] FROM (step) r WHERE r.m <> true

BREADTH FIRST has ROW(depth, a) for s. Because the step now sees more columns of t than were written, a star in it is spelled out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from lungfish import errors
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.queries import (
    CommonTableExpression,
    CycleClause,
    FromItem,
    Join,
    Query,
    RuleSource,
    SearchClause,
    Select,
    SelectItem,
    SetOperation,
    SubqueryReference,
    TableReference,
)

_INITIAL, _STEP = "*initial*", "*step*"
_TRUE = ast.Literal(ast.Literal.Kind.BOOLEAN, "true")
_FALSE = ast.Literal(ast.Literal.Kind.BOOLEAN, "false")


def expand_search_cycle(
    definition: CommonTableExpression, names: Sequence[str]
) -> CommonTableExpression:
    """The definition without the clauses, and with the columns that they ask for. `names`: its own columns.

    Raises SyntaxError, DuplicateColumn; FeatureNotSupported where PostgreSQL does.
    """
    check_clauses(definition, names)
    body = definition.query.body if isinstance(definition.query, Query) else None
    if not isinstance(body, SetOperation) or body.kind != "union":
        raise errors.SyntaxError("WITH query is not recursive").at(definition.position)
    left, right = _side(body.left, "left"), _side(body.right, "right")
    made = _MadeColumns(definition, names)
    step_body = right.body
    if not isinstance(step_body, Select):
        _refuse_side("right", definition.position)
    reference = _own_reference(step_body.from_items, definition)
    extras = [SelectItem(ast.Name((reference, name)), name) for name in made.names]
    spelled = _spell_stars(step_body, reference, definition.name, names)
    step = replace(right, body=replace(step_body, items=(*spelled, *extras)))
    both = replace(
        body,
        left=Query(_around(left, _INITIAL, names, made.initial())),
        right=Query(_around(step, _STEP, names, made.following(), made.names, made.condition())),
    )
    assert isinstance(definition.query, Query)
    return replace(
        definition,
        query=replace(definition.query, body=both),
        column_aliases=(*names, *made.names),
        search=None,
        cycle=None,
    )


class _MadeColumns:
    """The columns that the clauses add, in order: the sequence, the mark, the path."""

    def __init__(self, definition: CommonTableExpression, names: Sequence[str]) -> None:
        self._search = definition.search
        self._cycle = definition.cycle
        self.names: list[str] = []
        if self._search is not None:
            self.names.append(self._search.sequence_column)
        if self._cycle is not None:
            self.names += [self._cycle.mark_column, self._cycle.path_column]

    def initial(self) -> list[ast.Expression]:
        """What they hold in the rows of the first round."""
        found: list[ast.Expression] = []
        search, cycle = self._search, self._cycle
        if search is not None and search.is_breadth_first:
            depth = ast.Cast(ast.Literal(ast.Literal.Kind.INTEGER, "0"), ast.TypeName("int8"))
            found.append(ast.Row((depth, *_columns(_INITIAL, search.columns))))
        elif search is not None:
            found.append(_one_row(_INITIAL, search.columns))
        if cycle is not None:
            found += [self._mark(cycle, _FALSE), _one_row(_INITIAL, cycle.columns)]
        return found

    def following(self) -> list[ast.Expression]:
        """What they hold in the rows of each later round."""
        found: list[ast.Expression] = []
        search, cycle = self._search, self._cycle
        if search is not None:
            before = ast.Name((_STEP, search.sequence_column))
            if search.is_breadth_first:
                one = ast.Literal(ast.Literal.Kind.INTEGER, "1")
                depth = ast.Binary("+", ast.FieldAccess(before, "f1"), one)
                found.append(ast.Row((depth, *_columns(_STEP, search.columns))))
            else:
                found.append(_extended(before, search.columns))
        if cycle is not None:
            path = ast.Name((_STEP, cycle.path_column))
            row = ast.Row(_columns(_STEP, cycle.columns))
            found.append(self._mark(cycle, ast.QuantifiedArray(row, "=", False, path)))
            found.append(_extended(path, cycle.columns))
        return found

    def condition(self) -> ast.Expression | None:
        """Which rows the next round goes on from: those outside of a cycle."""
        if self._cycle is None:
            return None
        mark = ast.Name((_STEP, self._cycle.mark_column))
        return ast.Binary("<>", mark, self._cycle.mark_value or _TRUE, self._cycle.position)

    @staticmethod
    def _mark(cycle: CycleClause, condition: ast.Expression) -> ast.Expression:
        # Also where it is known which it is, so that both values have one type.
        branch = ast.CaseBranch(condition, cycle.mark_value or _TRUE)
        return ast.Case(None, (branch,), cycle.mark_default or _FALSE, cycle.position)


def _columns(table: str, names: Sequence[str]) -> tuple[ast.Expression, ...]:
    return tuple([ast.Name((table, name)) for name in names])


def _one_row(table: str, names: Sequence[str]) -> ast.Expression:
    return ast.ArrayConstructor((ast.Row(_columns(table, names)),))


def _extended(array: ast.Expression, names: Sequence[str]) -> ast.Expression:
    return ast.Binary("||", array, _one_row(_STEP, names))


def _around(
    query: Query,
    alias: str,
    names: Sequence[str],
    made: Sequence[ast.Expression],
    made_names: Sequence[str] = (),
    condition: ast.Expression | None = None,
) -> Select:
    """A SELECT of the query's columns and of what is made of them."""
    items = [SelectItem(item, None) for item in (*_columns(alias, names), *made)]
    source = SubqueryReference(query, alias, (*names, *made_names))
    return Select(tuple(items), from_items=(source,), where=condition)


def _side(part: Query | Select | object, word: str) -> Query:
    query = part if isinstance(part, Query) else Query(part)  # type: ignore[arg-type]
    if isinstance(query.body, SetOperation):
        _refuse_side(word, query.body.position)
    return query


def _refuse_side(word: str, position: int) -> NoReturn:
    raise errors.SyntaxError(
        f"with a SEARCH or CYCLE clause, the {word} side of the UNION must be a SELECT"
    ).at(position)


def _own_reference(items: Sequence[FromItem], definition: CommonTableExpression) -> str:
    """The name under which the step reads the query's own rows."""
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        if isinstance(item, Join):
            waiting += [item.left, item.right]
        elif _is_own(item, definition.name):
            assert isinstance(item, TableReference)
            return item.alias or item.name.name
    raise errors.FeatureNotSupported(
        "with a SEARCH or CYCLE clause, the recursive reference to WITH query "
        f'"{definition.name}" must be at the top level of its right-hand SELECT'
    ).at(definition.position)


def _is_own(item: FromItem, name: str) -> bool:
    return isinstance(item, TableReference) and item.name.schema is None and item.name.name == name


def _spell_stars(
    select: Select, reference: str, own: str, names: Sequence[str]
) -> list[SelectItem]:
    found: list[SelectItem] = []
    for item in select.items:
        star = item.expression
        if not isinstance(star, ast.Star):
            found.append(item)
        elif star.qualifier == (reference,):
            found += [SelectItem(column, None) for column in _columns(reference, names)]
        elif not star.qualifier:
            for source in select.from_items:
                found += _spelled(source, own, names)
        else:
            found.append(item)
    return found


def _spelled(source: FromItem, own: str, names: Sequence[str]) -> list[SelectItem]:
    """The star's share of one item of FROM."""
    if isinstance(source, Join):
        if source.using or source.is_natural or source.alias is not None:
            raise errors.FeatureNotSupported(
                "* over such a join is not supported with a SEARCH or CYCLE clause"
            ).at(source.position)
        return _spelled(source.left, own, names) + _spelled(source.right, own, names)
    if _is_own(source, own):
        assert isinstance(source, TableReference)
        reference = source.alias or source.name.name
        return [SelectItem(column, None) for column in _columns(reference, names)]
    assert not isinstance(source, RuleSource), "rules have no recursion"
    alias = source.alias
    if alias is None and isinstance(source, TableReference):
        alias = source.name.name
    if alias is None:
        raise errors.FeatureNotSupported(
            "* over a subquery without a name is not supported with a SEARCH or CYCLE clause"
        ).at(source.position)
    return [SelectItem(ast.Star((alias,)), None)]


# Checks.


def check_clauses(definition: CommonTableExpression, names: Sequence[str]) -> None:
    """Raise SyntaxError or DuplicateColumn for columns that are not there, are named twice or are taken."""
    search, cycle = definition.search, definition.cycle
    if search is not None:
        _check_search(search, names)
    if cycle is not None:
        _check_cycle(cycle, names)
    if search is not None and cycle is not None:
        for word, name in (("mark", cycle.mark_column), ("path", cycle.path_column)):
            if search.sequence_column == name:
                raise errors.SyntaxError(
                    f"search sequence column name and cycle {word} column name are the same"
                ).at(search.position)


def _check_search(search: SearchClause, names: Sequence[str]) -> None:
    _check_columns("search", search.columns, names, search.position)
    if search.sequence_column in names:
        raise errors.SyntaxError(
            f'search sequence column name "{search.sequence_column}" already used in WITH query column list'
        ).at(search.position)


def _check_cycle(cycle: CycleClause, names: Sequence[str]) -> None:
    _check_columns("cycle", cycle.columns, names, cycle.position)
    for word, name in (("mark", cycle.mark_column), ("path", cycle.path_column)):
        if name in names:
            raise errors.SyntaxError(
                f'cycle {word} column name "{name}" already used in WITH query column list'
            ).at(cycle.position)
    if cycle.mark_column == cycle.path_column:
        raise errors.SyntaxError(
            "cycle mark column name and cycle path column name are the same"
        ).at(cycle.position)


def _check_columns(word: str, columns: Sequence[str], names: Sequence[str], position: int) -> None:
    for index, name in enumerate(columns):
        if name not in names:
            raise errors.SyntaxError(f'{word} column "{name}" not in WITH query column list').at(
                position
            )
        if name in columns[:index]:
            raise errors.DuplicateColumn(f'{word} column "{name}" specified more than once').at(
                position
            )
