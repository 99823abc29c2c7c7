"""What rules make of a statement: the statements that run in its place, in order (PostgreSQL's rewriteHandler.c).

    INSERT      the statement itself, then the commands of the rules
    else        the commands of the rules, then the statement itself: afterwards the rows that they speak of are gone or changed

The statement itself falls away if there is a rule DO INSTEAD without a condition; with conditions it is done for the other rows.
A command of a rule is rewritten in turn, and so is a statement on a view that goes on to the relation beneath. Relations without
rules cost one look-up: `rewrite_by_rules` answers None.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from lungfish import errors
from lungfish.catalog.objects import Oid, Rule, Table, View
from lungfish.planner.bind_guards import Guard
from lungfish.planner.bind_state import BindState
from lungfish.planner.rule_commands import mentions_row, over_rows, row_columns
from lungfish.planner.updatable_views import (
    VERBS,
    find_rule_target,
    reason_against_changes,
    refused,
    relation_beneath,
)
from lungfish.sql import parse_one
from lungfish.sql.ast import dml
from lungfish.sql.ast.expressions import Expression, Subquery
from lungfish.sql.ast.queries import Query, RuleSource, Select, Values
from lungfish.sql.ast.rules import RuleCommand
from lungfish.types.frozen import frozen

Ruled = dml.Insert | dml.Update | dml.Delete
# Where a statement comes from.
ORIGINAL, INSTEAD, CONDITIONAL, ALSO = "original", "instead", "conditional instead", "also"


@frozen
class Rewritten:
    """One of the statements; its names are looked for by `search_path`."""

    node: RuleCommand
    search_path: tuple[str, ...]
    origin: str
    guards: tuple[Guard, ...] = ()

    @property
    def event(self) -> str:
        """What it does: insert, update, delete or select."""
        return "select" if isinstance(self.node, Query) else event_of(self.node)


def event_of(node: Ruled | dml.Merge) -> str:
    """The word for what the statement does."""
    return type(node).__name__.lower()


def rewrite_by_rules(
    node: Ruled | dml.Merge, state: BindState, origin: str = ORIGINAL
) -> list[Rewritten] | None:
    """The statements to run; None if it is this one alone."""
    if not state.catalog.has_rules:
        return None
    relation = state.find_relation(node.table.name)
    if not any(state.catalog.rules_of(each.oid) for each in _relations(relation, state)):
        return None
    if isinstance(node, dml.Merge):
        _refuse_merge(relation, state)
        return None
    found = _Rewriter(state).statement(Rewritten(node, state.search_path, origin))
    if len(found) > 1 and node.with_clause is not None:
        raise errors.FeatureNotSupported(
            "WITH cannot be used in a query that is rewritten by rules into multiple queries"
        )
    if len(found) == 1 and found[0].node is node and not found[0].guards:
        return None
    return found


def _relations(relation: object, state: BindState) -> Iterator[Table | View]:
    """The relation, and those that a statement on a view goes on to."""
    while isinstance(relation, (Table, View)):
        yield relation
        if not isinstance(relation, View) or reason_against_changes(relation, state.catalog):
            return
        relation = relation_beneath(relation, state.catalog)


def _refuse_merge(relation: object, state: BindState) -> None:
    for each in _relations(relation, state):
        if any(rule.fires for rule in state.catalog.rules_of(each.oid)):
            raise errors.FeatureNotSupported(
                f'cannot execute MERGE on relation "{each.name}"',
                detail="MERGE is not supported for relations with rules.",
            )


class _Rewriter:
    """One statement being rewritten."""

    def __init__(self, state: BindState) -> None:
        self._state = state
        # What is being rewritten already, from the outermost inwards.
        self._open: list[tuple[Oid, str]] = []

    def statement(self, item: Rewritten) -> list[Rewritten]:
        """What becomes of the statement, or of a rule's command."""
        if isinstance(item.node, Query):
            return [item]
        name, state = item.node.table.name, self._state
        relation = state.catalog.find_relation(name.name, name.schema, item.search_path)
        if not isinstance(relation, (Table, View)):
            return [item]
        return self._on(relation, item)

    def _on(self, relation: Table | View, item: Rewritten) -> list[Rewritten]:
        """What becomes of it as a statement on the relation, which it names or which is beneath the view that it names."""
        node = item.node
        assert not isinstance(node, Query), "queries have no rules"
        event = event_of(node)
        rules = [
            rule
            for rule in self._state.catalog.rules_of(relation.oid)
            if rule.event == event and rule.fires
        ]
        is_replaced = any(rule.is_instead and rule.condition is None for rule in rules)
        guards = tuple(
            Guard(_parsed_condition(rule.condition), rule.search_path)
            for rule in rules
            if rule.is_instead and rule.condition is not None
        )
        products, is_returning = self._products(rules, relation, item)
        goes_on = isinstance(relation, View) and not is_replaced
        if isinstance(relation, View) and not is_replaced:
            self._check_changeable(relation, item, guards)
        found: list[Rewritten] = []
        if products or goes_on:
            self._enter(relation, event)
            for product in products:
                found += self.statement(product)
            if goes_on:
                assert isinstance(relation, View), "looked at above"
                below = relation_beneath(relation, self._state.catalog)
                rest = self._on(below, item) if isinstance(below, (Table, View)) else [item]
                found = [*rest, *found] if event == "insert" else [*found, *rest]
            self._open.pop()
        if not goes_on:
            _check_returning(node, relation, is_replaced or guards, is_returning)
            self._check_conflict(node, relation, has_products=bool(products))
        if is_replaced or goes_on:
            return found
        own = replace(item, guards=guards)
        return [own, *found] if event == "insert" else [*found, own]

    def _check_changeable(self, view: View, item: Rewritten, guards: tuple[Guard, ...]) -> None:
        """Raise ObjectNotInPrerequisiteState or FeatureNotSupported unless the statement can be done to what is beneath."""
        node, state = item.node, self._state
        assert not isinstance(node, Query), "queries have no rules"
        if guards:
            reason: str | None = (
                "Views with conditional DO INSTEAD rules are not automatically updatable."
            )
        else:
            has_columns = not isinstance(node, dml.Delete)
            reason = reason_against_changes(view, state.catalog, with_columns=has_columns)
        if reason is not None:
            raise refused(view, VERBS[type(node)], "", reason)
        outer_path, state.search_path = state.search_path, item.search_path
        try:
            below = relation_beneath(view, state.catalog)
            target = find_rule_target(node, below.oid, state)
        finally:
            state.search_path = outer_path
        for column in _assigned_columns(node):
            if column.name in target.names:
                target.position(column.name, column.position)

    def _enter(self, relation: Table | View, event: str) -> None:
        if (relation.oid, event) in self._open:
            raise errors.InvalidObjectDefinition(
                f'infinite recursion detected in rules for relation "{relation.name}"'
            )
        self._open.append((relation.oid, event))

    def _products(
        self, rules: list[Rule], relation: Table | View, item: Rewritten
    ) -> tuple[list[Rewritten], bool]:
        """The rules' commands over the statement's rows; and whether one of them answers its RETURNING."""
        node = item.node
        assert not isinstance(node, Query), "queries have no rules"
        found: list[Rewritten] = []
        is_returning = False
        for rule in rules:
            condition = None if rule.condition is None else _parsed_condition(rule.condition)
            for text in rule.commands:
                command = _parsed_command(text)
                returning = None if isinstance(command, Query) else command.returning
                if returning is not None and node.returning is not None:
                    if is_returning:
                        raise errors.FeatureNotSupported(
                            "cannot have RETURNING lists in multiple rules"
                        )
                    is_returning = True
                made = self._product(command, condition, rule, item)
                found.append(Rewritten(made, rule.search_path, _origin(rule)))
        return found, is_returning

    def _product(
        self, command: RuleCommand, condition: Expression | None, rule: Rule, item: Rewritten
    ) -> RuleCommand:
        node, state = item.node, self._state
        assert not isinstance(node, Query), "queries have no rules"
        uses_old = any(mentions_row(each, "old") for each in (command, condition))
        if rule.event == "update":
            uses_old |= any(mentions_row(each, "new") for each in (command, condition))
        uses_new = any(mentions_row(each, "new") for each in (command, condition))
        if isinstance(node, dml.Update):
            _refuse_multiple(node, row_columns((command, condition), "new"))
        if not isinstance(command, Query) and command.returning is not None:
            wanted = None
            if node.returning is not None:
                rows = dml.Wanted(node, rule.relation_oid, item.search_path)
                wanted = replace(command.returning, wanted=rows)
            command = replace(command, returning=wanted)
        if not (uses_old or uses_new) and condition is None and _gives_one_row(node):
            return command
        rows_of = RuleSource(node, rule.relation_oid, item.search_path, uses_old)
        outer_path, state.search_path = state.search_path, rule.search_path
        try:
            return over_rows(command, condition, rows_of, state)
        finally:
            state.search_path = outer_path

    def _check_conflict(
        self, node: RuleCommand, relation: Table | View, *, has_products: bool
    ) -> None:
        """ON CONFLICT may turn an INSERT into an UPDATE, so rules of both stand against it."""
        if not isinstance(node, dml.Insert) or node.on_conflict is None:
            return
        rules = self._state.catalog.rules_of(relation.oid)
        if has_products or any(rule.event == "update" and rule.fires for rule in rules):
            raise errors.FeatureNotSupported(
                "INSERT with ON CONFLICT clause cannot be used with table that has INSERT or UPDATE rules"
            )


def _assigned_columns(node: Ruled) -> list[dml.TargetColumn]:
    """The columns that the statement names as those that it gives values to."""
    match node:
        case dml.Insert():
            return list(node.columns)
        case dml.Update():
            return [column for each in node.assignments for column in each.columns]
        case _:
            return []


def _origin(rule: Rule) -> str:
    if not rule.is_instead:
        return ALSO
    return INSTEAD if rule.condition is None else CONDITIONAL


def _check_returning(
    node: RuleCommand, relation: Table | View, is_replaced: object, is_returning: bool
) -> None:
    assert not isinstance(node, Query), "queries have no rules"
    if not is_replaced or node.returning is None or is_returning:
        return
    event = event_of(node).upper()
    raise errors.FeatureNotSupported(
        f'cannot perform {event} RETURNING on relation "{relation.name}"',
        hint=f"You need an unconditional ON {event} DO INSTEAD rule with a RETURNING clause.",
    )


def _refuse_multiple(node: dml.Update, wanted: set[str]) -> None:
    """NEW cannot have what a subquery gives to several columns at once."""
    for assignment in node.assignments:
        if assignment.is_row and isinstance(assignment.value, Subquery):
            names = {column.name for column in assignment.columns}
            if "*" in wanted or names & wanted:
                raise errors.FeatureNotSupported(
                    "NEW variables in ON UPDATE rules cannot reference columns that are part of a multiple assignment"
                    " in the subject UPDATE command"
                )


def _gives_one_row(node: Ruled) -> bool:
    """Whether the rows of the statement are one, without a look at any table."""
    if not isinstance(node, dml.Insert) or node.with_clause is not None:
        return False
    query = node.query
    return query is None or (isinstance(query.body, Values) and len(query.body.rows) == 1)


@lru_cache(maxsize=256)
def _parsed_command(text: str) -> RuleCommand:
    statement = parse_one(text).statement
    assert isinstance(statement, (dml.Insert, dml.Update, dml.Delete, Query)), "looked at before"
    return statement


@lru_cache(maxsize=256)
def _parsed_condition(text: str) -> Expression:
    query = parse_one(f"SELECT {text}").statement
    assert isinstance(query, Query), "a SELECT is a query"
    assert isinstance(query.body, Select), "without a UNION"
    return query.body.items[0].expression


def single_statement(found: Sequence[Rewritten], where: str) -> Rewritten:
    """The only one of the statements. Raises FeatureNotSupported where there are none or several."""
    refuse_several([each.origin for each in found], where)
    return found[0]


def refuse_several(origins: Sequence[str], where: str) -> None:
    """Raise FeatureNotSupported, as PostgreSQL does, unless it is one statement that rules have made, or left."""
    if len(origins) == 1:
        return
    if not origins:
        kind = "DO INSTEAD NOTHING"
    elif CONDITIONAL in origins:
        kind = "conditional DO INSTEAD"
    elif ALSO in origins:
        kind = "DO ALSO"
    else:
        kind = "multi-statement DO INSTEAD"
    raise errors.FeatureNotSupported(f"{kind} rules are not supported for {where}")
