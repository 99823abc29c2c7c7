"""The nearest names, for the hint of an error.

PostgreSQL's rule (parse_relation.c): edit distance at most three and at most half of what was typed; one or two equally near
names are worth naming, more are not.
"""

from __future__ import annotations

from collections.abc import Iterable

DISTANCE_MAX = 3


def edit_distance(left: str, right: str) -> int:
    """The Levenshtein distance, each edit costing one."""
    if left == right:
        return 0
    previous = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            current.append(
                min(
                    previous[column] + 1,
                    current[column - 1] + 1,
                    previous[column - 1] + (letter != other),
                )
            )
        previous = current
    return previous[-1]


def column_hint(
    name: str, qualifier: str | None, candidates: Iterable[tuple[str, str]]
) -> str | None:
    """PostgreSQL's "Perhaps you meant ...", given the (alias, column) pairs in sight."""
    best = DISTANCE_MAX + 1
    nearest: list[tuple[str, str]] = []
    for alias, column in candidates:
        penalty = 0 if qualifier is None else min(edit_distance(qualifier, alias), DISTANCE_MAX + 1)
        if penalty > best or abs(len(column) - len(name)) > best:
            continue
        distance = edit_distance(column, name)
        if distance > len(name) / 2:
            continue
        distance += penalty
        if distance < best:
            best, nearest = distance, [(alias, column)]
        elif distance == best and distance <= DISTANCE_MAX:
            nearest.append((alias, column))
    if not 1 <= len(nearest) <= 2:
        return None
    words = " or ".join(f'the column "{alias}.{column}"' for alias, column in nearest)
    return f"Perhaps you meant to reference {words}."
