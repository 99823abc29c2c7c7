"""The crash matrix from the command line.

python -m tests.crash                         what each commit runs
python -m tests.crash --release               all there is: hours
python -m tests.crash --release --minutes 30  the same, each trial getting its share of the time
python -m tests.crash --only 7                one trial (may be repeated)

Ends with a table: what was tried, how often, and how often it failed. The exit code is 1 if anything did.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.crash import mutations
from tests.crash.matrix import MATRIX, Trial
from tests.crash.tally import Budget, Tally

FAILURES_SHOWN = 5


def run_trial(trial: Trial, budget: Budget) -> tuple[Tally, float]:
    """One trial; says how it went as soon as it is over."""
    began = time.monotonic()
    tally = trial.run(budget)
    seconds = time.monotonic() - began
    print(line(trial, tally, seconds), flush=True)
    for failure in tally.failures[:FAILURES_SHOWN]:
        print(failure)
    return tally, seconds


def line(trial: Trial, tally: Tally, seconds: float) -> str:
    return (
        f"{trial.number:>2}  {trial.title:36} {tally.total:>9,}  {len(tally.failures):>8}"
        f"  {seconds:>7.1f} s  {tally}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--release", action="store_true", help="all there is, not a sample")
    parser.add_argument("--only", type=int, action="append", metavar="N", help="this trial alone")
    parser.add_argument("--minutes", type=float, help="end after about so long")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chosen = [each for each in MATRIX if options.only is None or each.number in options.only]
    print(f"    {'trial':36} {'tried':>9}  {'failures':>8}  {'time':>9}")
    total = Tally()
    ends = None if options.minutes is None else time.monotonic() + options.minutes * 60
    for index, trial in enumerate(chosen):
        deadline = None
        if ends is not None:
            # What a trial does not use is left to those after it.
            left = ends - time.monotonic()
            deadline = time.monotonic() + left / (len(chosen) - index)
        tally, _ = run_trial(trial, Budget(options.seed, options.release, deadline))
        total.add(tally)
    print(f"    {'total':36} {total.total:>9,}  {len(total.failures):>8}")
    if options.release and options.only is None:
        return 1 if mutations.run([], jobs=2) or total.failures else 0
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
