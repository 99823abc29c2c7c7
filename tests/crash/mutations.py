"""The mutation list from the command line: plants each fault in a copy of the package, and fails unless a test notices.

    python -m tests.crash.mutations                 all of them
    python -m tests.crash.mutations --only fence    those whose name has "fence" in it

A mutation is data (`mutation_list.py`): a file, the text in it before and after, and the command that must fail. Each command
must pass on the unchanged copy first, or its failing would say nothing. The exit code is 1 if a fault survived, 2 if a text is not
found exactly once: then the list is to be brought up to date.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.crash.mutation_list import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parent.parent.parent
# Long enough for a command on a machine that does other things too.
TIMEOUT_S = 900
COPIED = ("lungfish", "tests", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mutation."""

    mutation: Mutation
    is_caught: bool
    seconds: float
    last_line: str


def stale(mutations: Iterable[Mutation], root: Path = ROOT) -> list[str]:
    """The mutations whose text is not there exactly once."""
    found = []
    for each in mutations:
        count = (root / each.file).read_text().count(each.before)
        if count != 1:
            found.append(f"{each.name}: its text is {count} times in {each.file}")
    return found


def run_command(command: str, root: Path) -> tuple[bool, str]:
    """Run `python -m command` in a copy; whether it passed, and the last line it said."""
    # Bytecode of the text before must not be taken for that after: same second, same size.
    # Faults are planted in Python's lines, which compiled modules would pass by.
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LUNGFISH_PLAIN": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", *command.split()],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"still running after {TIMEOUT_S} s"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else ""


def copy_package(folder: str) -> Path:
    root = Path(folder, "copy")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    return root


def check_mutation(mutation: Mutation) -> Outcome:
    """Plant one fault in a copy of its own, and run the command that must fail."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lungfish-mutation-") as folder:
        root = copy_package(folder)
        path = root / mutation.file
        path.write_text(path.read_text().replace(mutation.before, mutation.after))
        has_passed, last_line = run_command(mutation.caught_by, root)
    return Outcome(mutation, not has_passed, time.monotonic() - began, last_line)


def check_commands(commands: Iterable[str]) -> list[str]:
    """The commands that fail although nothing is changed."""
    failing = []
    with tempfile.TemporaryDirectory(prefix="lungfish-mutation-") as folder:
        root = copy_package(folder)
        for command in commands:
            has_passed, last_line = run_command(command, root)
            if not has_passed:
                failing.append(f"{command}: {last_line}")
    return failing


def check_mutations(mutations: list[Mutation], jobs: int) -> list[Outcome]:
    """Each in turn, `jobs` at once; tells of each as it is done."""
    outcomes = []
    with ThreadPoolExecutor(jobs) as pool:
        for outcome in pool.map(check_mutation, mutations):
            verdict = "caught  " if outcome.is_caught else "SURVIVED"
            print(
                f"{verdict} {outcome.mutation.name:60} {outcome.seconds:5.1f} s"
                f"  {outcome.last_line[:70]}",
                flush=True,
            )
            outcomes.append(outcome)
    return outcomes


def run(mutations: Iterable[Mutation], only: list[str], jobs: int) -> int:
    """Plant the faults whose names have one of the texts in them (none: all); the exit code."""
    chosen = [each for each in mutations if not only or any(text in each.name for text in only)]
    problems = stale(chosen) or check_commands(sorted({each.caught_by for each in chosen}))
    if problems:
        print("\n".join(problems))
        return 2
    outcomes = check_mutations(chosen, jobs)
    caught = sum(each.is_caught for each in outcomes)
    print(f"{caught} of {len(outcomes)} planted faults caught")
    return 0 if caught == len(outcomes) else 1


def main(
    mutations: Iterable[Mutation] = MUTATIONS, program: str = "python -m tests.crash.mutations"
) -> int:
    """Run a list of faults as the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument(
        "--only", metavar="TEXT", action="append", default=[], help="those with this in their name"
    )
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    return run(mutations, options.only, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
