"""The story of `lungfish demo`, as it is told on the screen.

It loads a shop, queries it, and then kills its own writer process with SIGKILL three times: in the middle of a transaction,
while a checkpoint is being written, and at a random moment. Each time the database is opened again, says what its recovery did, and
must pass the proof.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import lungfish
from lungfish import errors
from lungfish.repl.arguments import Parser
from lungfish.repl.demo.proof import Findings, examine
from lungfish.repl.demo.shop import BEST_COUNTRIES, load
from lungfish.repl.demo.victim import Moment, Witness, WriterFailed, write_and_kill
from lungfish.repl.describe import query
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening
from lungfish.repl.formats import DisplaySettings, format_result

_SEED = 20260101
_KILLS = (Moment.MID_TRANSACTION, Moment.MID_CHECKPOINT, Moment.ANY_TIME)
_RECOVERY = """
SELECT cause, wal_bytes, records_applied, losers AS rolled_back, pages_hydrated, tail_state,
    round(total_ms::numeric, 1) AS total_ms
FROM lungfish.recovery_history ORDER BY recovery_id DESC LIMIT 1
"""


def demo_main(arguments: Sequence[str]) -> int:
    """Run the demo; its exit code, 1 if anything that was acknowledged is missing or anything is half there."""
    parser = Parser(prog="lungfish demo", description="Load, query, kill, recover, prove.")
    parser.add_argument("--keep", metavar="DB", help="make the database here and keep it")
    parser.add_argument(
        "--seed", type=int, default=_SEED, help="of the data and the moments of the kills"
    )
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory(prefix="lungfish-demo-") as folder:
            path = options.keep or str(Path(folder, "shop.db"))
            if Path(path).exists():
                parser.error(f"{path} exists already")
            is_good = _Demo(path, random.Random(options.seed)).run()
    except WriterFailed as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return ExitCode.SQL_ERROR
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return exit_code_of_opening(error)
    seconds = time.perf_counter() - started
    if not is_good:
        print(f"FAILED after {seconds:.0f} s: see above.")
        return ExitCode.SQL_ERROR
    print(
        f"All of it in {seconds:.0f} s. Every acknowledged commit is there, and nothing is half there."
    )
    return ExitCode.OK


class _Demo:
    def __init__(self, path: str, chance: random.Random) -> None:
        self._path = path
        self._chance = chance
        self._acknowledged: set[int] = set()

    def run(self) -> bool:
        """Tell the whole story; whether it ended well."""
        self._load_and_query()
        print("\n3. Kill the writer, three times, while it commits and takes checkpoints")
        # Each kill is gone through, also after one that ended badly.
        outcomes = [
            self._kill_and_recover(number, moment) for number, moment in enumerate(_KILLS, 1)
        ]
        return all(outcomes)

    def _load_and_query(self) -> None:
        print("1. Load a shop")
        with lungfish.open(self._path) as database, database.connect(autocommit=True) as connection:
            started = time.perf_counter()
            row_count = load(connection, self._chance)
            seconds = time.perf_counter() - started
            print(f"   {row_count:,} rows into 4 tables in {seconds:.1f} s, one transaction")
            print("\n2. Ask it something")
            started = time.perf_counter()
            _show(connection, BEST_COUNTRIES)
            print(f"   in {(time.perf_counter() - started) * 1000:.0f} ms")

    def _kill_and_recover(self, number: int, moment: Moment) -> bool:
        """One kill with what follows; whether everything held."""
        witness = write_and_kill(
            self._path,
            first=max(self._acknowledged, default=0) + 1,
            seed=self._chance.randrange(2**32),
            moment=moment,
            seconds=self._chance.uniform(0.8, 1.5),
        )
        self._acknowledged |= witness.acknowledged
        print(f"\n   Kill {number}: SIGKILL {moment.value}")
        print(f"   {_tell_witness(witness)}")
        with lungfish.open(self._path) as database, database.connect(autocommit=True) as connection:
            _show(connection, _RECOVERY)
            findings = examine(connection, frozenset(self._acknowledged))
            problems = database.check().problems
        self._acknowledged |= findings.present
        for line in _tell_findings(findings, problems):
            print(f"   {line}")
        return findings.is_good and not problems


def _tell_witness(witness: Witness) -> str:
    flight = "none" if witness.in_flight is None else f"transfer {witness.in_flight}"
    return (
        f"{len(witness.acknowledged):,} commits acknowledged, {witness.checkpoints_done} checkpoints"
        f" under load, {flight} under way"
    )


def _tell_findings(findings: Findings, problems: Sequence[str]) -> list[str]:
    lines = []
    counts = (
        f"{len(findings.missing)} acknowledged ones missing",
        f"{findings.half_done} half there",
        f"{findings.wrong_balances} balances wrong",
    )
    lines.append(f"{len(findings.present):,} transfers found, {', '.join(counts)}")
    if findings.unreported:
        lines.append(
            f"{len(findings.unreported)} committed whole just before its report could be sent"
        )
    lines.append(
        "check: clean" if not problems else f"check: {len(problems)} problems, {problems[0]}"
    )
    return lines


def _show(connection: lungfish.Connection, sql: str) -> None:
    """Print a query's result, indented."""
    shown = "".join(format_result(query(connection, sql), DisplaySettings(has_footer=False)))
    for line in shown.rstrip().splitlines():
        print(f"   {line}")
