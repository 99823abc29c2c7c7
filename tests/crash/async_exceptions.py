"""Trial 7 of the matrix: KeyboardInterrupt and MemoryError at every place of checkpoint, fence, commit, log and image code.

Python handles a signal wherever its evaluation loop polls: at the start of a function, after a call of C code (its result is lost
then), and at a jump back. No other database has to live with that. A course of events is traced once to find all such places that it
passes; then it is run again for each of them, with an exception raised there. Afterwards

1. no latch is held, and the fence is open and empty, or will be so when the thread comes there again,
2. the transaction can be ended, and the process goes on: it commits and takes checkpoints, and these let go of the log,
3. the next process finds exactly what had been committed.

What a cut-off call may cost is room: units of the file that are counted as used until it is opened again.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import lungfish
from lungfish.recovery.retention import HolderKind
from lungfish.storage.simulated_disk import Persistence, SimulatedDisk
from lungfish.storage.transaction_state import TransactionState
from tests.crash.crash_points import until_over
from tests.crash.drill import Drill, DrillTransaction
from tests.crash.harness import DrillFailure, check_state
from tests.crash.small_database import SmallDatabase
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
HANGS_AFTER_S = 5.0

# Code, and the offset of the instruction before which the exception comes.
Place = tuple[CodeType, int]
TRACED_FILES = frozenset(TRACED)
# After these the evaluation loop of CPython 3.11 polls for signals.
POLLING = frozenset(
    dis.opmap[name]
    for name in ("CALL", "CALL_FUNCTION_EX", "JUMP_BACKWARD", "RESUME")
    if name in dis.opmap
)


@dataclass(slots=True)
class Tracer:
    """Notes every polling place in the traced files that is passed; raises when it comes to one for the n-th time."""

    target: Place | None = None
    times: int = 1
    error: type[BaseException] = KeyboardInterrupt
    seen: dict[Place, int] = field(default_factory=dict)
    # Counts the Python functions called: a call of one is no call of C code, and polls in the function itself.
    call_count: int = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.call_count += 1
        if frame.f_code.co_filename not in TRACED_FILES:
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return FrameTracer(self).step

    def visit(self, place: Place) -> None:
        count = self.seen[place] = self.seen.get(place, 0) + 1
        if place == self.target and count == self.times:
            raise self.error


class FrameTracer:
    """Follows one call of a traced function, instruction by instruction."""

    __slots__ = ("before", "call_count", "code", "tracer")

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.code = b""
        self.before = -1
        self.call_count = 0

    def step(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event != "opcode":
            return self.step
        if not self.code:
            self.code = frame.f_code.co_code
        at = frame.f_lasti
        tracer = self.tracer
        before, self.before = self.before, self.code[at]
        called = tracer.call_count != self.call_count
        self.call_count = tracer.call_count
        if before in POLLING and not (called and before in CALLS):
            place = (frame.f_code, at)
            if place in tracer.seen or is_real(place):
                tracer.visit(place)
        return self.step


@functools.cache
def is_real(place: Place) -> bool:
    """Whether an exception raised here is handled where one would be that the instruction before had met when it polled.

    A tracer can raise only before an instruction. After the last call inside a `with` that is behind the end of what `with` guards.
    """
    code, at = place
    before = max(each.offset for each in dis.get_instructions(code) if each.offset < at)
    return handler_of(code, before) == handler_of(code, at)


def handler_of(code: CodeType, offset: int) -> int:
    """Where an exception at an instruction goes; -1: out of the function."""
    for entry in dis._parse_exception_table(code):
        if entry.start <= offset < entry.end:
            return entry.target
    return -1


CALLS = frozenset(dis.opmap[name] for name in ("CALL", "CALL_FUNCTION_EX") if name in dis.opmap)


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


def a_killed_database_opened_again(course: Course) -> None:
    course.drill.kill()
    # The restart, and the first segment of its life.
    course.write(8, 4)
    transaction = course.transaction = course.drill.begin()
    for number in range(3):
        # More than a segment holds.
        transaction.insert(0, row(2000 + number, number, 7000))
    transaction.commit()
    course.transaction = None


COURSES: tuple[Callable[[Course], None], ...] = (
    commits_and_checkpoints,
    a_checkpoint_in_a_transaction,
    a_table_and_its_image,
    rollbacks,
    a_killed_database_opened_again,
)


def check_places(budget: Budget) -> Tally:
    """Every place once, with one exception or the other; released, in every course, with both, also at its third execution."""
    tally = Tally()
    done: set[Place] = set()
    for course in COURSES:
        places = places_of(course)
        new = [each for each in places if each not in done]
        done.update(new)
        if budget.is_release:
            cases = [
                (place, times, error)
                for place in places
                for times in (1, 3)
                for error in EXCEPTIONS
            ]
        else:
            cases = [
                (place, 1, EXCEPTIONS[index % 2]) for index, place in enumerate(new, budget.seed)
            ]
        tally.add(check_cases(course, until_over(cases, budget)))
    tally.count("places found", len(done))
    return tally


def check_cases(
    course: Callable[[Course], None], cases: Iterable[tuple[Place, int, type[BaseException]]]
) -> Tally:
    tally = Tally()
    for place, times, error in cases:
        try:
            with no_hanging():
                interrupt(course, Tracer(place, times, error))
        except Exception:
            tally.fail(f"{course.__name__}: {error.__name__} at {describe(place)}")
        tally.count("exceptions")
    return tally


class HangsError(Exception):
    """Somebody waits for what will never come."""


@contextlib.contextmanager
def no_hanging() -> Iterator[None]:
    """Raise HangsError in the main thread if what is inside takes too long."""

    def stop(number: int, frame: object) -> None:
        raise HangsError

    main = threading.get_ident()
    before = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(HANGS_AFTER_S, signal.pthread_kill, (main, signal.SIGUSR1))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGUSR1, before)


def describe(place: Place) -> str:
    """File, line and function of a place."""
    code, offset = place
    lines = [line for start, end, line in code.co_lines() if start <= offset < end]
    return f"{Path(code.co_filename).name}:{lines[0]} {code.co_name} ({offset})"


def places_of(act: Callable[[Course], None]) -> list[Place]:
    """The places that a course passes, in the order in which it first does."""
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


def interrupt(act: Callable[[Course], None], tracer: Tracer) -> None:
    """Run a course with an exception at a place, and see that all is well (see the module's list)."""
    course = Course()
    course.prepare()
    with contextlib.suppress(tracer.error):
        run_traced(tracer, act, course)
    check_nothing_is_held(course)
    end_transaction(course)
    go_on(course)
    drill = course.drill
    drill.kill()
    for persistence in (Persistence.EVERYTHING, Persistence.SYNCED):
        left = drill.disk.crash_state(drill.disk.operation_count, persistence)
        check_state(left, drill.allowed(drill.disk.operation_count), drill.options)


def check_nothing_is_held(course: Course) -> None:
    core = course.drill.database.core
    held = held_locks(core, "core", WALK_DEPTH, set())
    if held:
        raise DrillFailure(f"held: {held}")
    if core.fence._is_closed or core.fence.waiting:
        raise DrillFailure("the fence is not open")


def held_locks(thing: object, path: str, depth: int, seen: set[int]) -> list[str]:
    """The latches somewhere in an object of ours that are held."""
    if depth == 0 or id(thing) in seen:
        return []
    seen.add(id(thing))
    if isinstance(thing, LOCK_TYPES):
        # A waiter's own lock is not one that anybody else waits for.
        return [path] if not path.endswith(".wake") and "unlocked" not in repr(thing) else []
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


def end_transaction(course: Course) -> None:
    """Do what a session does when an exception has passed through it."""
    if course.transaction is None:
        return
    transaction = course.transaction.transaction
    if transaction.state is TransactionState.RUNNING:
        transaction.rollback()
    elif transaction.state is TransactionState.COMMITTING:
        transaction.commit()
    course.drill.settle(is_committed=transaction.state is TransactionState.COMMITTED)


def go_on(course: Course) -> None:
    """Commit and take checkpoints in the same process: nothing has failed, so nothing is refused."""
    drill = course.drill
    course.write(9, 9)
    drill.checkpoint()
    course.write(10, 10)
    state = drill.database.dump()
    if state != drill.state:
        raise DrillFailure("the process goes on with something else than was committed")
    check_pages_and_pins(drill.database)


def check_pages_and_pins(database: SmallDatabase) -> None:
    """Everything sound but for leaked units, and no checkpoint left that pins the log."""
    database.check(allows_leaks=True)
    pins = [each.kind for each in database.core.retention.holders()]
    if HolderKind.CHECKPOINT_IN_PROGRESS in pins:
        raise DrillFailure("the checkpoint that was cut off still pins the log")
