"""The one check that people and CI run: format, lint, types, layers, tests, and some of these without the compiled modules.

python scripts/check.py            # everything
python scripts/check.py --fast     # everything but the tests marked slow
python scripts/check.py --release  # with the long crash matrix and the whole corpora
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable

STATIC_STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", (PYTHON, "-m", "ruff", "format", "--check", "--quiet", ".")),
    ("lint", (PYTHON, "-m", "ruff", "check", "--quiet", ".")),
    ("types", (PYTHON, "-m", "mypy", "--no-error-summary")),
    ("layers", (PYTHON, "-c", "from importlinter.cli import lint_imports_command as c; c()")),
)
PLAIN_TESTS = ("tests/storage", "tests/session", "tests/connection", "tests/native")


def main() -> int:
    """Run the steps in order; the first that fails ends it, with its exit code."""
    options = parse_arguments()
    tests = [PYTHON, "-m", "pytest", "-q", "-n", str(options.jobs)]
    if options.fast:
        tests += ["-m", "not slow and not release"]
    elif options.release:
        tests += ["--release"]
    # The rooms whose paths are compiled, in the form that a machine without a compiler has.
    plain = [PYTHON, "-m", "pytest", "-q", "-n", str(options.jobs), *PLAIN_TESTS]
    steps = [*STATIC_STEPS, ("tests", tuple(tests)), ("tests in plain Python", tuple(plain))]
    for name, command in steps:
        if options.only and name not in options.only:
            continue
        started = time.monotonic()
        print(f"== {name}", flush=True)
        environment = {**os.environ, "LUNGFISH_PLAIN": "1"} if "plain" in name else None
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        print(
            f"   {name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - started:.1f} s",
            flush=True,
        )
        if code:
            return code
    return 0


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Check the whole project.")
    parser.add_argument("--fast", action="store_true", help="leave out the slow tests")
    parser.add_argument("--release", action="store_true", help="run the long matrices too")
    parser.add_argument("--jobs", type=int, default=2, help="test processes at once")
    parser.add_argument("--only", action="append", help="run this step alone (may be repeated)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
