"""Domains: a value made one of a domain is checked by it, whichever way it comes.

The checks are kept as texts over VALUE and bound as expressions over one column, number 0. A domain over a domain is checked by
both, the inner one first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import UserType
from lungfish.catalog.type_uses import domains_of
from lungfish.planner.bind_state import BindState
from lungfish.planner.bind_stored import parse_expression
from lungfish.planner.coerce import coerce_assignment, coerce_boolean
from lungfish.planner.expressions import BoundExpression, ColumnRef, DomainCheck, DomainExpr
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.types.sql_type import SqlType


def make_domain_value(
    node: BoundExpression, target: SqlType, state: BindState, position: int
) -> BoundExpression:
    """A value of the base type as one of the domain `target`, or of a type that holds values of domains. A value that is one already
    is not checked again."""
    if target.domain is not None:
        if node.type.domain_oid == target.domain_oid:
            return node
        return DomainExpr(node, target, tuple(_own_checks(target, (), state, position)), position)
    return DomainExpr(node, target, tuple(_inner_checks(target, (), state, position)), position)


def _own_checks(
    target: SqlType, path: tuple[int | None, ...], state: BindState, position: int
) -> Iterator[DomainCheck]:
    for domain in domains_of(target, state.catalog):
        for check in _bind_checks(domain, state, position):
            yield replace(check, path=path)


def _inner_checks(
    target: SqlType, path: tuple[int | None, ...], state: BindState, position: int
) -> Iterator[DomainCheck]:
    """The checks of the domains whose values stand inside of those of a type."""
    inner: list[tuple[int | None, SqlType]] = list(enumerate(target.fields))
    if target.element is not None:
        inner.append((None, target.element))
    for step, each in inner:
        yield from _inner_checks(each, (*path, step), state, position)
        if each.domain is not None:
            yield from _own_checks(each, (*path, step), state, position)


def _bind_checks(domain: UserType, state: BindState, position: int) -> Iterator[DomainCheck]:
    if domain.is_not_null:
        yield DomainCheck(domain.name, f"{domain.name}_not_null", None)
    for name, text in domain.checks:
        try:
            yield DomainCheck(domain.name, name, _bind_check(text, domain.type.base, state))
        except errors.Error as error:
            # The place is one in the stored text, not in the statement.
            error.position = None
            raise error.at(position)  # noqa: B904 - the same error at another place.


def _bind_check(text: str, base: SqlType, state: BindState) -> BoundExpression:
    own = BindState(
        state.catalog, search_path=state.search_path, parameter_types=(), seams=state.seams
    )
    value = ColumnRef(own.reserve_columns(1), base, "value")
    scope = Scope(own, None, [RangeEntry("", ["value"], refs=[value])])
    scope.clause = Clause.CHECK
    return coerce_boolean(scope.bind(parse_expression(text)), "CHECK", own, -1)


def check_domain_texts(domain: UserType, state: BindState) -> None:
    """Bind the domain's default and checks, so that wrong ones are found when it is made."""
    for _, text in domain.checks:
        _bind_check(text, domain.type.base, state)
    if domain.default is not None:
        scope = Scope(state, None)
        scope.clause = Clause.DEFAULT
        bound = scope.bind(parse_expression(domain.default))
        unchecked = replace(domain.type, domain=None, domain_oid=0)
        coerce_assignment(bound, unchecked, domain.name, state, -1)
