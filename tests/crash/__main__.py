"""The crash drill from the command line.

python -m tests.crash             what CI runs: a sample of all crash points of all workloads
python -m tests.crash --release   every operation with every persistence, several seeds, half of them nested
python -m tests.crash --faults    plants each fault, and fails unless the drill notices it
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.crash.faults import FAULTS, is_noticed
from tests.crash.harness import (
    Tally,
    check_errors,
    check_kills,
    check_points,
    crash_points,
    run_workload,
)
from tests.crash.sql_drill import SqlDrill, check_sql_points, orders
from tests.crash.workloads import WORKLOADS

# States of each workload in a CI run, and kills.
SAMPLE_COUNT = 220
SAMPLE_KILL_COUNT = 8
SAMPLE_NESTED_SHARE = 0.15
SAMPLE_SQL_COUNT = 154
RELEASE_SEED_COUNT = 5
RELEASE_NESTED_SHARE = 0.5


def run_sample(seed: int) -> Tally:
    """What CI runs."""
    tally = Tally()
    for name in WORKLOADS:
        tally.add(check_workload(name, seed, SAMPLE_COUNT, SAMPLE_NESTED_SHARE, SAMPLE_KILL_COUNT))
    tally.add(check_sql(SAMPLE_SQL_COUNT, seed))
    return tally


def check_workload(
    name: str, seed: int, count: int | None, nested_share: float, kill_count: int | None
) -> Tally:
    """One workload's crash points (None: all), and kills and failing operations (None: every one)."""
    workload = WORKLOADS[name]
    began = time.monotonic()
    drill = run_workload(workload, seed)
    points = crash_points(drill.disk, count=count, seed=seed)
    tally = check_points(drill, points, nested_share=nested_share, seed=seed)
    total = drill.disk.operation_count
    step = 1 if kill_count is None else max(1, total // kill_count)
    tally.add(check_kills(workload, range(2 + seed % step, total, step), seed))
    tally.add(check_errors(workload, range(1 + seed % step, total, step), seed))
    print(
        f"{name:28} seed {seed}: {total} operations, {tally.states} states,"
        f" {tally.nested} crashes in recovery, {tally.kills} kills, {tally.errors} I/O errors,"
        f" {len(tally.failures)} failures, {time.monotonic() - began:.1f} s",
        flush=True,
    )
    return tally


def run_faults() -> bool:
    """Plant each fault in turn; whether all were noticed."""
    missed = []
    for fault in FAULTS:
        found = is_noticed(fault)
        last_line = "NOT NOTICED" if found is None else found.strip().splitlines()[-1]
        print(f"{fault.name:60} {last_line[:100]}", flush=True)
        if found is None:
            missed.append(fault.name)
    print(f"{len(FAULTS) - len(missed)} of {len(FAULTS)} planted faults noticed")
    return not missed


def check_sql(count: int | None, seed: int) -> Tally:
    """The workload through SQL."""
    began = time.monotonic()
    drill = SqlDrill()
    orders(drill)
    drill.end()
    tally = check_sql_points(drill, crash_points(drill.disk, count=count, seed=seed))
    print(
        f"{'through SQL':28} seed {seed}: {drill.disk.operation_count} operations,"
        f" {tally.states} states, {len(tally.failures)} failures, {time.monotonic() - began:.1f} s",
        flush=True,
    )
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--release", action="store_true")
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.faults:
        return 0 if run_faults() else 1
    tally = Tally()
    if options.release:
        for seed in range(options.seed, options.seed + RELEASE_SEED_COUNT):
            for name in WORKLOADS:
                tally.add(check_workload(name, seed, None, RELEASE_NESTED_SHARE, None))
            tally.add(check_sql(None, seed))
    else:
        tally = run_sample(options.seed)
    for failure in tally.failures[:5]:
        print(failure)
    print(
        f"{tally.states} crash states, {tally.nested} crashes in recovery, {tally.kills} kills,"
        f" {tally.errors} I/O errors, {len(tally.failures)} failures"
    )
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
