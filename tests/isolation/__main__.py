"""`python -m tests.isolation FOLDER [SPEC...]`: how many schedules end as PostgreSQL's do. FOLDER holds `specs/` and `expected/`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.isolation.compare import compare_spec


def main() -> int:
    """Run; exit code 1 if a schedule differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("specs", nargs="*", help="names; all if none is given")
    parser.add_argument("--show", type=int, default=0, help="print so many of the differences")
    options = parser.parse_args()
    names = options.specs or sorted(path.stem for path in (options.folder / "specs").glob("*.spec"))
    agreed = total = shown = 0
    for name in names:
        outcomes = compare_spec(options.folder, name)
        good = sum(outcome.agrees for outcome in outcomes)
        agreed, total = agreed + good, total + len(outcomes)
        print(f"{name:40} {good:4} of {len(outcomes):4}", flush=True)
        for outcome in outcomes:
            if not outcome.agrees and shown < options.show:
                shown += 1
                print("\n".join(outcome.difference()))
    print(f"{agreed} of {total} schedules agree ({100 * agreed / max(total, 1):.1f} %)")
    return 0 if agreed == total else 1


if __name__ == "__main__":
    sys.exit(main())
