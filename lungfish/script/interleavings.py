"""The orders in which the statements of several sessions can follow each other, each session keeping its own order."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

# All orders of more than that are refused: a number of them can be asked for.
ALL_MAX = 1000


def order_count(lengths: Sequence[int]) -> int:
    """How many orders there are."""
    total = math.factorial(sum(lengths))
    for length in lengths:
        total //= math.factorial(length)
    return total


def all_orders(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every order, as the numbers of the sessions in turn."""
    if not any(lengths):
        yield ()
        return
    for session, length in enumerate(lengths):
        if length:
            rest = [each - (index == session) for index, each in enumerate(lengths)]
            for order in all_orders(rest):
                yield (session, *order)


def some_orders(lengths: Sequence[int], count: int, seed: int) -> Iterator[tuple[int, ...]]:
    """So many different orders, or all if there are no more, drawn by the seed."""
    if order_count(lengths) <= count:
        yield from all_orders(lengths)
        return
    chance = random.Random(f"orders {seed}")
    turns = [session for session, length in enumerate(lengths) for _ in range(length)]
    seen: set[tuple[int, ...]] = set()
    while len(seen) < count:
        chance.shuffle(turns)
        order = tuple(turns)
        if order not in seen:
            seen.add(order)
            yield order
