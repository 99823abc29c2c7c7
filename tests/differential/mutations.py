"""A campaign of mutated statements: each is run where its original would have been, on our side and, if there is one, on PostgreSQL's.

A walk runs its script statement by statement; before each statement its mutants are run in a transaction, or behind a savepoint, that is
rolled back. What is found: an internal error; a statement that takes too long; and, beside PostgreSQL, another answer.
"""

from __future__ import annotations

import itertools
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lungfish.script.postgres_server import create_database
from tests.differential.compare import difference
from tests.differential.mutants import (
    Mutant,
    Mutator,
    Pool,
    deparse,
    expressions,
    parse,
    removals,
    statement_kind,
)
from tests.differential.sides import INTERNAL, Answer, LungfishSide, PostgresSide, Side
from tests.differential.walks import Walk

# Processor time above which a mutant is called slow.
SECONDS_MAX = 4.0
# Statements that are mutated: those that neither leave the transaction nor the database, and that the deparser can write however odd.
_MUTATED = frozenset(
    ["select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt", "create_stmt", "view_stmt", "index_stmt", "create_table_as_stmt", "alter_table_stmt", "rule_stmt", "create_domain_stmt", "create_seq_stmt", "alter_seq_stmt", "create_enum_stmt", "composite_type_stmt", "execute_stmt", "declare_cursor_stmt", "create_stats_stmt", "truncate_stmt", "rename_stmt", "drop_stmt", "alter_domain_stmt", "comment_stmt", "explain_stmt", "refresh_mat_view_stmt", "create_function_stmt", "alter_enum_stmt", "alter_object_schema_stmt", "call_stmt", "constraints_set_stmt", "fetch_stmt"]
)  # fmt: skip
# Answers that say nothing of the statement: too large, too slow, too deep for the server.
_UNANSWERED = ("53", "54", "55", "57", "58", "XX")
# Rows that need not be the same twice, or on two servers.
_VOLATILE = re.compile(
    r"random|now\b|clock_|timeofday|current_(?!row)|localtime|\bpg_(?!typeof)|information_schema|regclass|regproc|regtype|nextval|currval|lastval|setval|ctid|tableoid"
    r"|xmin|xmax|cmin|cmax|explain|uuidv|gen_random|version|tablesample|\boid\b|txid|setseed|system|user\b",
    re.IGNORECASE,
)
# Rows that depend on the order in which others come.
_ORDERED = re.compile(
    r"limit|offset|fetch|distinct on|_agg|\bover\b|update.*from|merge|percentile|any_value|mode\(|generate_series.*,|conflict",
    re.IGNORECASE | re.DOTALL,
)
_TODAY = re.compile(datetime.now(UTC).strftime("%Y-%m-%d") + r"[ T]\d\d:\d\d:\d\d(\.\d+)?")
# A statement of a found mutant is made smaller this often at most.
_ATTEMPTS_MAX = 160
_ALIKE_MAX = 3
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Found:
    """A mutant that went wrong, made small."""

    place: str
    what: str
    statements: tuple[str, ...]
    expected: Answer | None
    got: Answer

    def report(self) -> str:
        lines = [f"-- {self.what} ({self.place})", *(f"{step};" for step in self.statements)]
        if self.expected is not None:
            lines.append(f"  PostgreSQL: {self.expected.summary()}")
        return "\n".join([*lines, f"  Lungfish:   {self.got.summary()}"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What went wrong, with both answers; two mutants whose `key` is the same go wrong alike."""

    what: str
    expected: Answer | None
    got: Answer

    @property
    def key(self) -> tuple[str | None, ...]:
        expected = self.expected.sqlstate if self.expected is not None else None
        message = "" if self.got.sqlstate is None and self.what != "answers" else self.got.message
        if self.what == "answers" and self.expected is not None:
            message = self.expected.message
        return self.what, expected, self.got.sqlstate, re.sub(r'"[^"]*"|\d+', "?", message)


@dataclass(slots=True)
class Campaign:
    """Walks over scripts. `postgres` is None for a campaign without an oracle."""

    walks: list[Walk]
    seed: int
    # How many mutants of all statements together, on average.
    count: int
    make_sides: Callable[[], tuple[Side | None, Side]]
    tried: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    alike: Counter[tuple[str | None, ...]] = field(default_factory=Counter)

    def run(self, only: str = "") -> Iterator[Found]:
        """What is found, in order. `only`: the name of a walk, and of a place in it (NAME:33.2), to look at alone."""
        name, _, place = only.partition(":")
        functions = _functions_of(self.walks)
        share = self.count / max(1, sum(len(walk.statements) for walk in self.walks))
        for walk in self.walks:
            if name in ("", walk.name):
                yield from self._walk(walk, functions, share, place)

    def _walk(
        self, walk: Walk, functions: dict[int, list[Any]], share: float, only: str
    ) -> Iterator[Found]:
        chosen = self._places(walk, share, only)
        if not any(chosen):
            return
        last = max(number for number, places in enumerate(chosen) if places)
        pool = pool_of(walk)
        pool.functions = functions
        postgres, ours = self.make_sides()
        sides = [side for side in (postgres, ours) if side is not None]
        stage = Stage(postgres, ours)
        for sql in walk.setup:
            stage.advance(sql)
        for number, sql in enumerate(walk.statements[: last + 1]):
            tree = parse(sql) if chosen[number] else None
            if tree is not None and statement_kind(tree) in _MUTATED and stage.enter():
                for place in chosen[number]:
                    source = random.Random(f"{self.seed}/{walk.name}/{place}")
                    mutant = Mutator(source, pool).make(tree)
                    yield from self._try(stage, mutant, f"{walk.name}:{place}")
                stage.leave()
            stage.advance(sql)
        for side in sides:
            side.close()

    def _places(self, walk: Walk, share: float, only: str) -> list[list[str]]:
        """The place of each mutant, by statement."""
        return [
            [
                place
                for turn in range(_turns(f"{self.seed}/{walk.name}/{number}", share))
                if only in ("", place := f"{number}.{turn}")
            ]
            for number in range(len(walk.statements))
        ]

    def _try(self, stage: Stage, mutant: Mutant, place: str) -> Iterator[Found]:
        steps = mutant.statements()
        if steps is None:
            return
        self.tried += 1
        verdict = stage.judge(steps)
        if verdict is None:
            return
        if verdict.what == "refused":
            self.refused[verdict.got.message] += 1
            return
        self.alike[verdict.key] += 1
        if self.alike[verdict.key] > _ALIKE_MAX:
            return
        small = mutant if verdict.what == "slow" else shrink(mutant, verdict, stage)
        if verdict.what == "class" and has_both_errors(small, verdict, stage):
            # Which of two errors in one statement is met first is nobody's promise.
            self.alike[verdict.key] -= 1
            return
        statements = small.statements() or steps
        again = stage.judge(statements) or verdict
        yield Found(f"--only {place}", verdict.what, statements, again.expected, again.got)


@dataclass(slots=True)
class Stage:
    """Where mutants are run: both sides in a transaction, each mutant behind a savepoint."""

    postgres: Side | None
    ours: Side
    is_open: bool = False
    # What puts the sequences back, which no rollback does.
    resets: tuple[str, ...] = ()

    def enter(self) -> bool:
        """Begin, unless the script itself has begun; whether statements can be run."""
        answers = [side.run("SAVEPOINT mutants") for side in self._sides()]
        if all(answer.sqlstate == "25P01" for answer in answers):
            for side in self._sides():
                side.run("BEGIN")
                side.run("SAVEPOINT mutants")
            self.is_open = True
            self.resets = self._sequences()
            return True
        return all(answer.sqlstate is None for answer in answers)

    def leave(self) -> None:
        for side in self._sides():
            side.run("ROLLBACK" if self.is_open else "RELEASE SAVEPOINT mutants")
        self.is_open = False

    def _sequences(self) -> tuple[str, ...]:
        found = self._sides()[0].run(
            "SELECT format('%I.%I', schemaname, sequencename), last_value, start_value FROM pg_sequences"
        )
        return tuple(
            f"SELECT setval('{name}', {start}, false)"
            if value is None
            else f"SELECT setval('{name}', {value})"
            for name, value, start in found.rows
        )

    def advance(self, sql: str) -> None:
        """Run a statement of the script. What the two sides answer otherwise is taken back, lest one have what the other has not."""
        if self.postgres is None:
            self.ours.run(sql)
            return
        tree = parse(sql)
        if tree is None or statement_kind(tree) == "transaction_stmt":
            self._advance_both(sql)
            return
        answers = [side.run("SAVEPOINT step") for side in self._sides()]
        has_block = answers[0].sqlstate is None
        if not has_block:
            for side in self._sides():
                side.run("BEGIN")
        states = [side.run(sql).sqlstate for side in self._sides()]
        if any(state == "25001" for state in states) and not has_block:
            # VACUUM and its like.
            for side in self._sides():
                side.run("ROLLBACK")
            self._advance_both(sql)
            return
        is_alike = (states[0] is None) == (states[1] is None)
        if has_block:
            end = "RELEASE SAVEPOINT step" if is_alike else "ROLLBACK TO SAVEPOINT step"
        else:
            end = "COMMIT" if is_alike else "ROLLBACK"
        for side in self._sides():
            side.run(end)

    def _advance_both(self, sql: str) -> None:
        """What our side refuses is not run on the other either."""
        assert self.postgres is not None
        if self.ours.run(sql).sqlstate in (None, "25P02"):
            self.postgres.run(sql)
        elif self.postgres.run("SAVEPOINT probe").sqlstate is None:
            # In a transaction block, which has failed on our side: fail there too.
            self.postgres.run("SELECT 1 / 0")

    def _sides(self) -> list[Side]:
        return [side for side in (self.postgres, self.ours) if side is not None]

    def judge(self, steps: tuple[str, ...]) -> Verdict | None:
        """Run the statements up to the first that fails; None if nothing is wrong."""
        whole = ";".join(steps)
        is_stable = _VOLATILE.search(whole) is None and _ORDERED.search(whole) is None
        try:
            for step in steps:
                verdict, is_over = self._judge_one(step, is_stable=is_stable)
                if verdict is not None or is_over:
                    return verdict
        finally:
            for side in self._sides():
                side.run("ROLLBACK TO SAVEPOINT mutants")
                for reset in self.resets:
                    side.run(reset)
                if self.resets:
                    # One of them may have failed, for a sequence that has another name here.
                    side.run("ROLLBACK TO SAVEPOINT mutants")
                if steps[0].startswith("PREPARE"):
                    side.run("DEALLOCATE w")
                    side.run("ROLLBACK TO SAVEPOINT mutants")
        return None

    def attempt(self, side: Side, steps: tuple[str, ...]) -> Answer:
        """What one side says to the statements, up to the first that fails."""
        answer = Answer()
        for step in steps:
            answer = side.run(step)
            if answer.sqlstate is not None:
                break
        side.run("ROLLBACK TO SAVEPOINT mutants")
        return answer

    def _judge_one(self, sql: str, *, is_stable: bool) -> tuple[Verdict | None, bool]:
        """The verdict of one statement, and whether it ends the run. `is_stable`: its rows can be compared."""
        expected = None if self.postgres is None else self.postgres.run(sql)
        if expected is not None and (expected.sqlstate or "").startswith(_UNANSWERED):
            return None, True
        before = time.process_time()
        got = self.ours.run(sql)
        if got.sqlstate == INTERNAL:
            return Verdict("internal", expected, got), True
        if time.process_time() - before > SECONDS_MAX or (expected and got.sqlstate == "57014"):
            return Verdict("slow", expected, got), True
        is_over = got.sqlstate is not None
        if expected is None:
            return None, is_over
        if got.sqlstate == "0A000" and expected.sqlstate != "0A000":
            return Verdict("refused", expected, got) if expected.sqlstate is None else None, True
        what = _difference(expected, got, is_stable=is_stable)
        return (None if what is None else Verdict(what, expected, got)), is_over


def _difference(expected: Answer, got: Answer, *, is_stable: bool) -> str | None:
    if expected.sqlstate is not None or got.sqlstate is not None:
        if expected.sqlstate is None:
            return "raises"
        if got.sqlstate is None:
            return "answers"
        return None if expected.sqlstate[:2] == got.sqlstate[:2] else "class"
    if not is_stable and expected.columns is not None:
        expected, got = replace(expected, rows=(), tag=""), replace(got, rows=(), tag="")
    return difference(_timeless(expected), _timeless(got), is_ordered=False, is_loose=True)


def _timeless(answer: Answer) -> Answer:
    """The answer with one word for each time of this day: the two sides are not asked at the same moment."""
    if not any(_TODAY.search(value or "") for row in answer.rows for value in row):
        return answer
    rows = (tuple(value and _TODAY.sub("now", value) for value in row) for row in answer.rows)
    return replace(answer, rows=tuple(rows))


def shrink(mutant: Mutant, verdict: Verdict, stage: Stage) -> Mutant:
    """The smallest mutant found that goes wrong alike."""
    attempts = 0

    def is_alike(candidate: Mutant) -> bool:
        steps = candidate.statements()
        found = None if steps is None else stage.judge(steps)
        return found is not None and found.key == verdict.key

    if mutant.frame != ("{q}",) and is_alike(plain := Mutant(mutant.tree)):
        mutant = plain
    found = True
    while found:
        found = False
        length = len(deparse(mutant.tree) or "")
        for candidate in _smaller(mutant.tree):
            written = deparse(candidate)
            if written is None or len(written) >= length:
                continue
            attempts += 1
            if attempts > _ATTEMPTS_MAX:
                return mutant
            if is_alike(smaller := Mutant(candidate, mutant.frame)):
                mutant, found = smaller, True
                break
    return mutant


def has_both_errors(mutant: Mutant, verdict: Verdict, stage: Stage) -> bool:
    """Whether both sides raise each of the two errors in statements that are smaller yet."""
    assert verdict.expected is not None
    assert stage.postgres is not None
    missing = {verdict.expected.sqlstate, verdict.got.sqlstate}
    for candidate in itertools.islice(_smaller(mutant.tree), _ATTEMPTS_MAX):
        steps = Mutant(candidate, mutant.frame).statements()
        if steps is not None:
            answers = {stage.attempt(side, steps).sqlstate for side in (stage.postgres, stage.ours)}
            if len(answers) == 1:
                missing -= answers
        if not missing:
            return True
    return False


def _smaller(tree: Any) -> Iterator[Any]:
    """Trees with something left out, or an expression replaced by a part of it."""
    for index in range(sum(1 for _ in removals(tree))):
        copied = _copy(tree)
        list(removals(copied))[index]()
        yield copied
    count = len(expressions(tree))
    for index in range(count):
        inner = expressions(expressions(tree)[index])[1:]
        for part in [_copy(found) for found in inner[:12]]:
            copied = _copy(tree)
            expressions(copied)[index].CopyFrom(part)
            yield copied
    for index in range(count):
        copied = _copy(tree)
        place = expressions(copied)[index]
        if not place.HasField("a_const"):
            place.Clear()
            place.a_const.isnull = True
            yield copied


def _copy(message: Any) -> Any:
    made = type(message)()
    made.CopyFrom(message)
    return made


def pool_of(walk: Walk) -> Pool:
    pool = Pool()
    for sql in walk.statements:
        with suppress(RecursionError):
            if (tree := parse(sql)) is not None:
                pool.add(tree)
    return pool


def _functions_of(walks: list[Walk]) -> dict[int, list[Any]]:
    pool = Pool()
    for walk in walks:
        for count, names in pool_of(walk).functions.items():
            pool.functions.setdefault(count, []).extend(names)
    return pool.functions


def _turns(name: str, share: float) -> int:
    """How many mutants a statement has: `share` on average."""
    return int(share) + (random.Random(name).random() < share % 1)


def make_sides(uri: str | None) -> tuple[Side | None, Side]:
    """A new database on either side, the server's only if there is one."""
    ours = LungfishSide()
    if uri is None:
        return None, ours
    side = PostgresSide(create_database(uri, f"walk_{next(_numbers)}"))
    for each in (side, ours):
        each.run("SET statement_timeout = '3s'")
    return side, ours
