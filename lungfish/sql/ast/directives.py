"""The directives of a script: what its comments `--@ ...` say. docs/scripts.md has the language."""

from __future__ import annotations

from typing import TypeAlias

from lungfish.types.frozen import frozen

# How the rows of a result are compared with those expected.
ROW_ORDERS = ("ordered", "sorted", "subset")
# What may go wrong at a failpoint.
FAULT_KINDS = ("enospc", "eio", "short_write", "bit_flip", "clock_jump", "memory")


@frozen
class UseSession:
    """The statements that follow are that session's, which is connected when it is first used."""

    name: str


@frozen
class RunAsync:
    """The next statement runs in the background; a `Wait` takes its result."""


@frozen
class Wait:
    """Wait for what the session runs in the background."""

    session: str


@frozen
class Restart:
    """End the database, by a close or as a killed process does, and open it again."""

    is_crash: bool


@frozen
class CrashOptions:
    """What a crash leaves of that which was written and not synced: all of it, unless this says otherwise."""

    drops_unsynced: bool = False
    # Of the last unsynced write only so many bytes stay. None: all or nothing of it.
    torn_bytes: int | None = None


@frozen
class CrashAt:
    """The next statement crashes at the so-manieth hit of a failpoint, and the database is opened again."""

    point: str
    hit: int
    options: CrashOptions


@frozen
class CrashEach:
    """The block is run once for each hit of each failpoint that matches, each time with a crash there."""

    patterns: tuple[str, ...]
    options: CrashOptions


@frozen
class Fault:
    """Something goes wrong in the next statement, at the so-manieth hit of a failpoint."""

    kind: str
    point: str
    hit: int
    # Of a short write the bytes that are written; of a jump of the clock the seconds.
    amount: int | None


@frozen
class ExpectRows:
    """The next statement gives the rows that stand behind it."""

    order: str


@frozen
class ExpectError:
    """The next statement fails with one of these SQLSTATEs."""

    sqlstates: tuple[str, ...]


@frozen
class ExpectBlocked:
    """The next statement runs in the background and waits for a lock of that session."""

    by: str


@frozen
class ExpectPlan:
    """EXPLAIN of the next statement has that text in it."""

    text: str


@frozen
class ExpectCounter:
    """A counter of lungfish.metrics grows by an amount that compares so during the next statement."""

    name: str
    comparison: str
    value: float


@frozen
class ExpectWithin:
    """The next statement takes no longer."""

    seconds: float


@frozen
class ExpectCount:
    """The next statement gives or changes so many rows."""

    rows: int


@frozen
class ExpectTag:
    """The next statement ends with that command tag."""

    tag: str


@frozen
class Invariant:
    """A query that answers true, now and after every restart and crash to come."""

    sql: str


@frozen
class Golden:
    """The next statement's whole output is what a file beside the script has."""

    name: str


@frozen
class Permute:
    """The block is run in every order of its sessions' statements that keeps each session's own; None: all, else so many."""

    count: int | None
    seed: int


@frozen
class Loop:
    """The block is run for each number, both ends included."""

    variable: str
    first: int
    last: int


@frozen
class Foreach:
    """The block is run for each value."""

    variable: str
    values: tuple[str, ...]


@frozen
class End:
    """A block ends."""


@frozen
class SetVariable:
    """From here on `:name` stands for the value."""

    name: str
    value: str


@frozen
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
