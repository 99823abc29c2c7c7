"""Crashing a finished workload at its operations, and looking at what recovery makes of it.

Of each crash state is asked, in this order:
1. it opens,
2. it holds a version that the crash allows: every acknowledged commit, each later one wholly or not at all,
3. every checksum, heap and index is sound, and index and heap agree (`SmallDatabase.check`),
4. dropped without a word and opened again, it holds the same,
5. it can be written to, checkpointed and closed; the one file that is left holds what was written.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable

from lungfish import errors
from lungfish.drill.points import CrashPoint
from lungfish.recovery.core import CoreOptions
from lungfish.storage.crash_state import SECTOR_SIZE, Operation, OperationKind
from lungfish.storage.simulated_disk import Fault, Persistence, SimulatedDisk
from tests.crash.drill import Drill, State, Version
from tests.crash.small_database import OPTIONS, SmallDatabase
from tests.crash.tally import Tally
from tests.crash.workloads import Workload, row


class DrillFailure(AssertionError):
    """Recovery did not give back what it should."""


def run_workload(workload: Workload, seed: int, options: CoreOptions = OPTIONS) -> Drill:
    """A workload on a fresh disk, to its end; the database is left as it is, open."""
    drill = Drill(SimulatedDisk(), options)
    workload(drill, random.Random(f"{workload.__name__} {seed}"))
    return drill


class Killed(BaseException):
    """The process is gone: what it had handed to the system and not synced is still in the system's cache."""


def run_until_killed(
    workload: Workload, seed: int, operation: int, options: CoreOptions = OPTIONS
) -> Drill:
    """A workload whose process is killed just before an operation. The disk goes on: a new process may open the database on it."""

    def kill(next_one: Operation) -> Fault | None:
        if next_one.number >= operation:
            raise Killed
        return None

    drill = Drill(SimulatedDisk(), options)
    drill.disk.before_operation = kill
    with contextlib.suppress(Killed):
        workload(drill, random.Random(f"{workload.__name__} {seed}"))
    drill.disk.before_operation = None
    drill.forget()
    return drill


def check_kills(workload: Workload, operations: Iterable[int], seed: int) -> Tally:
    """Kill the process, let the next one recover and work, then take the power away: what it had seen must have become durable."""
    tally = Tally()
    chance = random.Random(f"kills {seed}")
    for operation in operations:
        drill = run_until_killed(workload, seed, operation)
        try:
            check_state_after_kill(drill, chance)
        except Exception:
            tally.fail(f"killed before {operation}")
        tally.count("kills")
    return tally


def check_errors(workload: Workload, operations: Iterable[int], seed: int) -> Tally:
    """Let one operation fail: the workload must see an error of ours, and what was acknowledged must survive the reopening."""
    tally = Tally()
    for operation in operations:
        drill = run_until_error(workload, seed, operation)
        try:
            check_state(drill.disk, drill.allowed(drill.disk.operation_count), drill.options)
        except Exception:
            tally.fail(f"operation {operation} failed")
        tally.count("failing operations")
    return tally


def run_until_error(
    workload: Workload, seed: int, operation: int, options: CoreOptions = OPTIONS
) -> Drill:
    """A workload of which one operation fails: a sync by EIO and with the loss of what it should have synced, others as a disk is full."""

    def fail(next_one: Operation) -> Fault | None:
        if next_one.number != operation or next_one.kind is OperationKind.READ:
            return None
        drill.disk.before_operation = None
        if next_one.kind is OperationKind.SYNC:
            return Fault(errors.IoError("no sync"), loses_unsynced=True)
        return Fault(
            errors.DiskFull("no room"),
            applied_size=len(next_one.data) // 2 // SECTOR_SIZE * SECTOR_SIZE,
        )

    drill = Drill(SimulatedDisk(), options)
    drill.disk.before_operation = fail
    with contextlib.suppress(errors.Error):
        workload(drill, random.Random(f"{workload.__name__} {seed}"))
    drill.disk.before_operation = None
    drill.kill()
    return drill


def check_state_after_kill(drill: Drill, chance: random.Random) -> None:
    allowed = drill.allowed(drill.disk.operation_count)
    state = drill.database.dump()
    if state not in allowed:
        raise DrillFailure(describe_difference(state, allowed))
    recovered_at = drill.disk.operation_count
    drill.versions = [Version(state, recovered_at, recovered_at)]
    observe_more(drill)
    again = chance.randint(recovered_at, drill.disk.operation_count)
    persistence = chance.choice((Persistence.SYNCED, *Persistence))
    left = drill.disk.crash_state(again, persistence, again)
    try:
        check_state(left, drill.allowed(again), drill.options)
    except Exception as error:
        raise DrillFailure(
            f"recovered at {recovered_at}, then operation {again}, {persistence}"
        ) from error


def check_points(
    drill: Drill, points: Iterable[CrashPoint], *, nested_share: float = 0.0, seed: int = 0
) -> Tally:
    """Look at each state; some of them also with one more crash in the middle of their recovery and what follows it."""
    tally = Tally()
    chance = random.Random(f"nested {seed}")
    for point in points:
        disk = drill.disk.crash_state(point.operation, point.persistence, point.seed)
        try:
            check_state(disk, drill.allowed(point.operation), drill.options)
            tally.count("crash states")
            if chance.random() < nested_share:
                check_chain(drill, point, chance, depth=1)
                tally.count("crashes in recovery")
        except Exception:  # Whatever it is, it is what the drill is for: say where.
            tally.fail(str(point))
    return tally


def check_state(disk: SimulatedDisk, allowed: list[State], options: CoreOptions = OPTIONS) -> None:
    """Open what a crash has left, and ask the module's questions. What is done to the disk here is recorded by it."""
    database = SmallDatabase(disk, options)
    found = database.dump()
    if found not in allowed:
        raise DrillFailure(describe_difference(found, allowed))
    database.check()
    database.crash()
    database = SmallDatabase(disk, options)
    if database.dump() != found:
        raise DrillFailure("opened a second time, the database holds something else")
    final = write_more(database, found)
    database.close()
    if disk.exists("app.db-wal"):
        raise DrillFailure("a clean close left the log's folder")
    database = SmallDatabase(disk, options)
    if database.dump() != final or not database.report.is_clean:
        raise DrillFailure(
            "after a clean close the database holds something else, or does not know"
        )
    database.check()
    database.crash()


def write_more(database: SmallDatabase, state: State) -> State:
    """Use a recovered database a little: a new table, and in each old one a new row and a deletion; then a checkpoint."""
    after = {number: rows.copy() for number, rows in state.items()}
    transaction = database.begin()
    made = database.create_table(transaction)
    after[made] = {}
    for number, rows in after.items():
        database.insert(transaction, number, row(777_777, 7, 50))
        for row_id in list(rows)[:2]:
            database.delete(transaction, number, row_id)
            del rows[row_id]
        rows[777_777] = row(777_777, 7, 50)
    transaction.commit()
    database.checkpoint()
    transaction = database.begin()
    database.update(transaction, made, row(777_777, 8, 50))
    after[made][777_777] = row(777_777, 8, 50)
    transaction.commit()
    return after


def check_chain(drill: Drill, point: CrashPoint, chance: random.Random, *, depth: int) -> None:
    """Crash so many times more, each time somewhere in what came after the crash before: in recovery, in the writes after it, or
    in the close. At last what is left must pass `check_state`.
    """
    disk = drill.disk.crash_state(point.operation, point.persistence, point.seed)
    allowed = drill.allowed(point.operation)
    course = [str(point)]
    try:
        for level in range(depth):
            inner = Drill(disk, drill.options, versions=[])
            state = inner.database.dump()
            if state not in allowed:
                raise DrillFailure(describe_difference(state, allowed))
            inner.versions.append(Version(state, 0, 0))
            recovered_at = disk.operation_count
            observe_more(inner, first=500 + 10 * level)
            inner.close()
            # Half of the crashes in the recovery itself, half in what follows it.
            last = recovered_at if chance.random() < 0.5 else disk.operation_count
            again = CrashPoint(
                chance.randint(0, last), chance.choice(list(Persistence)), point.seed
            )
            course.append(f"recovered at {recovered_at}, then {again}")
            allowed = inner.allowed(again.operation)
            disk = disk.crash_state(again.operation, again.persistence, again.seed)
        check_state(disk, allowed, drill.options)
    except Exception as error:
        raise DrillFailure("; ".join(course)) from error


def observe_more(drill: Drill, first: int = 500) -> None:
    """Work after a recovery, with its versions on record. The row ids from `first` on must be free."""
    number = min(drill.state, default=None)
    transaction = drill.begin()
    if number is None:
        number = transaction.create_table()
    for row_id in range(first, first + 3):
        transaction.insert(number, row(row_id, 5))
    transaction.commit()
    drill.checkpoint()
    transaction = drill.begin()
    transaction.update(number, row(first + 1, 6, 400))
    transaction.delete(number, first + 2)
    transaction.commit()


def describe_difference(found: State, allowed: list[State]) -> str:
    """What differs from the newest version that was allowed."""
    lines = [
        f"the database holds none of the {len(allowed)} versions it may; against the last one:"
    ]
    expected = allowed[-1]
    if found.keys() != expected.keys():
        lines.append(f"tables {sorted(found)} instead of {sorted(expected)}")
    for number in sorted(found.keys() & expected.keys()):
        for row_id in sorted(found[number].keys() | expected[number].keys()):
            one, other = found[number].get(row_id), expected[number].get(row_id)
            if one != other:
                lines.append(
                    f"table {number} row {row_id}: {str(one)[:60]} instead of {str(other)[:60]}"
                )
    return "\n".join(lines[:12])
