"""How many steps Python's `re`, which backtracks, may take: it is used only where they are few.

It is compiled and quick, but it holds the interpreter's lock and cannot be stopped, and nested or neighbouring repetitions can make it try
exponentially or polynomially many ways. So from the tree a bound is computed for a text's length: how many ways a part can
match from one place (each of which what follows is tried after), and how many steps trying all of them takes. Where what follows a
repetition cannot begin with what is repeated, all ways but one end at their first step.
"""

from __future__ import annotations

import math
from bisect import bisect_left

from lungfish.functions.regex_classes import CharacterSet
from lungfish.functions.regex_determinism import (
    NOTHING,
    children_of,
    first_characters,
    may_be_empty,
)
from lungfish.functions.regex_syntax import (
    Alternation,
    Assertion,
    BackReference,
    Capture,
    Concatenation,
    Look,
    Node,
    RegexOptions,
    Repeat,
)

# Some 50 milliseconds.
_STEPS_MAX = 5_000_000
# Of the length of a text, to the base of 2.
_EXPONENT_MAX = 22

# How many ways there are, and how many steps they take altogether.
_Cost = tuple[float, float]


def length_max(tree: Node, options: RegexOptions) -> int:
    """How long a text may be at most to search it by backtracking; -1 for not at all."""
    if _has_look(tree):
        return -1
    is_anchored = not options.newline_is_anchor and _is_anchored(tree)

    def is_too_much(exponent: int) -> bool:
        length = 1 << exponent
        _, steps = _cost(tree, length, NOTHING)
        # At each place that does not begin with the anchor one step.
        return (length + steps if is_anchored else (length + 1) * steps) > _STEPS_MAX

    exponent = bisect_left(range(_EXPONENT_MAX + 1), True, key=is_too_much) - 1
    return -1 if exponent < 0 else 1 << exponent


def _has_look(node: Node) -> bool:
    return isinstance(node, Look) or any(map(_has_look, children_of(node)))


def _is_anchored(node: Node) -> bool:
    match node:
        case Assertion(kind):
            return kind in ("^", "A")
        case Concatenation(items):
            return bool(items) and _is_anchored(items[0])
        case Capture(item=item):
            return _is_anchored(item)
        case Alternation(branches):
            return all(map(_is_anchored, branches))
    return False


def _cost(node: Node, length: int, following: CharacterSet) -> _Cost:
    match node:
        case Concatenation(items):
            return _sequence_cost(items, length, following)
        case Alternation(branches):
            costs = [_cost(branch, length, following) for branch in branches]
            return sum(ways for ways, _ in costs), sum(steps + 1 for _, steps in costs)
        case Capture(item=item):
            ways, steps = _cost(item, length, following)
            return ways, steps + 2
        case Repeat():
            return _repeat_cost(node, length, following)
        case BackReference():
            return 1, length
    return 1, 1


def _sequence_cost(items: tuple[Node, ...], length: int, following: CharacterSet) -> _Cost:
    ways, steps = 1.0, 0.0
    for item in reversed(items):
        own_ways, own_steps = _cost(item, length, following)
        ways, steps = own_ways * ways, own_steps + own_ways * steps
        first = first_characters(item)
        following = first.union(following) if may_be_empty(item) else first
    return ways, steps


def _repeat_cost(node: Repeat, length: int, following: CharacterSet) -> _Cost:
    count = length if node.maximum is None else min(node.maximum, max(length, node.minimum))
    first = first_characters(node.item)
    ways, steps = _cost(node.item, length, first.union(following))
    if ways > 1:
        # Every round multiplies the ways.
        if count * math.log2(ways) > 40:
            return math.inf, math.inf
        return ways**count * 2, ways**count * (steps + 1) * 2
    if node.minimum == count or (not may_be_empty(node.item) and not first.intersects(following)):
        return 1, count * (steps + 2)
    return count - node.minimum + 1, count * (steps + 2)
