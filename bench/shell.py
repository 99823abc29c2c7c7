"""The shells of Lungfish, SQLite and DuckDB beside each other: seconds to the first prompt, to the first answer, and for 100,000 rows.

    python bench/shell.py                          # those that are installed
    DUCKDB=/path/to/duckdb python bench/shell.py --runs 9

Each figure is the least of several runs, taken in turns, so that all meet the same machine. The rows have five columns: integer, text,
numeric or double, date, and text with nulls; they are read from a file of each program's own and written to a pipe.
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROW_COUNT = 100_000
_PAINT_SECONDS_MAX = 20.0
# What programs ask a terminal, and wait for: where the cursor is, the colour behind the text, what kind of terminal it is.
_ANSWERS = {
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    b"\x1b[c": b"\x1b[?62c",
}


@dataclass(frozen=True, slots=True)
class Program:
    """One shell: how it is started on a file, how it is told what to do, and what its prompt ends with."""

    name: str
    command: tuple[str, ...]
    table_flags: tuple[str, ...]
    csv_flags: tuple[str, ...]
    prompt: bytes
    fill: str


_LUNGFISH = Program(
    "lungfish", (sys.executable, "-m", "lungfish.repl.main"), ("--format", "table"), ("--csv",), b"=>",
    f"create table t as select g as id, 'name ' || g as name, g / 7.0 as amount, date '2020-01-01' + g % 1000 as day,"
    f" case when g % 3 = 0 then 'note ' || g end as note from generate_series(1, {ROW_COUNT}) g",
)  # fmt: skip
_SQLITE = Program(
    "sqlite3", ("sqlite3",), ("-table",), ("-csv", "-header"), b"sqlite> ",
    f"create table t as with recursive s(g) as (select 1 union all select g + 1 from s where g < {ROW_COUNT})"
    " select g as id, 'name ' || g as name, g / 7.0 as amount, date('2020-01-01', (g % 1000) || ' days') as day,"
    " case when g % 3 = 0 then 'note ' || g end as note from s",
)  # fmt: skip
_DUCKDB = Program(
    "duckdb", (os.environ.get("DUCKDB", "duckdb"),), ("-table",), ("-csv",), b"D ",
    f"create table t as select g as id, 'name ' || g as name, g / 7.0 as amount, date '2020-01-01' + (g % 1000)::int as day,"
    f" case when g % 3 = 0 then 'note ' || g end as note from range(1, {ROW_COUNT + 1}) r(g)",
)  # fmt: skip


def main() -> None:
    """Print a table: a line a work, a column a program."""
    parser = argparse.ArgumentParser(description="Time shells.")
    parser.add_argument("--runs", type=int, default=5, help="of each work; the least counts")
    runs = parser.parse_args().runs
    programs = [
        each for each in (_LUNGFISH, _SQLITE, _DUCKDB) if shutil.which(each.command[0]) is not None
    ]
    with tempfile.TemporaryDirectory(prefix="bench-shell-") as folder:
        files = {each.name: str(Path(folder, f"{each.name}.db")) for each in programs}
        for each in programs:
            run(each, files[each.name], each.fill, ())
        works = (
            ("first paint", paint_seconds),
            ("select 1", lambda each, file: run(each, file, "select 1", ())),
            ("100,000 rows, table", lambda each, file: run(each, file, "select * from t", each.table_flags)),
            ("100,000 rows, csv", lambda each, file: run(each, file, "select * from t", each.csv_flags)),
        )  # fmt: skip
        print(f"{'seconds':<22}" + "".join(f"{each.name:>12}" for each in programs))
        for title, work in works:
            best = dict.fromkeys(files, float("inf"))
            for _ in range(runs):
                for each in programs:
                    best[each.name] = min(best[each.name], work(each, files[each.name]))
            print(
                f"{title:<22}" + "".join(f"{best[each.name]:>12.3f}" for each in programs),
                flush=True,
            )


def run(program: Program, file: str, sql: str, flags: Sequence[str]) -> float:
    """Seconds that the program takes for one statement, its start and end included."""
    if program.name == "lungfish":
        command = [*program.command, file, *flags, "-c", sql]
    else:
        command = [*program.command, *flags, file, sql]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{program.name}: {done.stderr.decode()}")
    return seconds


def paint_seconds(program: Program, file: str) -> float:
    """Seconds until the prompt stands on a terminal."""
    began = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(program.command[0], [*program.command, file])
    seen = b""
    try:
        while program.prompt not in seen:
            ready, _, _ = select.select([terminal], [], [], _PAINT_SECONDS_MAX)
            if not ready:
                raise SystemExit(f"{program.name} shows no prompt: {seen!r}")
            seen += os.read(terminal, 65_536)
            for question, answer in _ANSWERS.items():
                if question in seen:
                    os.write(terminal, answer)
                    seen = seen.replace(question, b"")
        return time.perf_counter() - began
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


if __name__ == "__main__":
    main()
