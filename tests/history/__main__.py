"""`python -m tests.history [--level LEVEL] [--operations N] [--threads N] [--seed N]`: long histories, judged. Exit code 1 if one shows what its level forbids."""

from __future__ import annotations

import argparse
import sys

from tests.history.checker import FORBIDDEN
from tests.history.run import Plan, Result, Runner


def main() -> int:
    """Run the histories that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.history", description=__doc__)
    parser.add_argument(
        "--level", type=_level, action="append", help="with spaces or underscores; default: each"
    )
    parser.add_argument("--operations", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crash-every", type=int, default=10_000, metavar="OPERATIONS")
    parser.add_argument("--checkpoint-every", type=int, default=1_000, metavar="OPERATIONS")
    options = parser.parse_args()
    is_clean = True
    for level in options.level or FORBIDDEN:
        result = Runner(
            Plan(
                level,
                options.operations,
                options.threads,
                options.seed,
                options.checkpoint_every,
                options.crash_every,
            )
        ).run()
        is_clean = is_clean and not result.anomalies
        print(describe(level, result), flush=True)
    return 0 if is_clean else 1


def _level(text: str) -> str:
    """A level's name. Raises ValueError, which argparse words."""
    level = text.lower().replace("_", " ")
    if level not in FORBIDDEN:
        raise ValueError(text)
    return level


def describe(level: str, result: Result) -> str:
    """The outcome in a few lines."""
    lines = [
        f"{level}: {result.operation_count} operations in {result.transaction_count} committed transactions, "
        f"{result.retry_count} taken back by 40001 or 40P01, {result.crash_count} crashes, {result.seconds:.0f} s: "
        f"{len(result.anomalies)} anomalies"
    ]
    lines += [f"    {each.name}: {each.detail}" for each in result.anomalies[:10]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
