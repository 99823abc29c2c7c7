"""Names for what was given none, as PostgreSQL chooses them: table, columns and a label, shortened to 63 bytes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from lungfish.catalog.objects import UserType

NAME_BYTES_MAX = 63


def choose_name(parts: tuple[str, ...], is_taken: Callable[[str], bool]) -> str:
    """The parts joined by underscores, with a number behind them if the name is taken without."""
    number = 0
    while True:
        name = _shortened(parts, str(number) if number else "")
        if not is_taken(name):
            return name
        number += 1


def choose_numbered_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """The name with the first number behind an underscore that makes it a free one: `name_1`."""
    return next(
        made
        for number in itertools.count(1)
        if not is_taken(made := _shortened((name, str(number)), ""))
    )


def domain_not_null_name(domain: UserType) -> str:
    """What a domain's NOT NULL is called, or would be if it were given no name."""
    taken = {name for name, _ in domain.checks}
    return domain.not_null_name or choose_name((domain.name, "not_null"), taken.__contains__)


def _shortened(parts: tuple[str, ...], number: str) -> str:
    """The parts joined; the longest of the first ones, the last of these, are cut until the name fits, the last part stays whole."""
    *names, label = parts
    room = NAME_BYTES_MAX - len(label.encode()) - len(number) - len(names)
    pieces = [name.encode() for name in names]
    while sum(len(piece) for piece in pieces) > room:
        longest = max(range(len(pieces)), key=lambda index: (len(pieces[index]), index))
        pieces[longest] = pieces[longest][:-1]
    return "_".join([piece.decode(errors="ignore") for piece in pieces] + [label + number])
