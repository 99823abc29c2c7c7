"""Planning of a statement that rules have made several of, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lungfish import errors
from lungfish.catalog.objects import Oid, Table
from lungfish.planner.bind_returning import bind_returning
from lungfish.planner.bind_rule_source import bind_rule_source
from lungfish.planner.bind_state import BindState
from lungfish.planner.physical import EmptyScan, PhysicalStatement, RuleStep
from lungfish.planner.planning import STRENGTH
from lungfish.planner.rule_rewrite import CONDITIONAL, INSTEAD, ORIGINAL, Rewritten, Ruled
from lungfish.planner.scope import Scope
from lungfish.planner.updatable_views import find_rule_target
from lungfish.sql.ast.queries import RuleSource
from lungfish.types.sql_type import SqlType

PlanStep = Callable[[Rewritten, Sequence[SqlType | None]], PhysicalStatement]


def check_ruled(node: Ruled, state: BindState) -> tuple[SqlType | None, ...]:
    """Raise what is wrong with the statement, whatever its rules are; answers the types of its parameters."""
    relation = state.find_relation(node.table.name)
    state.root = Scope(state, None)
    try:
        source = RuleSource(node, relation.oid, state.search_path, uses_old=True)
        _, (entry, *_) = bind_rule_source(source, state)
        target = find_rule_target(node, relation.oid, state)
        others = entry.beneath
        bind_returning(node.returning, node.table, target, state.root, others=others)
    except RecursionError:
        raise errors.StatementTooComplex("stack depth limit exceeded") from None
    state.parameters.check()
    return tuple(state.parameters.types)


def plan_steps(
    found: Sequence[Rewritten],
    tag: str,
    types: Sequence[SqlType | None],
    plan_step: PlanStep,
) -> PhysicalStatement:
    """The statements as the steps of one. `tag`: the word of the statement itself."""
    chosen = _tag_setter(found, tag.lower())
    steps: list[RuleStep] = []
    for number, item in enumerate(found):
        try:
            plan = plan_step(item, types)
        except errors.Error as error:
            if item.origin != ORIGINAL:
                # The place is one in the rule's text.
                error.position = None
            raise
        steps.append(RuleStep(plan, item.origin, sets_tag=number == chosen))
    columns = () if chosen is None else steps[chosen].statement.root.columns
    uses: dict[Oid, tuple[Table, str]] = {}
    for step in steps:
        for table, how in step.statement.table_uses:
            known = uses.get(table.oid)
            if known is None or STRENGTH[how] > STRENGTH[known[1]]:
                uses[table.oid] = (table, how)
    return PhysicalStatement(
        EmptyScan(columns),
        tag,
        parameter_types=tuple(kind for kind in types if kind is not None),
        is_read_only=all(step.statement.is_read_only for step in steps),
        is_volatile=any(step.statement.is_volatile for step in steps),
        steps=tuple(steps),
        table_uses=tuple(uses[oid] for oid in sorted(uses)),
    )


def _tag_setter(found: Sequence[Rewritten], event: str) -> int | None:
    """Which statement speaks for the whole: the statement itself, else the last of the same kind that runs instead of it."""
    last = None
    for number, item in enumerate(found):
        if item.origin == ORIGINAL:
            return number
        if item.origin in (INSTEAD, CONDITIONAL) and item.event == event:
            last = number
    return last
