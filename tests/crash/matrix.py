"""The matrix of crash and fault tests: one row for each trial, with what it does at each commit and what a release adds.

`parts` are run one by one, so that tests can run side by side. `floor` is what a sample must at least have counted: a trial that does
nothing must not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from tests.crash import (
    async_exceptions,
    bounds,
    crash_points,
    damage,
    ddl_replay,
    fuzz_decoders,
    io_failures,
    isolation,
    processes,
    real_kills,
    retention_model,
    simulation,
)
from tests.crash.tally import Budget, Tally
from tests.crash.workloads import WORKLOADS

Run = Callable[[Budget], Tally]


@dataclass(frozen=True, slots=True)
class Trial:
    """One row of the matrix."""

    number: int
    title: str
    parts: Mapping[str, Run]
    # What each part of a sample counts at least.
    floor: int

    def run(self, budget: Budget) -> Tally:
        """All parts, until the budget's time is over."""
        tally = Tally()
        for run in self.parts.values():
            if budget.is_over:
                break
            tally.add(run(budget))
        return tally


def for_each_workload(run: Callable[[str, Budget], Tally]) -> dict[str, Run]:
    return {name: partial(run, name) for name in WORKLOADS}


def whole(run: Run) -> dict[str, Run]:
    return {"all": run}


MATRIX: tuple[Trial, ...] = (
    Trial(
        1,
        "every operation, every persistence",
        {
            **for_each_workload(crash_points.check_workload),
            "through SQL": crash_points.check_sql,
        },
        floor=150,
    ),
    Trial(2, "crash in recovery, 3 deep", for_each_workload(crash_points.check_chains), floor=20),
    Trial(
        3,
        "real processes, really killed",
        {f"part {part}": partial(real_kills.check_real_kills, part) for part in range(2)},
        floor=12,
    ),
    Trial(4, "a sync fails, at each place", whole(io_failures.check_syncs), floor=40),
    Trial(5, "operation k fails", whole(io_failures.check_failures), floor=400),
    Trial(6, "the disk is full", whole(io_failures.check_full_disk), floor=5),
    Trial(7, "exceptions from outside", whole(async_exceptions.check_places), floor=350),
    Trial(8, "forks, threads, exits, dropped cursors", whole(processes.check_cases), floor=12),
    Trial(
        9,
        "bits, lost and misdirected writes",
        {"bits": damage.check_flips, "writes": damage.check_lost_writes},
        floor=200,
    ),
    Trial(10, "torn pages, every sector mask", whole(damage.check_torn_pages), floor=256),
    Trial(11, "seeded simulation", whole(simulation.check_seeds), floor=200),
    Trial(
        12,
        "isolation, with checkpoints and crashes",
        {"anomalies": isolation.check_anomalies, "lists": isolation.check_lists},
        floor=30,
    ),
    Trial(13, "the protocol, searched", whole(retention_model.check_protocol), floor=70_000),
    Trial(14, "retention, random holders", whole(retention_model.check_retention), floor=2_000),
    Trial(15, "every kind of DDL", whole(ddl_replay.check_kinds), floor=50),
    Trial(16, "bounds, in virtual time", whole(bounds.check_gates), floor=10),
    Trial(
        17,
        "fuzzed files",
        {"files": damage.check_fuzzed_files, "decoders": fuzz_decoders.check_decoders},
        floor=1_500,
    ),
)


def parts() -> Iterator[tuple[Trial, str]]:
    """Every part of every trial."""
    for trial in MATRIX:
        for name in trial.parts:
            yield trial, name
