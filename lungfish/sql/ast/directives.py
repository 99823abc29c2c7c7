"""The directives of a script: what its comments `--@ ...` say. docs/scripts.md has the language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

# How the rows of a result are compared with those expected.
ROW_ORDERS = ("ordered", "sorted", "subset")
# What may go wrong at a failpoint.
FAULT_KINDS = ("enospc", "eio", "short_write", "bit_flip", "clock_jump", "memory")


@dataclass(frozen=True, slots=True)
class UseSession:
    """The statements that follow are that session's, which is connected when it is first used."""

    name: str


@dataclass(frozen=True, slots=True)
class RunAsync:
    """The next statement runs in the background; a `Wait` takes its result."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for what the session runs in the background."""

    session: str


@dataclass(frozen=True, slots=True)
class Restart:
    """End the database, by a close or as a killed process does, and open it again."""

    is_crash: bool


@dataclass(frozen=True, slots=True)
class CrashOptions:
    """What a crash leaves of that which was written and not synced: all of it, unless this says otherwise."""

    drops_unsynced: bool = False
    # Of the last unsynced write only so many bytes stay. None: all or nothing of it.
    torn_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class CrashAt:
    """The next statement crashes at the so-manieth hit of a failpoint, and the database is opened again."""

    point: str
    hit: int
    options: CrashOptions


@dataclass(frozen=True, slots=True)
class CrashEach:
    """The block is run once for each hit of each failpoint that matches, each time with a crash there."""

    patterns: tuple[str, ...]
    options: CrashOptions


@dataclass(frozen=True, slots=True)
class Fault:
    """Something goes wrong in the next statement, at the so-manieth hit of a failpoint."""

    kind: str
    point: str
    hit: int
    # Of a short write the bytes that are written; of a jump of the clock the seconds.
    amount: int | None


@dataclass(frozen=True, slots=True)
class ExpectRows:
    """The next statement gives the rows that stand behind it."""

    order: str


@dataclass(frozen=True, slots=True)
class ExpectError:
    """The next statement fails with one of these SQLSTATEs."""

    sqlstates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpectBlocked:
    """The next statement runs in the background and waits for a lock of that session."""

    by: str


@dataclass(frozen=True, slots=True)
class ExpectPlan:
    """EXPLAIN of the next statement has that text in it."""

    text: str


@dataclass(frozen=True, slots=True)
class ExpectCounter:
    """A counter of lungfish.metrics grows by an amount that compares so during the next statement."""

    name: str
    comparison: str
    value: float


@dataclass(frozen=True, slots=True)
class ExpectWithin:
    """The next statement takes no longer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ExpectCount:
    """The next statement gives or changes so many rows."""

    rows: int


@dataclass(frozen=True, slots=True)
class ExpectTag:
    """The next statement ends with that command tag."""

    tag: str


@dataclass(frozen=True, slots=True)
class Invariant:
    """A query that answers true, now and after every restart and crash to come."""

    sql: str


@dataclass(frozen=True, slots=True)
class Golden:
    """The next statement's whole output is what a file beside the script has."""

    name: str


@dataclass(frozen=True, slots=True)
class Permute:
    """The block is run in every order of its sessions' statements that keeps each session's own; None: all, else so many."""

    count: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class Loop:
    """The block is run for each number, both ends included."""

    variable: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Foreach:
    """The block is run for each value."""

    variable: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class End:
    """A block ends."""


@dataclass(frozen=True, slots=True)
class SetVariable:
    """From here on `:name` stands for the value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Require:
    """The script is left out where the feature is not there."""

    feature: str


Expectation: TypeAlias = (
    ExpectRows
    | ExpectError
    | ExpectBlocked
    | ExpectPlan
    | ExpectCounter
    | ExpectWithin
    | ExpectCount
    | ExpectTag
)
# What speaks of the next statement.
Modifier: TypeAlias = RunAsync | CrashAt | Fault | Golden | Expectation
# What has a body up to its END.
BlockHead: TypeAlias = CrashEach | Permute | Loop | Foreach
Directive: TypeAlias = (
    UseSession | Wait | Restart | Invariant | SetVariable | Require | End | BlockHead | Modifier
)

# What a script says only to those who test with it: to others these are the comments that they look like.
REMARKS = (
    ExpectRows,
    ExpectError,
    ExpectPlan,
    ExpectCounter,
    ExpectWithin,
    ExpectCount,
    ExpectTag,
    Invariant,
    Golden,
    Require,
)
