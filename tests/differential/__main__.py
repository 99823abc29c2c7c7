"""python -m tests.differential --queries 20000 --seed 1    # prints each difference, made small, and the number of them

With --changes the statements change tables instead; with --patterns they are regular expressions.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.differential.campaign import run_campaign
from tests.differential.changes import run_changes
from tests.differential.patterns import run_patterns
from tests.differential.server import start_server
from tests.differential.sides import LungfishSide, PostgresSide


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare random queries with PostgreSQL 18.")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first query")
    parser.add_argument("--changes", action="store_true", help="INSERT, UPDATE, DELETE, MERGE")
    parser.add_argument("--patterns", action="store_true", help="regular expressions, LIKE")
    parser.add_argument("--most", type=int, default=40, help="stop after so many differences")
    options = parser.parse_args()
    started = time.monotonic()
    found = asked = 0
    with start_server() as uri:
        postgres, ours = PostgresSide(uri), LungfishSide()
        run = run_patterns if options.patterns else run_changes if options.changes else run_campaign
        for finding in run(
            postgres, ours, count=options.queries, seed=options.seed, first=options.first
        ):
            asked += 1
            if finding is not None:
                found += 1
                print(finding.report(), flush=True)
                if found >= options.most:
                    break
        ours.close()
        postgres.close()
    print(f"{asked} queries, {found} differences in {time.monotonic() - started:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
