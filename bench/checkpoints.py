"""What checkpoints cost those who write meanwhile.

    python -m bench.checkpoints                   # 20 s of load without and with checkpoints
    python -m bench.checkpoints --seconds 60 --writers 2

Writers commit small transactions, one update by key each, for a while without a checkpoint and then with one every second, while one reader
holds a snapshot from before. Printed: commit latencies in both parts, how long the fence was closed, how long writers waited
for it, and the most that the log ever took on disk against `wal_max_size`. The targets: fence p99 at most 10 ms, commit p99
during checkpoints at most 1.5 times that without, log under its limit.
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
from pathlib import Path

import lungfish
from lungfish.database import DatabaseOptions

ROW_COUNT = 50_000
WAL_MAX_MIB = 96


def main() -> None:
    """Run the load and print the figures."""
    parser = argparse.ArgumentParser(description="Time commits with and without checkpoints.")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each part takes")
    parser.add_argument("--writers", type=int, default=2)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="lungfish-bench-") as folder:
        run(Path(folder), options.seconds, options.writers)
    print(f"load of the machine before: {load:.1f} on {os.cpu_count()} cores")


def run(folder: Path, seconds: float, writer_count: int) -> None:
    """Both parts on one database."""
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
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        total = reader.execute("SELECT sum(n) FROM t").fetchval()
        connection.execute("CHECKPOINT")
        log = LogSize(Path(f"{path}-wal"))
        with log:
            quiet = commits(database, seconds, writer_count, lambda stop: None)
            results: list[dict[str, float]] = []
            busy = commits(
                database, seconds, writer_count, lambda stop: checkpoints(database, stop, results)
            )
        assert reader.execute("SELECT sum(n) FROM t").fetchval() == total
        report(connection, quiet, busy, results, log.largest)


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
) -> list[float]:
    """Let writers commit for a while; answers every commit's milliseconds."""
    stop = threading.Event()
    taken: list[list[float]] = [[] for _ in range(writer_count)]
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
    return sorted(each for times in taken for each in times)


def write(
    database: lungfish.Database, stop: threading.Event, times: list[float], number: int
) -> None:
    """One writer."""
    chance = random.Random(number)
    with database.connect(autocommit=True) as connection:
        while not stop.is_set():
            key = chance.randrange(1, ROW_COUNT + 1)
            began = time.perf_counter()
            connection.execute("UPDATE t SET n = n + 1 WHERE id = ?", (key,))
            times.append((time.perf_counter() - began) * 1000)


def checkpoints(
    database: lungfish.Database, stop: threading.Event, results: list[dict[str, float]]
) -> None:
    """A checkpoint after the other, with a second between them."""
    with database.connect(autocommit=True, row_factory=lungfish.dict_row) as connection:
        while not stop.wait(1.0):
            results.append(connection.execute("CHECKPOINT").fetchone())


def report(
    connection: lungfish.Connection,
    quiet: list[float],
    busy: list[float],
    results: list[dict[str, float]],
    log_bytes: int,
) -> None:
    """Print it all."""
    for name, times in (("without", quiet), ("with", busy)):
        print(
            f"{name:8} checkpoints: {len(times):7,} commits, p50 {quantile(times, 0.5):6.2f} ms, "
            f"p99 {quantile(times, 0.99):6.2f} ms, max {times[-1]:7.2f} ms"
        )
    print(f"p99 with / without: {quantile(busy, 0.99) / quantile(quiet, 0.99):.2f}")
    fence = [each["fence_ms"] for each in results]
    print(
        f"fence closed: {len(fence)} times, p50 {quantile(fence, 0.5):.2f} ms, "
        f"p99 {quantile(fence, 0.99):.2f} ms, max {max(fence):.2f} ms"
    )
    waits = connection.execute(
        "SELECT waiters_total, waiter_p99_ms, waiter_max_ms FROM lungfish.fence_stats"
    ).fetchone()
    print(f"writers held by it: {waits[0]}, p99 {waits[1]:.2f} ms, max {waits[2]:.2f} ms")
    pages = statistics.mean(each["pages_written"] for each in results)
    total = statistics.mean(each["total_ms"] for each in results)
    print(f"checkpoints: {pages:.0f} pages and {total:.0f} ms each")
    print(f"log on disk: at most {log_bytes / (1 << 20):.0f} MiB, wal_max_size {WAL_MAX_MIB} MiB")


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of all stay under."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


if __name__ == "__main__":
    main()
