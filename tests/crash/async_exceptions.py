"""Trial 7 of the matrix: KeyboardInterrupt and MemoryError at every line of checkpoint, fence, commit, log and image code.

Python may raise either between any two bytecodes, and no other database has to live with that. A run is traced once to see which
lines it executes; then it is run again for each of them, with an exception when it first comes there. Afterwards

1. no latch is held, the fence is open, and no checkpoint is under way,
2. the transaction can be ended, and the process goes on: it commits and takes a checkpoint; or the handle says, by a typed error, that
   it is to be opened again,
3. the next process finds exactly what had been committed.

A `with` line is traced a second time on leaving and a `try` does nothing: no signal is handled there, so they are left out. A comment
`# pragma: no interrupt` would leave out more; there is none.
"""

from __future__ import annotations

import linecache
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import lungfish
from lungfish import errors
from lungfish.storage.simulated_disk import Persistence, SimulatedDisk
from lungfish.storage.transaction_state import TransactionState
from tests.crash.crash_points import until_over
from tests.crash.drill import Drill, DrillTransaction
from tests.crash.harness import DrillFailure, check_state
from tests.crash.tally import Budget, Tally
from tests.crash.workloads import new_table, row

PACKAGE = Path(lungfish.__file__).parent
# What is interrupted: the log, the checkpoint, the images, the fence and the commit.
TRACED = tuple(
    str(path)
    for pattern in (
        "recovery/checkpoint*.py",
        "recovery/wal*.py",
        "recovery/retention.py",
        "recovery/telemetry.py",
        "recovery/participants*.py",
        "recovery/throttle*.py",
        "recovery/io_budget*.py",
        "storage/fence.py",
        "storage/frozen_pages.py",
        "storage/image*.py",
        "storage/page_slots.py",
        "storage/page_store.py",
        "storage/page_table.py",
        "storage/free_units.py",
        "storage/manifest.py",
        "storage/purge.py",
        "storage/running_set.py",
        "storage/transactions.py",
    )
    for path in sorted(PACKAGE.glob(pattern))
    # It only reads, at a restart.
    if path.name != "wal_reader.py"
)
EXCEPTIONS: tuple[type[BaseException], ...] = (KeyboardInterrupt, MemoryError)
# Walking an object's parts in search of locks goes so deep.
WALK_DEPTH = 6

Line = tuple[str, int]


@dataclass(slots=True)
class Tracer:
    """Notes every line executed in the traced files; raises when it comes to one for the n-th time."""

    target: Line | None = None
    times: int = 1
    error: type[BaseException] = KeyboardInterrupt
    seen: dict[Line, int] = field(default_factory=dict)
    has_raised: bool = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in TRACED_FILES:
            return None
        if event == "line" and not is_safe(frame):
            line = (frame.f_code.co_filename, frame.f_lineno)
            count = self.seen[line] = self.seen.get(line, 0) + 1
            if line == self.target and count == self.times:
                self.has_raised = True
                raise self.error
        return self


TRACED_FILES = frozenset(TRACED)


def is_safe(frame: FrameType) -> bool:
    """Whether no signal is handled at the line, though it is traced."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return line.lstrip().startswith(("with ", "try:"))


@dataclass(slots=True)
class Course:
    """A course of events to be interrupted: what it does, and the transaction it is in."""

    drill: Drill = field(default_factory=lambda: Drill(SimulatedDisk()))
    transaction: DrillTransaction | None = None

    def prepare(self) -> None:
        """Before the tracing: a table with rows, an image of it, and some work after it."""
        new_table(self.drill, 12)
        self.drill.checkpoint()
        self.write(3, 1)

    def write(self, row_id: int, n: int) -> None:
        """One transaction with an update, a new row and a rollback to a savepoint."""
        transaction = self.transaction = self.drill.begin()
        transaction.update(0, row(row_id, n))
        transaction.savepoint("s")
        transaction.insert(0, row(1000 + row_id * 100 + n, n, 900))
        transaction.rollback_to("s")
        transaction.insert(0, row(500 + row_id * 100 + n, n, 300))
        transaction.commit()
        self.transaction = None


def commits_and_checkpoints(course: Course) -> None:
    course.write(4, 2)
    course.drill.checkpoint()
    course.write(5, 3)
    course.drill.checkpoint()


def a_checkpoint_in_a_transaction(course: Course) -> None:
    transaction = course.transaction = course.drill.begin()
    transaction.update(0, row(6, 6, 1500))
    course.drill.checkpoint()
    transaction.delete(0, 2)
    transaction.commit()
    course.transaction = None


def a_table_and_its_image(course: Course) -> None:
    transaction = course.transaction = course.drill.begin()
    number = transaction.create_table()
    transaction.insert_many(number, [row(each, 1, 200) for each in range(40)])
    transaction.commit()
    course.transaction = None
    course.drill.checkpoint()


def rollbacks(course: Course) -> None:
    transaction = course.transaction = course.drill.begin()
    transaction.update(0, row(7, 7, 5000))
    transaction.delete(0, 8)
    transaction.rollback()
    course.transaction = None
    course.drill.checkpoint()


COURSES: tuple[Callable[[Course], None], ...] = (
    commits_and_checkpoints,
    a_checkpoint_in_a_transaction,
    a_table_and_its_image,
    rollbacks,
)


def check_lines(budget: Budget) -> Tally:
    """Every line once, with one exception or the other; released, with both, in every course, and at its third execution too."""
    tally = Tally()
    done: set[Line] = set()
    for course in COURSES:
        lines = lines_of(course)
        cases = [
            (line, times, error)
            for index, line in enumerate(lines)
            for times in ((1, 3) if budget.is_release else (1,))
            for error in (EXCEPTIONS if budget.is_release else (EXCEPTIONS[index % 2],))
            if budget.is_release or line not in done
        ]
        done.update(lines)
        tally.add(check_cases(course, until_over(cases, budget)))
    tally.count("lines", len(done))
    return tally


def check_cases(
    course: Callable[[Course], None], cases: Iterable[tuple[Line, int, type[BaseException]]]
) -> Tally:
    tally = Tally()
    for line, times, error in cases:
        try:
            interrupt(course, line, times, error)
        except Exception:
            path, number = line
            tally.fail(f"{course.__name__}: {error.__name__} at {Path(path).name}:{number}")
        tally.count("exceptions")
    return tally


def lines_of(act: Callable[[Course], None]) -> list[Line]:
    """The traced lines that a course executes, in the order of their first execution."""
    course = Course()
    course.prepare()
    tracer = Tracer()
    run_traced(tracer, act, course)
    course.drill.kill()
    return list(tracer.seen)


def run_traced(tracer: Tracer, act: Callable[[Course], None], course: Course) -> None:
    previous = sys.gettrace()
    sys.settrace(tracer)
    try:
        act(course)
    finally:
        sys.settrace(previous)


def interrupt(
    act: Callable[[Course], None], line: Line, times: int, error: type[BaseException]
) -> None:
    """Run a course with an exception at a line, and see that all is well (see the module's list)."""
    course = Course()
    course.prepare()
    tracer = Tracer(line, times, error)
    is_poisoned = False
    try:
        run_traced(tracer, act, course)
    except error:
        pass
    except errors.Error:
        is_poisoned = True
    check_nothing_is_held(course)
    is_poisoned |= not end_transaction(course)
    is_poisoned |= not go_on(course)
    drill = course.drill
    core = drill.database.core
    if is_poisoned and core.log.failure is None and core.transactions.poison_error is None:
        check_store_is_poisoned(course)
    drill.kill()
    for persistence in (Persistence.EVERYTHING, Persistence.SYNCED):
        left = drill.disk.crash_state(drill.disk.operation_count, persistence)
        check_state(left, drill.allowed(drill.disk.operation_count), drill.options)


def check_store_is_poisoned(course: Course) -> None:
    """It refuses further images: a publication was cut off, so nobody knows which image the file has."""
    try:
        course.drill.database.core.store.check_poison()
    except errors.Error:
        return
    raise DrillFailure("an error of ours, though nothing is poisoned")


def check_nothing_is_held(course: Course) -> None:
    core = course.drill.database.core
    held = held_locks(core, "core", WALK_DEPTH, set())
    if held:
        raise DrillFailure(f"held: {held}")
    if core.fence._is_closed or core.fence._inside or core.fence.waiting:
        raise DrillFailure("the fence is not open and empty")
    if core.checkpoints.current is not None:
        raise DrillFailure("a checkpoint is under way")


def held_locks(thing: object, path: str, depth: int, seen: set[int]) -> list[str]:
    """The latches somewhere in an object of ours that are held."""
    if depth == 0 or id(thing) in seen:
        return []
    seen.add(id(thing))
    if isinstance(thing, LOCK_TYPES):
        return [path] if "unlocked" not in repr(thing) else []
    if isinstance(thing, dict):
        children = [(f"{path}[{key}]", value) for key, value in list(thing.items())[:50]]
    elif isinstance(thing, list | tuple):
        children = [(f"{path}[{index}]", value) for index, value in enumerate(thing[:50])]
    elif isinstance(thing, threading.Condition):
        children = [(path, thing._lock)]
    elif type(thing).__module__.startswith("lungfish.") and not isinstance(thing, SimulatedDisk):
        children = [(f"{path}.{name}", getattr(thing, name, None)) for name in names_of(thing)]
    else:
        return []
    return [each for name, child in children for each in held_locks(child, name, depth - 1, seen)]


LOCK_TYPES = (type(threading.Lock()), type(threading.RLock()))


def names_of(thing: object) -> list[str]:
    names = list(getattr(thing, "__dict__", ()))
    for kind in type(thing).__mro__:
        names += getattr(kind, "__slots__", ())
    return names


def end_transaction(course: Course) -> bool:
    """Do what a session does when an exception has passed through it; False if the handle is poisoned."""
    if course.transaction is None:
        return True
    transaction = course.transaction.transaction
    try:
        if transaction.state is TransactionState.RUNNING:
            transaction.rollback()
        elif transaction.state is TransactionState.COMMITTING:
            transaction.commit()
    except errors.Error:
        return False
    course.drill.settle(is_committed=transaction.state is TransactionState.COMMITTED)
    return True


def go_on(course: Course) -> bool:
    """Commit and take a checkpoint in the same process; False if the handle says that it is to be opened again."""
    drill = course.drill
    try:
        course.write(9, 9)
        drill.checkpoint()
        course.write(10, 10)
    except errors.Error:
        return False
    state = drill.database.dump()
    if state != drill.state:
        raise DrillFailure("the process goes on with something else than was committed")
    drill.database.check()
    return True
