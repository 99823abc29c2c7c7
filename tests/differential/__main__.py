"""python -m tests.differential --queries 20000 --seed 1    # prints each difference, made small, and the number of them

With --wide the queries are of more forms, and asked as views, prepared statements and so on; with --forms our own answers to these forms are compared, without
PostgreSQL. With --changes the statements change tables instead; with --patterns they are regular expressions; with --histories each is a history of statements.

python -m tests.differential --mutations --queries 20000 --seed 1 [--oracle] [--only WALK[:PLACE]]

Runs mutated statements of the scripts in `statements` and of the corpora, and prints internal errors and slow statements; with --oracle
also what PostgreSQL answers otherwise.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.differential.campaign import run_campaign
from tests.differential.changes import run_changes
from tests.differential.edges import run_edges
from tests.differential.histories import run_histories
from tests.differential.mutations import Campaign, make_sides
from tests.differential.patterns import run_patterns
from tests.differential.server import start_server
from tests.differential.short import run_short
from tests.differential.sides import LungfishSide, PostgresSide, Side
from tests.differential.walks import corpus_walks, own_walks
from tests.differential.wide import run_forms, run_wide

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare random queries with PostgreSQL 18.")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first query")
    parser.add_argument("--wide", action="store_true", help="queries of more forms")
    parser.add_argument("--short", action="store_true", help="short statements, asked again")
    parser.add_argument("--forms", action="store_true", help="the same query in several forms")
    parser.add_argument("--changes", action="store_true", help="INSERT, UPDATE, DELETE, MERGE")
    parser.add_argument("--patterns", action="store_true", help="regular expressions, LIKE")
    parser.add_argument("--edges", action="store_true", help="constants at the edges of types")
    parser.add_argument("--histories", action="store_true", help="transactions, DDL, cursors")
    parser.add_argument("--most", type=int, default=40, help="stop after so many differences")
    parser.add_argument("--mutations", action="store_true", help="mutated statements")
    parser.add_argument("--oracle", action="store_true", help="compare mutants with PostgreSQL")
    parser.add_argument("--only", default="", help="one walk, or one place in it")
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    options = parser.parse_args()
    if options.mutations:
        return run_mutations(options)
    started = time.monotonic()
    found = asked = 0
    with ExitStack() as stack:
        ours: Side = LungfishSide()
        # Forms are compared with one another alone.
        postgres = ours if options.forms else PostgresSide(stack.enter_context(start_server()))
        run = run_campaign
        for is_chosen, other in (
            (options.wide, run_wide),
            (options.forms, run_forms),
            (options.short, run_short),
            (options.patterns, run_patterns),
            (options.edges, run_edges),
            (options.changes, run_changes),
            (options.histories, run_histories),
        ):
            run = other if is_chosen else run
        # An interrupted campaign says how far it came.
        with suppress(KeyboardInterrupt):
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
        if not options.forms:
            postgres.close()
    print(f"{asked} queries, {found} differences in {time.monotonic() - started:.0f} s")
    return 1 if found else 0


def run_mutations(options: argparse.Namespace) -> int:
    """Print what is found; 1 if there is anything."""
    started = time.monotonic()
    found = 0
    with ExitStack() as stack:
        uri = stack.enter_context(start_server()) if options.oracle else None
        walks = own_walks() + corpus_walks(options.corpora)
        campaign = Campaign(walks, options.seed, options.queries, lambda: make_sides(uri))
        for item in campaign.run(options.only):
            found += 1
            print(item.report(), flush=True)
            if found >= options.most:
                break
    for message, times in campaign.refused.most_common(40):
        print(f"refused {times} times: {message}")
    alike = sum(campaign.alike.values())
    seconds = time.monotonic() - started
    print(f"{campaign.tried} mutants, {alike} of them wrong, {found} shown, in {seconds:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
