"""Trials 4, 5 and 6 of the matrix: syncs that fail at each place of the program, any operation that fails, and a disk that is full.

The workload must see nothing but errors of ours. Then the process goes on a little (it reads, it tries to write) and ends; what a new
process finds must be what had been acknowledged, with any commit that was under way wholly there or not at all.
"""

from __future__ import annotations

import contextlib
import enum
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lungfish import errors
from lungfish.storage.crash_state import SECTOR_SIZE, Operation, OperationKind
from lungfish.storage.disk import File
from lungfish.storage.simulated_disk import Fault, SimulatedDisk
from tests.crash.crash_points import until_over
from tests.crash.drill import Drill, Version
from tests.crash.harness import DrillFailure, check_state, describe_difference
from tests.crash.small_database import PATH
from tests.crash.tally import Budget, Tally
from tests.crash.workloads import WORKLOADS, Workload, row

SYNC_KINDS = frozenset({OperationKind.SYNC, OperationKind.SYNC_DIRECTORY})
# How many callers name a place that syncs.
SITE_DEPTH = 5
# The sample takes these; the release all.
SAMPLE_SYNC_WORKLOADS = ("opening_and_closing", "tables_come_and_go")
SAMPLE_FAILURE_COUNT = 50

Site = tuple[str, ...]
Ask = Callable[[Operation], Fault | None]


class SyncFailure(enum.Enum):
    """How a sync fails. Each time the system drops what was to be synced, as Linux does."""

    EIO_ONCE = "EIO once"
    EIO_STICKY = "EIO from then on"
    ENOSPC = "ENOSPC"

    def fault(self) -> Fault:
        error = errors.DiskFull if self is SyncFailure.ENOSPC else errors.IoError
        return Fault(error(f"no sync: {self.value}"), loses_unsynced=True)


class Failure(enum.Enum):
    """How a call fails."""

    EIO = "EIO"
    ENOSPC = "ENOSPC"
    EMFILE = "EMFILE"
    SHORT_WRITE = "a short write"
    SHORT_READ = "a short read"


@dataclass(slots=True)
class Plan:
    """Which call fails, counted from 1 over all calls of the kind that can fail in that way, and how."""

    failure: Failure
    number: int
    seen: int = 0

    def is_now(self) -> bool:
        self.seen += 1
        return self.seen == self.number


class FailingDisk(SimulatedDisk):
    """A simulated disk of which one call fails."""

    plan: Plan | None = None

    def start(self, plan: Plan) -> None:
        self.plan = plan
        if plan.failure in (Failure.EIO, Failure.ENOSPC, Failure.SHORT_WRITE):
            self.before_operation = self._fault

    def stop(self) -> None:
        self.plan = None
        self.before_operation = None

    def open(self, path: str, *, create: bool = False) -> File:
        plan = self.plan
        if plan is not None and plan.failure is Failure.EMFILE and plan.is_now():
            raise errors.IoError(f'could not open file "{path}": Too many open files')
        return super().open(path, create=create)

    def read(self, path: str, file_id: int, offset: int, length: int) -> bytes:
        data = super().read(path, file_id, offset, length)
        plan = self.plan
        if plan is not None and plan.failure is Failure.SHORT_READ and data and plan.is_now():
            return data[: len(data) // 2]
        return data

    def _fault(self, operation: Operation) -> Fault | None:
        plan = self.plan
        assert plan is not None
        if plan.failure is not Failure.EIO and operation.kind is not OperationKind.WRITE:
            return None
        if not plan.is_now():
            return None
        if plan.failure is Failure.EIO:
            is_sync = operation.kind is OperationKind.SYNC
            return Fault(errors.IoError("Input/output error"), loses_unsynced=is_sync)
        half = len(operation.data) // 2 // SECTOR_SIZE * SECTOR_SIZE
        applied = half if plan.failure is Failure.SHORT_WRITE else 0
        return Fault(errors.DiskFull("No space left on device"), applied_size=applied)


def check_syncs(budget: Budget) -> Tally:
    """Trial 4: every place that syncs, each way to fail."""
    tally = Tally()
    names = WORKLOADS if budget.is_release else SAMPLE_SYNC_WORKLOADS
    for seed in budget.seeds(1, 3):
        for name in names:
            sites = sync_sites(WORKLOADS[name], seed)
            tally.count("places that sync", len(sites))
            cases = [(number, how) for number in sites.values() for how in SyncFailure]
            for number, how in until_over(cases, budget):
                try:
                    check_failing_sync(WORKLOADS[name], seed, number, how)
                except Exception:
                    tally.fail(f"{name} seed {seed}: {how.value} at operation {number}")
                tally.count("failed syncs")
    return tally


def sync_sites(workload: Workload, seed: int) -> dict[Site, int]:
    """Each place of the program that syncs, by its callers, with the first operation that does it."""
    sites: dict[Site, int] = {}

    def note(operation: Operation) -> None:
        if operation.kind in SYNC_KINDS:
            sites.setdefault(callers(), operation.number)

    drill = Drill(SimulatedDisk())
    drill.disk.before_operation = note
    workload(drill, random.Random(f"{workload.__name__} {seed}"))
    return sites


def callers() -> Site:
    """The functions of the package that led here, innermost first, without the disk's own."""
    found: list[str] = []
    frame = sys._getframe(1)
    while frame is not None and len(found) < SITE_DEPTH:
        path = Path(frame.f_code.co_filename)
        if "lungfish" in path.parts and path.name != "simulated_disk.py":
            found.append(f"{path.stem}.{frame.f_code.co_name}")
        frame = frame.f_back
    return tuple(found)


def check_failing_sync(workload: Workload, seed: int, number: int, how: SyncFailure) -> None:
    drill = Drill(SimulatedDisk())

    def fail(operation: Operation) -> Fault | None:
        if operation.kind not in SYNC_KINDS or operation.number < number:
            return None
        if how is not SyncFailure.EIO_STICKY:
            drill.disk.before_operation = None
        return how.fault()

    drill.disk.before_operation = fail
    run_and_go_on(drill, workload, seed)
    drill.disk.before_operation = None
    check_what_is_left(drill)


def check_failures(budget: Budget) -> Tally:
    """Trial 5: call k fails, in each way."""
    tally = Tally()
    names = list(WORKLOADS)
    for seed in budget.seeds(1, 2):
        for how in Failure:
            for name in names if budget.is_release else names[seed % 2 :: 2]:
                count = calls(WORKLOADS[name], seed, how)
                step = 1 if budget.is_release else max(1, count * 5 // SAMPLE_FAILURE_COUNT // 2)
                for number in until_over(range(1 + seed % step, count + 1, step), budget):
                    try:
                        check_failing_call(WORKLOADS[name], seed, Plan(how, number))
                    except Exception:
                        tally.fail(f"{name} seed {seed}: {how.value} at call {number}")
                    tally.count("failed calls")
    return tally


def calls(workload: Workload, seed: int, how: Failure) -> int:
    """How many calls of a workload could fail in that way."""
    disk = FailingDisk()
    plan = Plan(how, 0)
    disk.start(plan)
    workload(Drill(disk), random.Random(f"{workload.__name__} {seed}"))
    return plan.seen


def check_failing_call(workload: Workload, seed: int, plan: Plan) -> None:
    disk = FailingDisk()
    drill = Drill(disk)
    disk.start(plan)
    run_and_go_on(drill, workload, seed)
    disk.stop()
    check_what_is_left(drill)


def run_and_go_on(drill: Drill, workload: Workload, seed: int) -> None:
    """Run a workload until an error of ours ends it; then read and try to write in the same process, and end it."""
    with contextlib.suppress(errors.Error):
        workload(drill, random.Random(f"{workload.__name__} {seed}"))
    with contextlib.suppress(errors.Error):
        write_on_what_is_seen(drill)
    with contextlib.suppress(errors.Error):
        drill.checkpoint()
    drill.kill()


def write_on_what_is_seen(drill: Drill) -> None:
    """A commit of one row more, on top of what the database shows: how a commit that failed has ended only it can say.

    A commit whose record is in the log may also become durable with the new one. And a transaction that writes nothing would tell
    nothing: it is acknowledged although the commit before it may be lost.
    """
    now = drill.disk.operation_count
    seen = drill.database.dump(only_settled=True)
    allowed = drill.allowed(now)
    if seen not in allowed:
        raise DrillFailure(describe_difference(seen, allowed))
    pending = drill.state
    drill.versions.append(Version(seen, now, None))
    transaction = drill.begin()
    number = min(seen.keys() & pending.keys(), default=None)
    if number is None:
        number = transaction.create_table()
    transaction.insert(number, row(888_888))
    with_row = pending | {number: pending.get(number, {}) | {888_888: row(888_888)}}
    try:
        transaction.commit()
    finally:
        drill.versions.append(Version(with_row, now, None))


def check_what_is_left(drill: Drill) -> None:
    allowed = drill.allowed(drill.disk.operation_count)
    check_state(drill.disk, allowed, drill.options)


# Trial 6


def check_full_disk(budget: Budget) -> Tally:
    """A disk of so many bytes: writers get an error, reads go on, and with room again nothing is missing."""
    tally = Tally()
    names = ["bulk", "long_values", "rows_and_indexes", "full_pages", "writes_during_checkpoints"]
    for seed in budget.seeds(1, 40):
        for name in until_over(names, budget):
            try:
                fill_and_free(WORKLOADS[name], seed)
            except Exception:
                tally.fail(f"{name} seed {seed}")
            tally.count("full disks")
    return tally


def fill_and_free(workload: Workload, seed: int) -> None:
    whole = Drill(SimulatedDisk())
    workload(whole, random.Random(f"{workload.__name__} {seed}"))
    used = whole.disk.used_bytes
    drill = Drill(SimulatedDisk())
    drill.disk.capacity_bytes = random.Random(seed).randrange(used // 3, used)
    is_full = False
    try:
        workload(drill, random.Random(f"{workload.__name__} {seed}"))
    except (errors.DiskFull, errors.IoError, errors.StatementCompletionUnknown):
        is_full = True
    if not is_full:
        raise DrillFailure(f"{drill.disk.capacity_bytes} of {used} bytes were enough")
    # Readers go on.
    seen = drill.database.dump()
    allowed = drill.allowed(drill.disk.operation_count)
    if seen not in allowed:
        raise DrillFailure(describe_difference(seen, allowed))
    drill.kill()
    drill.disk.capacity_bytes = None
    check_what_is_left(drill)
    assert drill.disk.exists(PATH)
