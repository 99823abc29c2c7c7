"""The shell without a prompt: -c and -f in their order, or standard input; and `lungfish run`.

The first error ends the run, whatever the input is, unless --on-error says otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO, cast

from lungfish import errors
from lungfish.recovery.wal_reader import TailState
from lungfish.repl.arguments import Parser, shell_parser
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening
from lungfish.repl.interpreter import Interpreter, QuitShell
from lungfish.repl.progress import Opening, watching
from lungfish.repl.target import Target
from lungfish.repl.wiring import build_interpreter, display_of, open_target, wants_progress


def run_inputs(options: argparse.Namespace) -> int:
    """Run the inputs of the command line; the exit code."""
    began_s = time.perf_counter()
    with ExitStack() as stack:
        try:
            display_of(options)
            out = _open_output(options, stack)
        except (errors.InvalidParameterValue, OSError) as error:
            print(f"lungfish: {error}", file=sys.stderr)
            return ExitCode.USAGE
        try:
            target = _open(options)
        except errors.Error as error:
            print(format_error(error, is_verbose=options.verbose), file=sys.stderr)
            return exit_code_of_opening(error)
        stack.callback(target.close)
        opened_s = time.perf_counter()
        try:
            interpreter = build_interpreter(options, target, out)
        except errors.Error as error:
            print(f"lungfish: {error}", file=sys.stderr)
            return ExitCode.USAGE
        try:
            _run_all(interpreter, options)
        except QuitShell:
            pass
        except BrokenPipeError:
            # The reader has seen enough, as `| head` has.
            return _leave_quietly(interpreter.exit_code)
        out.flush()
        if options.stats:
            _print_stats(interpreter, opening_s=opened_s - began_s, began_s=opened_s)
        if options.strict_recovery and interpreter.exit_code is ExitCode.OK:
            return _recovery_code(target)
        return interpreter.exit_code


def _open(options: argparse.Namespace) -> Target:
    """Open the database of the command line, and show how far recovery is. Raises what opening raises."""
    if not wants_progress(options):
        return open_target(options)
    opening = Opening()
    with watching(opening.look, sys.stderr):
        return open_target(options, opening)


class _Tee:
    """Writes to two places: the usual one and a log."""

    def __init__(self, *places: TextIO) -> None:
        self._places = places

    def write(self, text: str) -> int:
        for place in self._places:
            place.write(text)
        return len(text)

    def flush(self) -> None:
        for place in self._places:
            place.flush()

    def isatty(self) -> bool:
        return self._places[0].isatty()


def _open_output(options: argparse.Namespace, stack: ExitStack) -> TextIO:
    out = sys.stdout
    if options.output is not None:
        out = stack.enter_context(Path(options.output).open("w", encoding="utf-8"))  # noqa: SIM115
    if options.log_file is None:
        return out
    log = stack.enter_context(Path(options.log_file).open("a", encoding="utf-8"))  # noqa: SIM115
    return cast("TextIO", _Tee(out, log))


def _leave_quietly(code: ExitCode) -> int:
    """Keep Python from complaining at exit about the broken pipe."""
    sys.stdout = None
    return code


def _run_all(interpreter: Interpreter, options: argparse.Namespace) -> None:
    inputs = options.inputs or [("stdin", "")]
    if options.single_transaction:
        interpreter.target.connection.execute("BEGIN")
    is_good = all(_run_one(interpreter, kind, text) for kind, text in inputs)
    if options.single_transaction and interpreter.target.connection.in_transaction:
        interpreter.target.connection.execute("COMMIT" if is_good else "ROLLBACK")


def _run_one(interpreter: Interpreter, kind: str, text: str) -> bool:
    """Run one input; whether to go on with the next."""
    try:
        if kind == "command":
            is_good = interpreter.run_text(text)
        elif kind == "file" and text != "-":
            is_good = interpreter.run_file(text)
        else:
            is_good = interpreter.run_text(sys.stdin.read(), source="stdin")
    except errors.Error as error:
        interpreter.report(error)
        is_good = False
    return is_good or not interpreter.stops_at_error


def _print_stats(interpreter: Interpreter, *, opening_s: float, began_s: float) -> None:
    """--stats: what the run came to, as one line of JSON."""
    figures = {
        "statements": interpreter.statement_count,
        "rows": interpreter.row_count,
        "exit_code": interpreter.exit_code,
        "opening_seconds": round(opening_s, 6),
        "running_seconds": round(time.perf_counter() - began_s, 6),
    }
    print(json.dumps(figures), file=sys.stderr)


def _recovery_code(target: Target) -> ExitCode:
    """Whether opening the database dropped a torn end of its log."""
    tail = target.database.recovery_report.tail
    is_whole = tail.state is TailState.CLEAN
    return ExitCode.OK if is_whole else ExitCode.RECOVERED_WITH_LOSS


# lungfish run


def run_main(arguments: Sequence[str]) -> int:
    """`lungfish run FILE...`: each script on a new database that is thrown away, or all on --db."""
    parser = Parser(prog="lungfish run", description="Run scripts, each on a new database.")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--db", metavar="DB", help="run them all on this database and keep it")
    parser.add_argument("-q", "--quiet", action="store_true", help="no command tags")
    options = parser.parse_args(arguments)
    worst = ExitCode.OK
    with tempfile.TemporaryDirectory(prefix="lungfish-run-") as folder:
        for number, file in enumerate(options.files, 1):
            database = options.db or str(Path(folder, f"script{number}.db"))
            quiet = ["--quiet"] if options.quiet else []
            code = run_inputs(shell_parser().parse_args([database, "--file", file, *quiet]))
            print(f"{'ok    ' if code == ExitCode.OK else 'FAILED'}  {file}", file=sys.stderr)
            worst = max(worst, ExitCode(code))
    return worst
