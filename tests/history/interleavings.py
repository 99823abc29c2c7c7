"""Every order in which the steps of a few transactions can follow one another, and whether some serial order explains what came of it.

A run is made anew from its beginning for each order: it asks `choose` whenever more than one step may come next, and `every` goes through
all the answers, the last question first. So whatever a run does, states that cannot be copied among it, is gone through to the end.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

Outcome = TypeVar("Outcome")
Step = TypeVar("Step")
# Given the steps that may come next, one of them.
Choose = Callable[[Sequence[Step]], Step]


def every(run: Callable[[Choose[Step]], Outcome]) -> Iterator[Outcome]:
    """The outcome of each order of steps."""
    # Of each question so far: the answer's place, and how many there were.
    path: list[tuple[int, int]] = []
    while True:
        places = itertools.count()

        def choose(steps: Sequence[Step], places: Iterator[int] = places) -> Step:
            place = next(places)
            if place == len(path):
                path.append((0, len(steps)))
            answer, count = path[place]
            assert count == len(steps), "a run does the same when it is asked the same"
            return steps[answer]

        yield run(choose)
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return
        path[-1] = (path[-1][0] + 1, path[-1][1])


def some(
    run: Callable[[Choose[Step]], Outcome], count: int, chance: random.Random
) -> Iterator[Outcome]:
    """The outcomes of so many orders, taken by chance."""
    for _ in range(count):
        yield run(chance.choice)


def is_serial(
    happened: Mapping[str, Sequence[tuple[str, str, str | None]]], final: Mapping[str, str]
) -> bool:
    """Whether one order of the transactions, each done alone, explains what each read and what is there in the end.

    Of each transaction: ("read", key, who had written what it saw or None) and ("write", key, None) in its order.
    `final`: of each key that was written, by whom last.
    """
    return any(
        _explains([(name, happened[name]) for name in order], final)
        for order in itertools.permutations(happened)
    )


def _explains(
    order: Sequence[tuple[str, Sequence[tuple[str, str, str | None]]]], final: Mapping[str, str]
) -> bool:
    writers: dict[str, str] = {}
    for name, steps in order:
        for kind, key, writer in steps:
            if kind == "write":
                writers[key] = name
            elif writers.get(key) != writer:
                return False
    return writers == dict(final)
