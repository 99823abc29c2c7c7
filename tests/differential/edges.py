"""Random expressions of constants at the edges of their types; any may raise an error, so each stands alone.

python -m tests.differential --edges --queries 20000 --seed 1

Ranges and multiranges, intervals and times in every style, arrays of several dimensions and of composites, bit strings, json and paths.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tests.differential.campaign import Finding, examine, raises
from tests.differential.edge_templates import LEAVES, SETUP, STYLES, TEMPLATES
from tests.differential.fragments import Fragment, text
from tests.differential.json_paths import JsonPaths
from tests.differential.queries import Query
from tests.differential.schemas import Schema
from tests.differential.sides import Side
from tests.differential.templates import pieces_of

EXPRESSIONS_PER_STYLE = 100
_PATH_SHARE = 0.15


class Edges:
    """Makes expressions of constants."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self._paths = JsonPaths(source)

    def make(self) -> Query:
        """The next expression, as a query."""
        if self.source.random() < _PATH_SHARE:
            return Query(text("SELECT ", self._paths.expression(), " AS x"))
        made = self._made(self.source.choice(list(TEMPLATES)), self.source.choice((1, 2, 2, 3)))
        return Query(text("SELECT ", made, " AS x"))

    def _made(self, kind: str, depth: int) -> Fragment:
        if depth == 0 or (depth < 2 and self.source.random() < 0.3):
            return self._leaf(kind)
        template = self.source.choice(TEMPLATES.get(kind, ("<" + kind + ">",)))
        parts = [
            self._made(piece, depth - 1) if is_hole else piece
            for piece, is_hole in pieces_of(template)
        ]
        stand_ins = tuple(_written(value, kind) for value in LEAVES.get(kind, ())[:3])
        return Fragment(("(", *parts, ")"), f"expression {kind}", (f"NULL::{kind}", *stand_ins))

    def _leaf(self, kind: str) -> Fragment:
        if self.source.random() < 0.03:
            return Fragment((f"NULL::{kind}",), f"expression {kind}")
        value = self.source.choice(LEAVES[kind])
        return Fragment((_written(value, kind),), f"expression {kind}", (f"NULL::{kind}",))


def _written(value: str, kind: str) -> str:
    return f"'{value.replace(chr(39), chr(39) * 2)}'::{kind}"


def run_edges(
    postgres: Side, ours: Side, *, count: int, seed: int, first: int = 0
) -> Iterator[Finding | None]:
    """One item for each expression: what was found, or None. At the end both sides are as they were."""
    try:
        _run_all((postgres, ours), SETUP)
        settings: tuple[str, ...] = ()
        for number in range(first, first + count):
            if not settings or number % EXPRESSIONS_PER_STYLE == 0:
                styles = random.Random(f"{seed}/style {number // EXPRESSIONS_PER_STYLE}")
                settings = tuple(f"SET {name} = '{styles.choice(given)}'" for name, given in STYLES)
                _run_all((postgres, ours), settings)
            query = Edges(random.Random(f"{seed}/edge {number}")).make()
            schema = Schema((), (*SETUP, *settings))
            name = f"--edges --seed {seed} --first {number}"
            found = examine(postgres, ours, schema, query, name)
            yield None if found is not None and _is_excused(postgres, query, found) else found
    finally:
        resets = [f"RESET {name}" for name, _ in STYLES]
        _run_all(
            (postgres, ours),
            (*resets, "DROP TYPE nest", "RESET search_path", "DROP SCHEMA edges CASCADE"),
        )


def _run_all(sides: Sequence[Side], statements: Sequence[str]) -> None:
    for statement in statements:
        for side in sides:
            answer = side.run(statement)
            assert answer.sqlstate is None, f"{statement}: {answer.summary()}"


def _is_excused(postgres: Side, query: Query, found: Finding) -> bool:
    """The server's limit was met; or a call with a null argument was answered before the other one, which alone raises what we raise, was looked at."""
    if found.expected.sqlstate == "53400":
        return True
    if found.what != "error" or found.expected.sqlstate is not None:
        return False
    return raises(postgres, query.tree, found.got.sqlstate)
