"""Trials 1 and 2 of the matrix: every operation with every persistence, and crashes in the recovery from a crash, three deep."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import TypeVar

from lungfish.drill.points import CrashPoint, crash_points
from tests.crash.drill import Drill
from tests.crash.harness import (
    check_chain,
    check_errors,
    check_kills,
    check_points,
    run_workload,
)
from tests.crash.sql_drill import SqlDrill, check_sql_points, orders
from tests.crash.tally import Budget, Tally
from tests.crash.workloads import WORKLOADS

# Of each workload, in the sample of each commit.
SAMPLE_COUNT = 186
SAMPLE_KILL_COUNT = 8
SAMPLE_NESTED_SHARE = 0.1
SAMPLE_SQL_COUNT = 150
SAMPLE_CHAIN_COUNT = 20
RELEASE_SEED_COUNT = 5
CHAIN_DEPTH = 3
T = TypeVar("T")


def check_workload(name: str, budget: Budget) -> Tally:
    """One workload's crash points, with kills and failing operations: a sample, or every one."""
    tally = Tally()
    for seed in budget.seeds(1, RELEASE_SEED_COUNT):
        workload = WORKLOADS[name]
        drill = run_workload(workload, seed)
        count = None if budget.is_release else SAMPLE_COUNT
        points = until_over(crash_points(drill.disk, count=count, seed=seed), budget)
        share = 0.0 if budget.is_release else SAMPLE_NESTED_SHARE
        tally.add(check_points(drill, points, nested_share=share, seed=seed))
        total = drill.disk.operation_count
        step = 1 if budget.is_release else max(1, total // SAMPLE_KILL_COUNT)
        places = range(1 + seed % step, total, step)
        tally.add(check_kills(workload, until_over(places, budget), seed))
        tally.add(check_errors(workload, until_over(places, budget), seed))
    return tally


def check_sql(budget: Budget) -> Tally:
    """The workload through SQL."""
    drill = SqlDrill()
    orders(drill)
    drill.end()
    count = None if budget.is_release else SAMPLE_SQL_COUNT
    points = crash_points(drill.disk, count=count, seed=budget.seed)
    return check_sql_points(drill, until_over(points, budget))


def check_chains(name: str, budget: Budget) -> Tally:
    """Chains of crashes: the first anywhere in the workload, each next one in what came after the one before."""
    tally = Tally()
    for seed in budget.seeds(1, 25):
        drill = run_workload(WORKLOADS[name], seed)
        chance = random.Random(f"chains {name} {seed}")
        points = crash_points(drill.disk, count=SAMPLE_CHAIN_COUNT, seed=seed)
        for point in until_over(points, budget):
            tally.add(check_one_chain(drill, point, chance))
    return tally


def check_one_chain(drill: Drill, point: CrashPoint, chance: random.Random) -> Tally:
    tally = Tally()
    try:
        check_chain(drill, point, chance, depth=CHAIN_DEPTH)
    except Exception:
        tally.fail(str(point))
    tally.count("chains of 4 crashes")
    return tally


def until_over(items: Iterable[T], budget: Budget) -> Iterator[T]:
    """The items, until the budget's time is over."""
    for item in items:
        if budget.is_over:
            return
        yield item
