"""What checkpoints cost those who write meanwhile.

    python -m bench.checkpoints                          # 6 times 5 s without checkpoints and 5 s with one every second
    python -m bench.checkpoints --rounds 12 --writers 4
    python -m bench.checkpoints --folder /dev/shm        # no disk: what is left is the interpreter's lock

Writers commit small transactions, one update by key each, by turns without checkpoints and with one every second, while one reader
holds a snapshot from before. The turns alternate, so that what else the machine does meets both. Printed for each pair of turns: the
latencies of commits without checkpoints, of all commits with them, and of those alone that ran while a checkpoint did; then the
medians of the pairs' ratios, how long the fence was closed, how long writers waited for it, and the most that the log ever took on disk
against `wal_max_size`. The targets: commit p99 during a checkpoint at most 1.5 times that without one, fence p99 at most 10 ms, log under its limit.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import lungfish
from lungfish.database import DatabaseOptions

ROW_COUNT = 50_000
WAL_MAX_MIB = 96
# Of `time.perf_counter`: from when to when.
Span = tuple[float, float]


@dataclass(slots=True)
class Figures:
    """What the turns have shown, a pair of turns at each index; latencies in milliseconds."""

    without: list[list[float]] = field(default_factory=list)
    beside: list[list[float]] = field(default_factory=list)
    during: list[list[float]] = field(default_factory=list)
    # What CHECKPOINT answered.
    checkpoints: list[dict[str, float]] = field(default_factory=list)

    def ratios(self, which: list[list[float]], share: float) -> list[float]:
        """Each pair's latency under that quantile, against that without checkpoints."""
        return [
            quantile(busy, share) / quantile(quiet, share)
            for quiet, busy in zip(self.without, which, strict=True)
            if busy
        ]


def main() -> None:
    """Run the load and print the figures."""
    parser = argparse.ArgumentParser(description="Time commits with and without checkpoints.")
    parser.add_argument("--rounds", type=int, default=6, help="pairs of turns")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each turn takes")
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--folder", help="where to put the database")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="lungfish-bench-", dir=options.folder) as folder:
        run(Path(folder), options.rounds, options.seconds, options.writers)
    print(f"load of the machine before: {load:.1f} on {os.cpu_count()} cores")


def run(folder: Path, rounds: int, seconds: float, writer_count: int) -> None:
    """All turns on one database."""
    settings = {"wal_max_size": f"{WAL_MAX_MIB}MB", "checkpoint_interval": "0"}
    path = folder / "app.db"
    with (
        lungfish.open(path, options=DatabaseOptions(settings=settings)) as database,
        database.connect(autocommit=True) as connection,
        database.connect() as reader,
    ):
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, n bigint, body text)")
        connection.execute(
            f"INSERT INTO t SELECT i, 0, repeat('x', 200) FROM generate_series(1, {ROW_COUNT}) AS s(i)"
        )
        connection.execute("CHECKPOINT")
        figures = Figures()
        log = LogSize(Path(f"{path}-wal"))
        with log:
            for number in range(rounds):
                # A snapshot of each round's own: what it holds back is the same in all rounds.
                reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                total = reader.execute("SELECT sum(n) FROM t").fetchval()
                take_turns(database, figures, seconds, writer_count)
                assert reader.execute("SELECT sum(n) FROM t").fetchval() == total
                reader.execute("ROLLBACK")
                report_round(number, figures)
        report(connection, figures, log.largest)


def take_turns(
    database: lungfish.Database, figures: Figures, seconds: float, writer_count: int
) -> None:
    """One turn without checkpoints, one with them."""
    quiet = commits(database, seconds, writer_count, lambda stop: None)
    figures.without.append(durations(quiet))
    spans: list[Span] = []
    busy = commits(
        database, seconds, writer_count, lambda stop: checkpoints(database, stop, figures, spans)
    )
    figures.beside.append(durations(busy))
    figures.during.append(
        durations(
            [
                (began, ended)
                for began, ended in busy
                if any(start < ended and began < end for start, end in spans)
            ]
        )
    )


class LogSize:
    """Watches how much the log's files take."""

    def __init__(self, folder: Path) -> None:
        self.largest = 0
        self._folder = folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            size = 0
            for file in list(self._folder.iterdir()):
                # A segment may go while we look.
                if file.exists():
                    size += file.stat().st_size
            self.largest = max(self.largest, size)


def commits(
    database: lungfish.Database,
    seconds: float,
    writer_count: int,
    beside: Callable[[threading.Event], None],
) -> list[Span]:
    """Let writers commit for a while; answers when each commit began and ended."""
    stop = threading.Event()
    taken: list[list[Span]] = [[] for _ in range(writer_count)]
    threads = [
        threading.Thread(target=write, args=(database, stop, times, number))
        for number, times in enumerate(taken)
    ]
    threads.append(threading.Thread(target=beside, args=(stop,)))
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return [each for times in taken for each in times]


def write(
    database: lungfish.Database, stop: threading.Event, times: list[Span], number: int
) -> None:
    """One writer."""
    chance = random.Random(number)
    with database.connect(autocommit=True) as connection:
        while not stop.is_set():
            key = chance.randrange(1, ROW_COUNT + 1)
            began = time.perf_counter()
            connection.execute("UPDATE t SET n = n + 1 WHERE id = ?", (key,))
            times.append((began, time.perf_counter()))


def checkpoints(
    database: lungfish.Database, stop: threading.Event, figures: Figures, spans: list[Span]
) -> None:
    """A checkpoint after the other, with a second between them."""
    with database.connect(autocommit=True, row_factory=lungfish.dict_row) as connection:
        while not stop.wait(1.0):
            began = time.perf_counter()
            figures.checkpoints.append(connection.execute("CHECKPOINT").fetchone())
            spans.append((began, time.perf_counter()))


def durations(spans: list[Span]) -> list[float]:
    """Their milliseconds."""
    return [(ended - began) * 1000 for began, ended in spans]


def report_round(number: int, figures: Figures) -> None:
    """Print one pair of turns."""
    parts = [f"round {number + 1}:"]
    for name, times in (
        ("without", figures.without[number]),
        ("with", figures.beside[number]),
        ("during", figures.during[number]),
    ):
        if times:
            parts.append(
                f"{name} {len(times):,}, p50 {quantile(times, 0.5):.2f} p99 {quantile(times, 0.99):.2f} ms;"
            )
    print(" ".join(parts), flush=True)


def report(connection: lungfish.Connection, figures: Figures, log_bytes: int) -> None:
    """Print it all."""
    for name, which in (("with", figures.beside), ("during", figures.during)):
        ratios = [statistics.median(figures.ratios(which, share)) for share in (0.5, 0.99)]
        print(
            f"commits {name:6} checkpoints / without, median of the rounds: p50 {ratios[0]:.2f}, p99 {ratios[1]:.2f}"
        )
    fence = [each["fence_ms"] for each in figures.checkpoints]
    print(
        f"fence closed: {len(fence)} times, p50 {quantile(fence, 0.5):.2f} ms, "
        f"p99 {quantile(fence, 0.99):.2f} ms, max {max(fence):.2f} ms"
    )
    waits = connection.execute(
        "SELECT waiters_total, waiter_p99_ms, waiter_max_ms FROM lungfish.fence_stats"
    ).fetchone()
    print(f"writers held by it: {waits[0]}, p99 {waits[1]:.2f} ms, max {waits[2]:.2f} ms")
    pages = statistics.mean(each["pages_written"] for each in figures.checkpoints)
    total = statistics.mean(each["total_ms"] for each in figures.checkpoints)
    print(f"checkpoints: {pages:.0f} pages and {total:.0f} ms each")
    print(f"log on disk: at most {log_bytes / (1 << 20):.0f} MiB, wal_max_size {WAL_MAX_MIB} MiB")


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of all stay under."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


if __name__ == "__main__":
    main()
