"""Trial 8 of the matrix: forks, threads that die, interpreters that end, and cursors dropped, each with a checkpoint under way.

Each case is a program of its own in a process of its own. It prints `committed N` for what was acknowledged; then it ends in its way,
and the database must open with exactly that, sound. No case may hang: the time is limited.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import lungfish
from tests.crash.crash_points import until_over
from tests.crash.harness import DrillFailure
from tests.crash.tally import Budget, Tally

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_S = 60

# What every case begins with: a database with rows, an acknowledged commit, and a thread that takes checkpoints.
PRELUDE = """
import gc, os, signal, sys, threading
import lungfish

path = sys.argv[1]
database = lungfish.open(path)
connection = database.connect(autocommit=True)
connection.execute("CREATE TABLE t (id integer PRIMARY KEY, v text)")
connection.execute("INSERT INTO t SELECT i, repeat('v', 200) FROM generate_series(1, 3000) AS g(i)")
print("committed 3000", flush=True)

def commit(number, other=None):
    (other or connection).execute("INSERT INTO t VALUES (?, 'one more')", (number,))
    print("committed", number, flush=True)

def checkpoints(count=3):
    own = database.connect(autocommit=True)
    for _ in range(count):
        own.execute("UPDATE t SET v = v || '!' WHERE id % 10 = 0")
        own.execute("CHECKPOINT")
    own.close()

taking = threading.Thread(target=checkpoints, daemon=True)
taking.start()
"""

CASES: dict[str, str] = {
    "a fork while a checkpoint runs, the child leaves at once": """
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        commit(3001)
        taking.join()
        database.close()
    """,
    "a forked child that uses the database gets an error, the parent goes on": """
        child = os.fork()
        if not child:
            try:
                connection.execute("INSERT INTO t VALUES (9999, 'child')")
            except lungfish.Error:
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        commit(3001)
        taking.join()
        connection.close()
        database.close()
    """,
    "a forked child that ends as an interpreter does": """
        child = os.fork()
        if not child:
            sys.exit(0)
        os.waitpid(child, 0)
        commit(3001)
        taking.join()
        os._exit(0)
    """,
    "a forked child that collects all garbage": """
        child = os.fork()
        if not child:
            global_names = list(globals())
            del connection, database, taking
            gc.collect()
            os._exit(0)
        os.waitpid(child, 0)
        commit(3001)
        taking.join()
        connection.close()
        database.close()
    """,
    "a thread dies with its transaction open": """
        def die():
            own = database.connect()
            own.execute("INSERT INTO t VALUES (5000, 'never')")
            raise SystemExit
        thread = threading.Thread(target=die)
        thread.start()
        thread.join()
        commit(3001)
        taking.join()
        checkpoints(1)
        os._exit(0)
    """,
    "the interpreter ends while a checkpoint runs": """
        commit(3001)
        sys.exit(0)
    """,
    "the interpreter ends in an exception while a checkpoint runs": """
        commit(3001)
        raise SystemExit(3)
    """,
    "the process is told to stop by SIGTERM": """
        commit(3001)
        os.kill(os.getpid(), signal.SIGTERM)
    """,
    "Ctrl-C comes during a checkpoint in the main thread": """
        signal.setitimer(signal.ITIMER_REAL, 0.002)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            checkpoints(20)
        except KeyboardInterrupt:
            pass
        signal.setitimer(signal.ITIMER_REAL, 0)
        commit(3001)
        taking.join()
        os._exit(0)
    """,
    "a cursor is dropped in the middle of its rows": """
        cursor = connection.execute("SELECT * FROM t")
        cursor.fetchone()
        del cursor
        gc.collect()
        commit(3001)
        taking.join()
        connection.close()
        database.close()
    """,
    "an iterator over rows is dropped by an exception": """
        try:
            for row in connection.execute("SELECT * FROM t"):
                raise KeyError
        except KeyError:
            pass
        commit(3001)
        taking.join()
        os._exit(0)
    """,
    "the database is dropped as if it had crashed, while a checkpoint runs": """
        commit(3001)
        database.crash()
        os._exit(0)
    """,
    "close is called twice, from two threads, while a checkpoint runs": """
        commit(3001)
        threads = [threading.Thread(target=database.close) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        os._exit(0)
    """,
}


def check_cases(budget: Budget) -> Tally:
    """Every case; released, again and again, as each run has another timing."""
    tally = Tally()
    for number in range(budget.choose(1, 8)):
        for name, program in until_over(CASES.items(), budget):
            with tempfile.TemporaryDirectory(prefix="lungfish-process-") as folder:
                try:
                    run_case(str(Path(folder, "app.db")), program)
                except Exception:
                    tally.fail(f"{name}, run {number + 1}")
                tally.count("processes")
    return tally


def run_case(path: str, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(program), path],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    acknowledged = [int(line.split()[1]) for line in done.stdout.splitlines()]
    if done.returncode not in (0, 3, -15) or 3001 not in acknowledged:
        raise DrillFailure(f"exit code {done.returncode}: {done.stderr[-1500:]}")
    with lungfish.open(path) as database:
        problems = database.check().problems
        with database.connect(autocommit=True) as connection:
            found = connection.execute("SELECT count(*), max(id) FROM t").fetchone()
    if problems or found != (3001, 3001):
        raise DrillFailure(f"{found} rows and the highest id, {problems[:2]}")
