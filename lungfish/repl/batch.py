"""The shell without a prompt: -c and -f in their order, or standard input; and `lungfish run`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from lungfish import errors
from lungfish.repl.arguments import Parser, shell_parser
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening
from lungfish.repl.interpreter import Interpreter, QuitShell
from lungfish.repl.wiring import build_interpreter, display_of, open_target


def run_inputs(options: argparse.Namespace) -> int:
    """Run the inputs of the command line; the exit code."""
    with ExitStack() as stack:
        try:
            display_of(options)
            out = _open_output(options.output, stack)
        except (errors.InvalidParameterValue, OSError) as error:
            print(f"lungfish: {error}", file=sys.stderr)
            return ExitCode.USAGE
        try:
            target = open_target(options)
        except errors.Error as error:
            print(format_error(error, is_verbose=options.verbose), file=sys.stderr)
            return exit_code_of_opening(error)
        stack.callback(target.close)
        interpreter = build_interpreter(options, target, out)
        try:
            _run_all(interpreter, options)
        except QuitShell:
            pass
        except BrokenPipeError:
            # The reader has seen enough, as `| head` has.
            return _leave_quietly(interpreter.exit_code)
        out.flush()
        return interpreter.exit_code


def _open_output(path: str | None, stack: ExitStack) -> TextIO:
    if path is None:
        return sys.stdout
    return stack.enter_context(Path(path).open("w", encoding="utf-8"))


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
