"""What the first connection of a process takes: processor time from the start of the interpreter to the first answer.

    python bench/first_connection.py
    python bench/first_connection.py --runs 15

Each figure is the least of several processes. Bytecode is cached by the run before the first that counts, unless PYTHONDONTWRITEBYTECODE is set.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys

_STEPS = ("interpreter", "numpy and pyarrow", "connect", "select 1", "create and insert")
_PROGRAM = """
import time
marks = [time.process_time()]
import numpy, pyarrow
marks.append(time.process_time())
import lungfish
connection = lungfish.connect(":memory:")
marks.append(time.process_time())
connection.execute("select 1").fetchall()
marks.append(time.process_time())
connection.execute("create table t (i integer primary key, s text)")
connection.execute("insert into t values (1, 'one')")
marks.append(time.process_time())
import json
print(json.dumps(marks))
"""


def measure(run_count: int) -> list[float]:
    """The seconds of each step: the least of `run_count` processes."""
    least = [float("inf")] * len(_STEPS)
    for _ in range(run_count + 1):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
        )
        marks = [0.0, *json.loads(done.stdout)]
        steps = [after - before for before, after in itertools.pairwise(marks)]
        least = list(map(min, least, steps))
    return least


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    steps = measure(parser.parse_args().runs)
    for name, seconds in zip(_STEPS, steps, strict=True):
        print(f"{name:20} {1000 * seconds:6.0f} ms")
    print(f"{'altogether':20} {1000 * sum(steps):6.0f} ms")


if __name__ == "__main__":
    main()
