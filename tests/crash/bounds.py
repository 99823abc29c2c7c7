"""Trial 16 of the matrix: what is promised to stay within bounds does, in virtual time.

1. The log stays under `wal_max_size` while a reader holds its snapshot for an hour and writers go on.
2. A checkpoint under an I/O budget far below what it writes ends all the same, and takes the time that the budget says.
3. A fence that cannot close is given up in its time, holds nobody afterwards, and the next one closes.
4. Restart keeps to its memory limit with a log of 20 times that.
5. A dry run's pages are those that the checkpoint then writes.

Bounds in real time (how long the fence is held under load, how good an estimate is) are in `real_time.py`, for release runs.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator

import lungfish
from lungfish import errors
from lungfish.connection import Connection
from lungfish.database import DatabaseOptions
from lungfish.session import Session
from lungfish.storage.clock import ManualClock
from lungfish.storage.memory_disk import MemoryDisk
from tests.crash.crash_points import until_over
from tests.crash.harness import DrillFailure
from tests.crash.real_time import REAL_TIME_GATES, is_machine_quiet, run_gate
from tests.crash.tally import Budget, Tally

PATH = "bounds.db"
SEGMENT = 64 << 10


class Bounded:
    """A database on a disk in memory, with small segments and a clock that stands still."""

    def __init__(self, **options: object) -> None:
        self.clock = ManualClock()
        self.disk = MemoryDisk()
        self.options = options
        self.connection = self.open()

    def open(self) -> Connection:
        made = DatabaseOptions(
            page_size_bytes=8192,
            wal_segment_bytes=SEGMENT,
            disk=self.disk,
            clock=self.clock,
            random=random.Random(1),
            **self.options,  # type: ignore[arg-type]
        )
        self.connection = lungfish.connect(PATH, options=made, autocommit=True)
        return self.connection

    def fill(self, rows: int, size: int = 200) -> None:
        self.connection.execute("CREATE TABLE t (id integer PRIMARY KEY, v text)")
        self.connection.execute(
            f"INSERT INTO t SELECT i, repeat('v', {size}) FROM generate_series(1, {rows}) AS g(i)"
        )


@contextlib.contextmanager
def bounded(**options: object) -> Iterator[Bounded]:
    made = Bounded(**options)
    try:
        yield made
    finally:
        made.connection._session.database.crash()
        made.connection.close()


def log_stays_under_its_limit(chance: random.Random) -> None:
    limit = 20 * SEGMENT
    with bounded() as made:
        made.fill(300)
        made.connection.execute(f"SET wal_max_size = {limit}")
        reader = Connection(
            Session(made.connection._session.database, autocommit=True, read_only=False)
        )
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        before = reader.execute("SELECT count(*), min(v) FROM t").fetchone()
        for _ in range(120):
            first = chance.randrange(1, 280)
            made.connection.execute(
                "UPDATE t SET v = repeat(?, 400) WHERE id BETWEEN ? AND ?",
                (chance.choice("abc"), first, first + 20),
            )
            made.clock.advance(30)
            (size,) = made.connection.execute(
                "SELECT sum(size_bytes) FROM lungfish.wal_segments WHERE state <> 'recycled'"
            ).fetchone()
            if size > limit + SEGMENT:
                raise DrillFailure(f"the log has {size} bytes, its limit is {limit}")
        if reader.execute("SELECT count(*), min(v) FROM t").fetchone() != before:
            raise DrillFailure("the reader sees something else than an hour ago")
        reader.close()


def throttled_checkpoint_ends(chance: random.Random) -> None:
    with bounded() as made:
        made.fill(2_000)
        made.connection.execute("SET io_rate_checkpoint = 20000")
        began = made.clock.monotonic_s()
        cursor = made.connection.execute("CHECKPOINT (MODE SPREAD)")
        names = [each[0] for each in cursor.description or ()]
        row = dict(zip(names, cursor.fetchone(), strict=True))
        took = made.clock.monotonic_s() - began
        if row["outcome"] != "complete":
            raise DrillFailure(f"the checkpoint was {row['outcome']}: {row['reason']}")
        # SPREAD takes its time even without a budget: most of the interval between checkpoints.
        if took > max(300, 3 * row["bytes_written"] / 20_000):
            raise DrillFailure(f"it took {took:.0f} s for {row['bytes_written']} bytes")


def fence_is_given_up(chance: random.Random) -> None:
    with bounded() as made:
        made.fill(50)
        fence = made.connection._session.database.core.fence
        entered, leave = threading.Event(), threading.Event()

        def stay_inside() -> None:
            with fence:
                entered.set()
                leave.wait()

        writer = threading.Thread(target=stay_inside)
        writer.start()
        entered.wait()
        try:
            made.connection.execute("CHECKPOINT (FENCE_TIMEOUT 5)")
        except errors.LockNotAvailable:
            pass
        else:
            raise DrillFailure("the fence closed with a writer inside")
        finally:
            leave.set()
            writer.join()
        made.connection.execute("INSERT INTO t VALUES (1000, 'goes on')")
        made.connection.execute("CHECKPOINT (FENCE_TIMEOUT 1000)")


def restart_keeps_to_its_memory(chance: random.Random) -> None:
    limit = 256 << 10
    seen: list[int] = []
    with bounded(
        checkpoint_wal_bytes=0,
        recovery_memory_bytes=limit,
        on_recovery=lambda progress: seen.append(progress.mem_bytes),
    ) as made:
        made.connection.execute("SET wal_max_size = 0")
        made.fill(25_000, 180)
        core = made.connection._session.database.core
        log_size = core.log.end_lsn() - core.memory.facts.redo_lsn
        if log_size < 20 * limit:
            raise DrillFailure(f"the log has only {log_size} bytes")
        made.connection._session.database.crash()
        made.connection.close()
        seen.clear()
        made.open()
        if max(seen) > limit:
            raise DrillFailure(f"{max(seen)} bytes of memory, {limit} are the limit")
        if made.connection.execute("SELECT count(*) FROM t").fetchone() != (25_000,):
            raise DrillFailure("rows are missing")


def prediction_holds(chance: random.Random) -> None:
    with bounded() as made:
        made.fill(chance.randrange(200, 3_000))
        made.connection.execute("CHECKPOINT")
        made.connection.execute(
            "UPDATE t SET v = v || '!' WHERE id % ? = 0", (chance.randint(2, 90),)
        )
        dry, real = (
            made.connection.execute(f"CHECKPOINT{options}") for options in (" (DRY_RUN)", "")
        )
        names = [each[0] for each in dry.description or ()]
        predicted = dry.fetchone()[names.index("est_pages")]
        written = real.fetchone()[names.index("pages_written")]
        if predicted != written:
            raise DrillFailure(f"{predicted} pages were predicted, {written} written")


GATES: tuple[Callable[[random.Random], None], ...] = (
    log_stays_under_its_limit,
    throttled_checkpoint_ends,
    fence_is_given_up,
    restart_keeps_to_its_memory,
    prediction_holds,
)


def check_gates(budget: Budget) -> Tally:
    """Every gate, each with so many seeds."""
    tally = Tally()
    for seed in budget.seeds(2, 40):
        for gate in until_over(GATES, budget):
            try:
                gate(random.Random(f"{gate.__name__} {seed}"))
            except Exception:
                tally.fail(f"{gate.__name__}, seed {seed}")
            tally.count("gates")
    if budget.is_release:
        _check_real_time(tally)
    return tally


def _check_real_time(tally: Tally) -> None:
    for gate in REAL_TIME_GATES:
        if not is_machine_quiet():
            tally.count("gates not run on a busy machine")
            continue
        try:
            run_gate(gate)
        except Exception:
            tally.fail(gate.__name__)
        tally.count("gates in real time")
