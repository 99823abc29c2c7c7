"""Every order in which a few small transactions can follow one another, step by step: those that commit can be put in a serial order.

A commit has three steps, as in `SerializableTransaction.commit`: let through, visible, done; those of several transactions overlap in each way.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest

from lungfish.errors import SerializationFailure
from lungfish.storage import serializable
from lungfish.storage.keys import KeyRange
from lungfish.storage.serializable_member import Member
from tests.history.interleavings import Choose, every, is_serial, some
from tests.storage.serializable_world import INDEX, TABLE, World

KEYS = "xyz"
# The end of a run that is gone through elsewhere.
CUT = "cut"
# Of those that do not commit: rolled back, or refused by a full disk.
ENDS = {"abort": ["leave"], "full": ["prepare", "leave"]}


@dataclass(eq=False)
class Actor:
    """A transaction on its way. `steps`: "begin", "rx", "r*" (all keys), "wx", "prepare", "show", "finish"."""

    name: str
    steps: list[str]
    is_read_only: bool
    # Unless it is refused.
    commits: bool
    member: Member | None = None
    number: int = 0
    # What it sees: of each key, who has written it.
    seen: dict[str, str] = field(default_factory=dict)
    log: list[tuple[str, str, str | None]] = field(default_factory=list)
    is_committed: bool = False

    @property
    def written(self) -> set[str]:
        return {key for kind, key, _ in self.log if kind == "write"}


def actors(programs: Sequence[str]) -> list[Actor]:
    """Transactions "rx wy": reads x, writes y. "ro r*": READ ONLY. One that writes nothing commits in one step: nobody can meet it between them."""
    made = []
    for number, program in enumerate(programs):
        is_read_only = program.startswith("ro ")
        steps = program.removeprefix("ro ").split()
        end = ["end"]
        if steps[-1] not in ENDS and any(step[0] == "w" for step in steps):
            end = ["prepare", "show", "finish"]
        elif steps[-1] in ENDS:
            end = ENDS[steps.pop()]
        made.append(
            Actor(f"T{number + 1}", ["begin", *steps, *end], is_read_only, "leave" not in end)
        )
    return made


def run(programs: Sequence[str], choose: Choose[Actor]) -> Schedule:
    """One run of the programs."""
    schedule = Schedule(programs)
    schedule.go(choose)
    return schedule


class Schedule:
    """One run of some programs."""

    def __init__(self, programs: Sequence[str]) -> None:
        self._world = World()
        self._actors = actors(programs)
        self._numbers = itertools.count(1)
        # Of each key, who has written it last, as far as everybody can see.
        self.visible: dict[str, str] = {}
        self.trace: list[str] = []

    def go(self, choose: Choose[Actor]) -> None:
        """Take step after step until there is none."""
        last: tuple[Actor, str] | None = None
        while ready := [each for each in self._actors if each.steps and not self._waits(each)]:
            left = [each for each in ready if not _is_twin(last, each)]
            if not left:
                # The same with two steps exchanged is another run.
                self.trace.append(CUT)
                break
            actor = choose(left) if len(left) > 1 else left[0]
            step = actor.steps.pop(0)
            last = (actor, step)
            self.trace.append(f"{actor.name} {step}")
            try:
                self._do(actor, step)
            except SerializationFailure:
                self.trace.append(f"{actor.name} fails")
                self._leave(actor)

    @property
    def has_all_committed(self) -> bool:
        return all(each.is_committed for each in self._actors if each.commits)

    @property
    def is_right(self) -> bool:
        """Whether a serial order of those that have committed explains what they read, and what is there."""
        logs = {each.name: each.log for each in self._actors if each.is_committed}
        return is_serial(logs, self.visible)

    def _waits(self, actor: Actor) -> bool:
        """Whether its next step would change a row that another one has changed and not committed."""
        step = actor.steps[0]
        return step[0] == "w" and any(
            step[1] in other.written and other.number in self._world.running
            for other in self._actors
            if other is not actor
        )

    def _do(self, actor: Actor, step: str) -> None:
        world, member = self._world, actor.member
        if step == "begin":
            actor.number = next(self._numbers)
            actor.seen = dict(self.visible)
            actor.member = world.enter(actor.number, is_read_only=actor.is_read_only)
        elif step[0] == "r":
            self._read(actor, step[1])
        elif step[0] == "w":
            self._write(actor, step[1])
        elif step == "prepare":
            assert member is not None
            world.conflicts.prepare(member)
        elif step == "show":
            self._show(actor)
        elif step == "finish":
            self._finish(actor)
        elif step == "leave":
            self._leave(actor)
        else:
            if member is not None:
                world.conflicts.prepare(member)
            self._show(actor)
            self._finish(actor)

    def _read(self, actor: Actor, key: str) -> None:
        conflicts, member = self._world.conflicts, actor.member
        if member is not None and key == "*":
            conflicts.read_range(member, TABLE, (INDEX, KeyRange(None, None)))
        elif member is not None:
            self._world.read(member, key.encode())
        for each in KEYS if key == "*" else key:
            actor.log.append(("read", each, actor.seen.get(each)))

    def _write(self, actor: Actor, key: str) -> None:
        if self.visible.get(key) not in (actor.seen.get(key), actor.name):
            raise SerializationFailure("could not serialize access due to concurrent update")
        assert actor.member is not None
        self._world.write(actor.member, key.encode())
        actor.seen[key] = actor.name
        actor.log.append(("write", key, None))

    def _show(self, actor: Actor) -> None:
        actor.is_committed = True
        for key in actor.written:
            self.visible[key] = actor.name
        self._world.running.discard(actor.number)

    def _finish(self, actor: Actor) -> None:
        if actor.member is not None:
            self._world.conflicts.finish(actor.member, is_committed=True)

    def _leave(self, actor: Actor) -> None:
        actor.steps.clear()
        self._world.running.discard(actor.number)
        if actor.member is not None:
            self._world.conflicts.finish(actor.member, is_committed=False)


def _is_twin(last: tuple[Actor, str] | None, actor: Actor) -> bool:
    """Whether the step would have done the same before the last one, which was another's: then that order is gone through elsewhere.

    A snapshot is taken, and a commit becomes visible, without regard to what others read and write.
    """
    return (
        last is not None
        and last[0] is not actor
        and last[1] in ("begin", "show")
        and actor.steps[0][0] in "rw"
    )


def wrong(runs: Iterator[Schedule]) -> list[str]:
    """The first orders whose outcome no serial order explains."""
    found = ("; ".join(each.trace) for each in runs if each.trace[-1] != CUT and not each.is_right)
    return list(itertools.islice(found, 3))


# How many committed transactions are kept in detail: all that there are, or none.
DETAILS = pytest.mark.parametrize("detail_count", [serializable.FINISHED_MAX, 0])
SMALL = [
    ("rx wx", "rx wx"),
    ("rx wy", "ry wx"),
    ("rx wy", "ry wx", "ro r*"),
    ("r* wx", "r* wy"),
]
# Each of the first two has an outcome that only overlapping commits have; the third is the cycle of three.
LARGE = [
    ("ro rx ry", "rx wy", "wx"),
    ("rx ry", "rx wy", "wx"),
    ("rx wy", "ry wz", "rz wx"),
    ("r*", "rx wy full", "ry wx"),
    ("rx wy", "ry wx", "r* abort"),
]


@DETAILS
@pytest.mark.parametrize("programs", SMALL, ids="; ".join)
def test_every_order_of_small_programs_is_serializable(
    programs: Sequence[str], detail_count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serializable, "FINISHED_MAX", detail_count)
    assert wrong(every(partial(run, programs))) == []


@pytest.mark.release
@DETAILS
@pytest.mark.parametrize("programs", LARGE, ids="; ".join)
def test_every_order_of_larger_programs_is_serializable(
    programs: Sequence[str], detail_count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serializable, "FINISHED_MAX", detail_count)
    assert wrong(every(partial(run, programs))) == []


@pytest.mark.parametrize(
    "programs",
    [("rx wx", "ry wy", "rz"), ("rx wy", "wx", "ro rz"), ("ro r*", "wx", "wy")],
    ids="; ".join,
)
def test_one_conflict_alone_takes_nobody_back(programs: Sequence[str]) -> None:
    refused = [
        each.trace
        for each in some(partial(run, programs), 2_000, random.Random(3))
        if each.trace[-1] != CUT and not each.has_all_committed
    ]
    assert not refused


@DETAILS
def test_some_orders_of_programs_taken_by_chance_are_serializable(
    detail_count: int, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(serializable, "FINISHED_MAX", detail_count)
    chance = random.Random(7)
    found: list[str] = []
    for _ in range(2_000 if request.config.getoption("--release") else 30):
        programs = [_program(chance) for _ in range(chance.randint(2, 5))]
        schedules = some(partial(run, ["wx", *programs]), 200, chance)
        found += [f"{programs}: {each}" for each in wrong(schedules)]
    assert found == []


def _program(chance: random.Random) -> str:
    if chance.random() < 0.2:
        return "ro " + " ".join(chance.sample(["rx", "ry", "rz", "r*"], chance.randint(1, 3)))
    steps = [
        chance.choice(["rx", "ry", "rz", "r*", "wx", "wy", "wz"])
        for _ in range(chance.randint(1, 3))
    ]
    if chance.random() < 0.1:
        steps.append(chance.choice(list(ENDS)))
    return " ".join(steps)
