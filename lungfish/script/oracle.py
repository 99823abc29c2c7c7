"""A script on a real PostgreSQL and here: both must give what it expects, and the same for every other statement too."""

from __future__ import annotations

import importlib
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lungfish.script.engine import Outcome
from lungfish.script.postgres_server import ServerUnavailable, create_database, start_server
from lungfish.script.report import Failure, ScriptReport
from lungfish.script.rows import cells_of, difference
from lungfish.script.suite import SuiteOptions, run_script_file

if TYPE_CHECKING:
    from lungfish.script.postgres_engine import PostgresEngine


class OracleUnavailable(Exception):
    """There is no PostgreSQL to ask; the text says why."""


class Oracle:
    """A server for as long as it is not closed. Each script gets a database of its own."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        try:
            self._uri = self._stack.enter_context(start_server())
        except ServerUnavailable as error:
            raise OracleUnavailable(str(error)) from error
        self._count = 0

    def close(self) -> None:
        """Stop the server."""
        self._stack.close()

    def compare(self, path: Path, options: SuiteOptions) -> ScriptReport:
        """Run the script on both; answers PostgreSQL's report, with what differs here."""
        self._count += 1
        uri = create_database(self._uri, f"script{self._count}")
        theirs = run_script_file(path, options, self._engine(uri))
        if theirs.skipped:
            return theirs
        theirs.failures = [_named(failure, "PostgreSQL") for failure in theirs.failures]
        with closing(options.engine()) as engine:
            ours = run_script_file(path, options, engine)
        theirs.failures += [_named(failure, "Lungfish") for failure in ours.failures]
        theirs.failures += _differences(str(path), theirs, ours)
        return theirs

    def _engine(self, uri: str) -> PostgresEngine:
        # It imports psycopg, which only those have who ask the oracle.
        module: Any = importlib.import_module("lungfish.script.postgres_engine")
        engine: PostgresEngine = module.PostgresEngine(uri)
        return engine


def _named(failure: Failure, side: str) -> Failure:
    context = f"{side}, {failure.context}" if failure.context else side
    return Failure(
        failure.path, failure.line, failure.text, failure.message, failure.lines, context
    )


def _differences(path: str, theirs: ScriptReport, ours: ScriptReport) -> list[Failure]:
    """Statements of which the two do not say the same, errors by SQLSTATE and rows in any order."""
    found: list[Failure] = []
    for (line, their), (our_line, our) in zip(theirs.transcript, ours.transcript, strict=False):
        if line != our_line:
            message = f"PostgreSQL went on with line {line}, Lungfish with line {our_line}"
            return [*found, Failure(path, line, "", message)]
        message = _difference(their, our)
        if message:
            expected, got = (
                [cells_of(row) for row in their.rows],
                [cells_of(row) for row in our.rows],
            )
            lines = difference(expected, got, "sorted") or []
            found.append(Failure(path, line, "", message, tuple(lines)))
    return found


def _difference(their: Outcome, our: Outcome) -> str:
    if their.sqlstate != our.sqlstate:
        return f"PostgreSQL says {_verdict(their)}, Lungfish {_verdict(our)}"
    # CHECKPOINT answers with a row here.
    is_own_row = their.columns is None and their.tag == our.tag == "CHECKPOINT"
    if their.columns != our.columns and not is_own_row:
        return f"PostgreSQL's columns are {their.columns}, Lungfish's {our.columns}"
    if Counter(their.rows) != Counter(our.rows) and not is_own_row:
        return "PostgreSQL's rows (-) are not Lungfish's (+)"
    return ""


def _verdict(outcome: Outcome) -> str:
    return f"{outcome.sqlstate} ({outcome.message})" if outcome.sqlstate else outcome.tag
