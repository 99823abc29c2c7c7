"""The same query asked in other forms: each must be answered as the query itself.

    plain       as it is
    view        through a view made of it
    subquery    SELECT * FROM (query)
    with        WITH w AS MATERIALIZED (query) SELECT * FROM w
    prepared    its typed literals as parameters of a prepared statement, whose plan knows no values
    unruled     planned with some of the optimizer's rewrites left out

Beside them stand databases that hold the same rows otherwise: `bare`, in a file, without indexes and with little memory, so that sorts and
joins spill. Comparing forms needs no oracle, and finds what a rewrite, an index or a plan without values gets wrong.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lungfish.planner import optimizer
from tests.differential.sides import Answer, LungfishSide, Side
from tests.differential.wide_schemas import is_index

FORMS = ("plain", "view", "subquery", "with", "prepared", "unruled")
# A literal with its type, as `Expressions` writes most of them.
_LITERAL = re.compile(
    r"('(?:[^']|'')*'|(?<![\w.])\d+(?:\.\d+)?|\(-\d+(?:\.\d+)?\)|NULL)"
    r"::(integer\[\]|text\[\]|integer|bigint|smallint|numeric|double precision|real|text|boolean|date|interval|uuid|bytea|jsonb|int4range|daterange"
    r"|timestamp without time zone|timestamp with time zone|time without time zone)(?![\w(\[])"
)
_DUPLICATE_COLUMN = "42701"


class FormSide:
    """A database asked in the form that `form` names."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self.form = "plain"
        # The rewrites that are left out of `unruled`.
        self.without: frozenset[str] = frozenset()

    def run(self, sql: str) -> Answer:
        """The query's answer; a statement that is no query, or cannot be asked in this form, is run as it is."""
        if not sql.startswith(("SELECT", "WITH", "(", "VALUES")):
            return self._side.run(sql)
        asked: dict[str, Callable[[str], Answer]] = {
            "plain": self._side.run,
            "view": self._by_view,
            "subquery": lambda sql: self._side.run(f"SELECT * FROM ({sql}) AS w"),
            "with": lambda sql: self._side.run(f"WITH w AS MATERIALIZED ({sql}) SELECT * FROM w"),
            "prepared": self._prepared,
            "unruled": self._unruled,
        }
        return asked[self.form](sql)

    def _by_view(self, sql: str) -> Answer:
        made = self._side.run(f"CREATE VIEW asked AS {sql}")
        if made.sqlstate == _DUPLICATE_COLUMN:
            return self._side.run(f"SELECT * FROM ({sql}) AS w")
        if made.sqlstate is not None:
            return made
        answer = self._side.run("SELECT * FROM asked")
        self._side.run("DROP VIEW asked")
        return answer

    def _prepared(self, sql: str) -> Answer:
        text, types, values = parametrized(sql)
        if not types:
            return self._side.run(sql)
        made = self._side.run(f"PREPARE asked ({', '.join(types)}) AS {text}")
        if made.sqlstate is not None:
            return made
        answer = self._side.run(f"EXECUTE asked ({', '.join(values)})")
        self._side.run("DEALLOCATE asked")
        return answer

    def _unruled(self, sql: str) -> Answer:
        with _without_rules(self.without):
            # Another text, which no plan is kept for.
            return self._side.run(f"{sql} -- without {' '.join(sorted(self.without))}")

    def close(self) -> None:
        self._side.close()


def parametrized(sql: str) -> tuple[str, list[str], list[str]]:
    """The query with parameters for its typed literals, their types and their values; equal ones share a parameter."""
    numbers: dict[str, int] = {}
    types: list[str] = []
    values: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        whole = match[0]
        if whole not in numbers:
            numbers[whole] = len(numbers) + 1
            types.append(match[2])
            values.append(whole)
        return f"${numbers[whole]}::{match[2]}"

    return _LITERAL.sub(replaced, sql), types, values


@contextmanager
def _without_rules(names: frozenset[str]) -> Iterator[None]:
    whole = optimizer.RULES
    optimizer.RULES = tuple(rule for rule in whole if rule.name not in names)
    try:
        yield
    finally:
        optimizer.RULES = whole


def choose_form(side: FormSide, source: random.Random) -> None:
    """Let the side be asked in some form."""
    side.form = source.choice(FORMS)
    names = [rule.name for rule in optimizer.RULES]
    most = source.choice((1, 1, 2, len(names)))
    side.without = frozenset(source.sample(names, most))


class BareSide(LungfishSide):
    """A database in a file, which makes no indexes and has little memory for a statement."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        super().run("SET work_mem = '64kB'")

    def run(self, sql: str, parameters: Sequence[Any] | None = None) -> Answer:
        return Answer("CREATE INDEX") if is_index(sql) else super().run(sql, parameters)


def all_forms(sides: Sequence[FormSide], source: random.Random) -> Iterator[FormSide]:
    """Each side in each form, one after the other; the same object each time, asked otherwise."""
    for side in sides:
        for form in FORMS:
            choose_form(side, source)
            side.form = form
            yield side
