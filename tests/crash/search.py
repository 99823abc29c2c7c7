"""Searches one workload for a failure, closely: for the mutation list, and by hand.

    python -m tests.crash.search rows_and_indexes

Every fourth crash point, half of them crashed again in their recovery, and a kill before every fourth operation, for three seeds.
Exits with 1 at the first failure.
"""

from __future__ import annotations

import sys

from lungfish.drill.points import crash_points
from tests.crash.harness import check_kills, check_points, run_workload
from tests.crash.workloads import WORKLOADS


def find_failure(name: str) -> str | None:
    """The first failure of a workload; None if there is none."""
    workload = WORKLOADS[name]
    for seed in range(1, 4):
        drill = run_workload(workload, seed)
        for point in crash_points(drill.disk, count=80, seed=seed):
            tally = check_points(drill, [point], nested_share=0.5, seed=point.operation)
            if tally.failures:
                return tally.failures[0]
        for operation in range(2, drill.disk.operation_count, 4):
            tally = check_kills(workload, [operation], seed)
            if tally.failures:
                return tally.failures[0]
    return None


def main() -> int:
    found = find_failure(sys.argv[1])
    if found is not None:
        print(found)
    return 0 if found is None else 1


if __name__ == "__main__":
    sys.exit(main())
