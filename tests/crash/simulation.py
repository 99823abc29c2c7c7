"""Trial 11 of the matrix: a seeded simulation of many transactions, checkpoints, crashes and failures, in one thread, with a shrinker.

A seed gives a list of steps, each a plain tuple of a kind and three numbers; the numbers say what to choose among what is there when
the step is played. So every sublist of the steps can be played too: a failing list is made shorter until nothing can be left out.

    python -m tests.crash.simulation 17 200     plays seed 17 with 200 steps; on failure, shrinks it and prints the steps

Seeds that failed once are kept in `KEPT_SEEDS`, with what they found.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lungfish import errors
from lungfish.recovery.checkpoint_request import CheckpointKind, CheckpointMode, CheckpointRequest
from lungfish.storage.crash_state import OperationKind, Persistence
from lungfish.storage.simulated_disk import Fault, SimulatedDisk
from lungfish.storage.snapshots import Snapshot
from tests.crash.crash_points import until_over
from tests.crash.drill import Drill, DrillTransaction, Version
from tests.crash.harness import DrillFailure, describe_difference
from tests.crash.tally import Budget, Tally
from tests.crash.workloads import row

Step = tuple[str, int, int, int]

# How often each kind of step comes.
WEIGHTS = {
    "insert": 30,
    "update": 30,
    "delete": 12,
    "commit": 14,
    "rollback": 4,
    "savepoint": 4,
    "rollback to": 4,
    "create table": 2,
    "drop table": 1,
    "create index": 1,
    "checkpoint": 4,
    "checkpoint while writing": 2,
    "snapshot": 2,
    "release": 2,
    "power failure": 2,
    "kill": 1,
    "close": 1,
    "failing operation": 1,
    "advance the clock": 2,
}
SESSION_COUNT = 3
SIZES = (6, 6, 60, 300, 900, 5_000)
# (seed, steps): what it found.
KEPT_SEEDS: dict[tuple[int, int], str] = {
    (
        1103,
        60,
    ): "a checkpoint without a log, after a clean close, made the next opening miss the log",
    (1194, 60): "the same, with other options",
}


def steps_of(seed: int, count: int) -> list[Step]:
    chance = random.Random(f"simulation {seed}")
    kinds = chance.choices(list(WEIGHTS), WEIGHTS.values(), k=count)
    return [(kind, *(chance.randrange(1 << 30) for _ in range(3))) for kind in kinds]


@dataclass(slots=True)
class World:
    """The database under simulation, and who is at work in it. Each session has row ids of its own, so nobody waits for a lock."""

    drill: Drill = field(default_factory=lambda: Drill(SimulatedDisk()))
    sessions: dict[int, DrillTransaction] = field(default_factory=dict)
    marks: dict[int, bool] = field(default_factory=dict)
    snapshots: list[Snapshot] = field(default_factory=list)

    def play(self, step: Step) -> None:
        kind, a, b, c = step
        ACTIONS[kind](self, a, b, c)

    # Sessions

    def session(self, a: int) -> tuple[int, DrillTransaction]:
        number = a % SESSION_COUNT
        if number not in self.sessions:
            self.sessions[number] = self.drill.begin()
            self.marks[number] = False
        return number, self.sessions[number]

    def table(self, b: int) -> int | None:
        tables = sorted(self.drill.state)
        return tables[b % len(tables)] if tables else None

    def insert(self, a: int, b: int, c: int) -> None:
        number, transaction = self.session(a)
        table = self.table(b)
        if table is None:
            return
        row_id = (c % 40) * SESSION_COUNT + number
        if row_id not in transaction.row_ids(table):
            transaction.insert(table, row(row_id, c % 977, SIZES[c % len(SIZES)]))

    def update(self, a: int, b: int, c: int) -> None:
        self._change(a, b, c, lambda transaction, table, row_id: transaction.update(
            table, row(row_id, c % 991, SIZES[b % len(SIZES)])
        ))  # fmt: skip

    def delete(self, a: int, b: int, c: int) -> None:
        self._change(a, b, c, lambda transaction, table, row_id: transaction.delete(table, row_id))

    def _change(
        self, a: int, b: int, c: int, act: Callable[[DrillTransaction, int, int], None]
    ) -> None:
        number, transaction = self.session(a)
        table = self.table(b)
        if table is None:
            return
        own = [each for each in transaction.row_ids(table) if each % SESSION_COUNT == number]
        if own:
            act(transaction, table, own[c % len(own)])

    def commit(self, a: int, b: int, c: int) -> None:
        number, transaction = self.session(a)
        del self.sessions[number]
        transaction.commit()

    def rollback(self, a: int, b: int, c: int) -> None:
        number, transaction = self.session(a)
        del self.sessions[number]
        transaction.rollback()

    def savepoint(self, a: int, b: int, c: int) -> None:
        number, transaction = self.session(a)
        transaction.savepoint("s")
        self.marks[number] = True

    def rollback_to(self, a: int, b: int, c: int) -> None:
        number, transaction = self.session(a)
        if self.marks[number]:
            transaction.rollback_to("s")

    # Tables: in transactions of their own, when nobody else is at work.

    def create_table(self, a: int, b: int, c: int) -> None:
        if len(self.drill.state) < 4:
            self.end_sessions()
            transaction = self.drill.begin()
            made = transaction.create_table(index_count=1 + a % 2)
            transaction.insert(made, row(3_000, 1))
            if c % 5:
                transaction.commit()
            else:
                transaction.rollback()

    def drop_table(self, a: int, b: int, c: int) -> None:
        table = self.table(b)
        if table is not None:
            self.end_sessions()
            transaction = self.drill.begin()
            transaction.drop_table(table)
            transaction.commit()

    def create_index(self, a: int, b: int, c: int) -> None:
        table = self.table(b)
        if table is None or len(self.drill.database.relations[table].indexes) > 3:
            return
        self.end_sessions()
        transaction = self.drill.begin()
        transaction.create_index(table, self.drill.checkpoint if c % 3 == 0 else lambda: None)
        transaction.commit()

    def end_sessions(self) -> None:
        for number, transaction in sorted(self.sessions.items()):
            if number % 2:
                transaction.rollback()
            else:
                transaction.commit()
        self.sessions.clear()

    # Checkpoints and time

    def checkpoint(self, a: int, b: int, c: int) -> None:
        modes, kinds = list(CheckpointMode), [CheckpointKind.INCREMENTAL, CheckpointKind.FULL]
        request = CheckpointRequest(
            mode=modes[a % len(modes)], kind=kinds[b % 2], requested_by="simulation"
        )
        self.drill.database.core.checkpoints.run(request)

    def checkpoint_while_writing(self, a: int, b: int, c: int) -> None:
        """Another session goes on between the pages."""
        turns = iter(range(3))

        def go_on(size: int) -> None:
            turn = next(turns, None)
            if turn is not None:
                (self.insert, self.update, self.delete)[turn](a + turn, b, c + turn)

        self.drill.checkpoint(go_on)

    def snapshot(self, a: int, b: int, c: int) -> None:
        if len(self.snapshots) < 3:
            self.snapshots.append(self.drill.snapshot())

    def release(self, a: int, b: int, c: int) -> None:
        if self.snapshots:
            self.drill.release(self.snapshots.pop(a % len(self.snapshots)))

    def advance(self, a: int, b: int, c: int) -> None:
        self.drill.database.core.clock.advance(a % 100_000 / 10)

    # The end of a process

    def power_failure(self, a: int, b: int, c: int) -> None:
        """The disk is what a crash some operations ago would have left."""
        kinds = list(Persistence)
        disk = self.drill.disk
        at = max(self.drill.versions[0].began_at, disk.operation_count - a % 6)
        left = disk.crash_state(at, kinds[b % len(kinds)], c)
        self.begin_anew(left, self.drill.allowed(at))

    def kill(self, a: int, b: int, c: int) -> None:
        """The process is gone, the system's cache is not."""
        self.drill.kill()
        self.forget()
        self.check()

    def close(self, a: int, b: int, c: int) -> None:
        self.end_sessions()
        for snapshot in self.snapshots:
            self.drill.release(snapshot)
        self.drill.close()
        self.forget()
        self.check()

    def failing_operation(self, a: int, b: int, c: int) -> None:
        """One operation fails in the middle of a commit or a checkpoint; the process sees an error, ends, and comes again."""
        disk = self.drill.disk
        left = a % 4

        def fail(operation: object) -> Fault | None:
            nonlocal left
            if getattr(operation, "kind", None) is OperationKind.READ:
                return None
            left -= 1
            if left >= 0:
                return None
            disk.before_operation = None
            is_sync = getattr(operation, "kind", None) is OperationKind.SYNC
            return Fault(errors.IoError("simulated"), loses_unsynced=is_sync)

        disk.before_operation = fail
        with contextlib.suppress(errors.Error):
            (self.commit, self.checkpoint, self.checkpoint_while_writing)[b % 3](a, b, c)
        disk.before_operation = None
        self.drill.kill()
        self.forget()
        self.begin_anew(disk, self.drill.allowed(disk.operation_count))

    def forget(self) -> None:
        self.sessions.clear()
        self.snapshots.clear()

    def begin_anew(self, disk: SimulatedDisk, allowed: Sequence[object]) -> None:
        self.drill.kill()
        self.forget()
        self.drill = Drill(disk)
        found = self.drill.database.dump()
        if found not in allowed:
            raise DrillFailure(describe_difference(found, list(allowed)))  # type: ignore[arg-type]
        self.drill.versions = [Version(found, 0, 0)]
        self.drill.database.check(allows_leaks=True)

    def check(self) -> None:
        """What is there is what was committed, and all of it is sound."""
        found = self.drill.database.dump()
        allowed = self.drill.allowed(self.drill.disk.operation_count)
        if found not in allowed:
            raise DrillFailure(describe_difference(found, allowed))
        self.drill.database.check(allows_leaks=True)
        now = self.drill.disk.operation_count
        self.drill.versions = [Version(found, now, now)]


ACTIONS: dict[str, Callable[[World, int, int, int], None]] = {
    "insert": World.insert,
    "update": World.update,
    "delete": World.delete,
    "commit": World.commit,
    "rollback": World.rollback,
    "savepoint": World.savepoint,
    "rollback to": World.rollback_to,
    "create table": World.create_table,
    "drop table": World.drop_table,
    "create index": World.create_index,
    "checkpoint": World.checkpoint,
    "checkpoint while writing": World.checkpoint_while_writing,
    "snapshot": World.snapshot,
    "release": World.release,
    "power failure": World.power_failure,
    "kill": World.kill,
    "close": World.close,
    "failing operation": World.failing_operation,
    "advance the clock": World.advance,
}
assert ACTIONS.keys() == WEIGHTS.keys()


def play(steps: Sequence[Step]) -> Exception | None:
    """Play the steps on a new database, end with a kill, and look; what went wrong, if anything did."""
    world = World()
    try:
        world.create_table(1, 0, 1)
        for step in steps:
            world.play(step)
        world.kill(0, 0, 0)
    except Exception as error:
        return error
    finally:
        with contextlib.suppress(Exception):
            world.drill.kill()
    return None


def shrink(steps: list[Step]) -> list[Step]:
    """Leave out what is not needed to fail: halves, quarters, ..., single steps (Zeller's delta debugging)."""
    size = len(steps) // 2
    while size:
        at = 0
        while at < len(steps):
            shorter = steps[:at] + steps[at + size :]
            if play(shorter) is not None:
                steps = shorter
            else:
                at += size
        size //= 2
    return steps


def check_seeds(budget: Budget) -> Tally:
    """New seeds, and first those that failed once."""
    tally = Tally()
    count = budget.choose(60, 2_000)
    cases = [*KEPT_SEEDS, *((seed, count) for seed in budget.seeds(200, 20_000))]
    for seed, steps in until_over(cases, budget):
        error = play(steps_of(seed, steps))
        if error is not None:
            tally.note(f"seed {seed}, {steps} steps: {type(error).__name__}: {error}")
        tally.count("seeds")
    return tally


def main() -> int:
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    steps = steps_of(seed, count)
    error = play(steps)
    if error is None:
        print("nothing went wrong")
        return 0
    print(f"{type(error).__name__}: {error}")
    for step in shrink(steps):
        print(step)
    return 1


if __name__ == "__main__":
    sys.exit(main())
