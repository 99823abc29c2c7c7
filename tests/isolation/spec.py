"""What an isolation spec says: setup, sessions with named steps, and the permutations of the steps.

The format is that of PostgreSQL's isolation tester (src/test/isolation/README).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lark

_GRAMMAR = r"""
start: (setup | teardown | session | permutation)*
setup: "setup" SQL
teardown: "teardown" SQL
session: "session" name setup? step* teardown?
step: "step" name SQL
permutation: "permutation" place+
place: name ("(" blocker ("," blocker)* ")")?
blocker: "*" -> once
       | name "notices" INT -> notices
       | name -> step_name
name: NAME | QUOTED
SQL: /\{[^}]*\}/
QUOTED: /"[^"]*"/
NAME: /[A-Za-z_][\w$]*/
%import common.INT
%import common.WS
%ignore WS
%ignore /#[^\n]*/
"""


@dataclass(frozen=True, slots=True)
class Blocker:
    """Who a step waits for besides locks: None stands for "once, whoever it is"."""

    step: str | None
    # Its session must have sent so many notices since the step began; 0: the other step must be done.
    notice_count: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A step in a permutation."""

    step: str
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """One session."""

    name: str
    setup: str | None
    steps: tuple[tuple[str, str], ...]
    teardown: str | None


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole file."""

    setups: tuple[str, ...]
    teardown: str | None
    sessions: tuple[SessionSpec, ...]
    permutations: tuple[tuple[Place, ...], ...]

    @property
    def steps(self) -> dict[str, tuple[int, str]]:
        """Session number and text of each step."""
        return {
            name: (number, sql)
            for number, session in enumerate(self.sessions)
            for name, sql in session.steps
        }

    def schedules(self) -> Iterator[tuple[Place, ...]]:
        """The permutations; where none is given, every interleaving of the sessions' steps."""
        if self.permutations:
            yield from self.permutations
            return
        yield from _interleavings([[name for name, _ in each.steps] for each in self.sessions], ())


def _interleavings(
    rests: list[list[str]], places: tuple[Place, ...]
) -> Iterator[tuple[Place, ...]]:
    """Every order of the sessions' steps, the first session's first, as PostgreSQL's tester has them."""
    if not any(rests):
        yield places
    for number, rest in enumerate(rests):
        if rest:
            left = [*rests[:number], rest[1:], *rests[number + 1 :]]
            yield from _interleavings(left, (*places, Place(rest[0])))


class _Builder(lark.Transformer[Any, Any]):
    def name(self, items: list[Any]) -> str:
        return str(items[0]).strip('"')

    def setup(self, items: list[Any]) -> tuple[str, str]:
        return "setup", _body(items[0])

    def teardown(self, items: list[Any]) -> tuple[str, str]:
        return "teardown", _body(items[0])

    def step(self, items: list[Any]) -> tuple[str, tuple[str, str]]:
        return "step", (items[0], _body(items[1]))

    def session(self, items: list[Any]) -> SessionSpec:
        parts = items[1:]
        return SessionSpec(
            items[0],
            next((text for kind, text in parts if kind == "setup"), None),
            tuple(step for kind, step in parts if kind == "step"),
            next((text for kind, text in parts if kind == "teardown"), None),
        )

    def once(self, _: list[Any]) -> Blocker:
        return Blocker(None)

    def step_name(self, items: list[Any]) -> Blocker:
        return Blocker(items[0])

    def notices(self, items: list[Any]) -> Blocker:
        return Blocker(items[0], int(items[1]))

    def place(self, items: list[Any]) -> Place:
        return Place(items[0], tuple(items[1:]))

    def permutation(self, items: list[Any]) -> tuple[str, tuple[Place, ...]]:
        return "permutation", tuple(items)

    def start(self, items: list[Any]) -> Spec:
        pairs = [item for item in items if isinstance(item, tuple)]
        return Spec(
            tuple(value for kind, value in pairs if kind == "setup"),
            next((value for kind, value in pairs if kind == "teardown"), None),
            tuple(item for item in items if isinstance(item, SessionSpec)),
            tuple(value for kind, value in pairs if kind == "permutation"),
        )


_PARSER = lark.Lark(_GRAMMAR, parser="lalr")


def parse_spec(text: str) -> Spec:
    """The spec that the text describes."""
    spec: Spec = _Builder().transform(_PARSER.parse(text))
    return spec


def _body(text: str) -> str:
    return str(text)[1:-1].strip(" \t\r\f")
