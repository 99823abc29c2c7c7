"""The blocks that are run many times from one state: a crash at each hit of each failpoint, and sessions in every order.

Before the first run the database is dropped as by a crash that loses nothing, and its files are kept; each run begins with them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lungfish import errors
from lungfish.script.interleavings import ALL_MAX, all_orders, order_count, some_orders
from lungfish.script.program import Block, Note, Step
from lungfish.sql.ast import directives as ast
from lungfish.storage.failpoints import matching_failpoints

if TYPE_CHECKING:
    from lungfish.script.runner import ScriptRunner

_PLAIN = ast.CrashOptions()
# What concurrency may do to a statement: deadlock, serialization failure, and what follows in its transaction.
_CONCURRENCY = frozenset({"40001", "40P01", "25P02"})


class BlockCrashed(Exception):
    """A run of a block met the crash that it was made for."""


@contextmanager
def _kept_state(runner: ScriptRunner, block: Block) -> Iterator[object]:
    """The database as it is at the block's beginning, shut. Behind it the database is open."""
    state = runner.engine.own_state()
    if state:
        raise errors.ObjectNotInPrerequisiteState(
            f"the block at line {block.line} begins anew many times, but a session has {state}"
        )
    runner.engine.shut(is_crash=True, options=_PLAIN)
    yield runner.engine.save()


def _begin_run(runner: ScriptRunner, saved: object, context: str) -> None:
    """Go back to the block's beginning. Requires: the database is shut."""
    runner.engine.revert(saved)
    runner.context = context
    runner.session_at_start()
    runner.begin_anew()


# Crashes


def run_crash_each(runner: ScriptRunner, block: Block, head: ast.CrashEach) -> None:
    """Run the block once to count hits, once for each hit with a crash there, and at last plainly."""
    points = list(dict.fromkeys(each for pattern in head.patterns for each in matching_failpoints(pattern)))  # fmt: skip
    _require_plain_body(block)
    outer = runner.context
    with _kept_state(runner, block) as saved, runner.without_force():
        _begin_run(runner, saved, outer)
        before = runner.engine.hits()
        runner.run_items(block.body)
        after = runner.engine.hits()
        counts = {point: after.get(point, 0) - before.get(point, 0) for point in points}
        if not any(counts.values()):
            runner.fail(block.line, "", f"nothing in the block reaches {', '.join(head.patterns)}")
        for point, count in counts.items():
            for hit in range(1, count + 1):
                runner.engine.shut(is_crash=True, options=_PLAIN)
                _begin_run(runner, saved, f"with a crash at {point}, hit {hit}")
                _crash_in_run(runner, block, head, point, hit)
        runner.engine.shut(is_crash=True, options=_PLAIN)
        _begin_run(runner, saved, outer)
        runner.run_items(block.body)


def _crash_in_run(
    runner: ScriptRunner, block: Block, head: ast.CrashEach, point: str, hit: int
) -> None:
    runner.engine.arm_crash(point, hit, head.options)
    runner.awaits_crash = True
    try:
        runner.run_items(block.body)
    except BlockCrashed:
        runner.recover(head.options)
    else:
        runner.engine.disarm()
        runner.fail(block.line, "", f"this run did not come to hit {hit} of {point}")
    finally:
        runner.awaits_crash = False


def _require_plain_body(block: Block) -> None:
    for item in block.body:
        if isinstance(item, Block):
            _require_plain_body(item)
            if isinstance(item.head, ast.CrashEach | ast.Permute):
                raise errors.FeatureNotSupported(
                    f"line {item.line}: a block that begins anew cannot stand in another one"
                )
        elif isinstance(item, Step) and (item.remark(ast.CrashAt) or item.remark(ast.Fault)):
            raise errors.FeatureNotSupported(
                f"line {item.line}: crash each has no other crash or fault in it"
            )


# Orders


def run_permutations(runner: ScriptRunner, block: Block, head: ast.Permute) -> None:
    """Run the block in other orders of its sessions' statements, and at last as it is written."""
    sessions = _by_session(runner, block)
    lengths = [len(steps) for steps in sessions.values()]
    orders = list(_orders(block, head, lengths))
    outer = runner.context
    with _kept_state(runner, block) as saved, runner.without_force():
        for number, order in enumerate([*orders, _written_order(runner, block, list(sessions))], 1):
            if number > 1:
                runner.engine.shut(is_crash=True, options=_PLAIN)
            names = [list(sessions)[turn] for turn in order]
            _begin_run(runner, saved, f"in the order {' '.join(names)}")
            _run_order(runner, names, {name: deque(steps) for name, steps in sessions.items()})
            runner.check_invariants()
    runner.context = outer


def _by_session(runner: ScriptRunner, block: Block) -> dict[str, list[Step]]:
    """The steps of each session, in the order of their first appearance."""
    sessions: dict[str, list[Step]] = {}
    name = runner.session
    for item in block.body:
        if isinstance(item, Note) and isinstance(item.directive, ast.UseSession):
            name = item.directive.name
        elif isinstance(item, Step) and item.action is None:
            sessions.setdefault(name, []).append(item)
        else:
            raise errors.FeatureNotSupported(
                f"line {item.line}: a permute block has sessions and statements in it, nothing else"
            )
    return sessions


def _written_order(runner: ScriptRunner, block: Block, names: list[str]) -> tuple[int, ...]:
    order = []
    name = runner.session
    for item in block.body:
        if isinstance(item, Note) and isinstance(item.directive, ast.UseSession):
            name = item.directive.name
        else:
            order.append(names.index(name))
    return tuple(order)


def _orders(block: Block, head: ast.Permute, lengths: list[int]) -> Iterator[tuple[int, ...]]:
    if head.count is not None:
        return some_orders(lengths, head.count, head.seed)
    total = order_count(lengths)
    if total > ALL_MAX:
        raise errors.ProgramLimitExceeded(
            f"line {block.line}: there are {total} orders",
            hint=f"Ask for up to {ALL_MAX} of them: permute 100 seed=1.",
        )
    return all_orders(lengths)


def _run_order(runner: ScriptRunner, names: Sequence[str], steps: dict[str, deque[Step]]) -> None:
    """Take the sessions' statements in that order. One that waits is passed over until it is free."""
    turns = list(names)
    failed: set[str] = set()
    while turns:
        for name in list(runner.background):
            _collect(runner, name, failed)
        free = next(
            (index for index, name in enumerate(turns) if name not in runner.background), None
        )
        if free is None:
            _collect_any(runner, failed)
            continue
        name = turns.pop(free)
        runner.begin_in_background(name, steps[name].popleft())
    while runner.background:
        _collect_any(runner, failed)


def _collect(runner: ScriptRunner, name: str, failed: set[str]) -> bool:
    """Judge what a session runs if it is done; whether it was."""
    if runner.engine.wait(name).state != "done":
        return False
    step = runner.background.pop(name)
    outcome = runner.engine.take(name)
    if outcome.sqlstate in _CONCURRENCY and step.remark(ast.ExpectError) is None:
        failed.add(name)
        return True
    if name not in failed:
        runner.judge_step(step, outcome)
    if outcome.tag in ("COMMIT", "ROLLBACK"):
        failed.discard(name)
    return True


def _collect_any(runner: ScriptRunner, failed: set[str]) -> None:
    """All who run are waiting, or are about to be done: go on with whoever comes first."""
    ended = [_collect(runner, name, failed) for name in list(runner.background)]
    if any(ended):
        return
    runner.check_stuck()
