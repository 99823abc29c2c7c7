"""The variables that steer the shell, by psql's names: setting one has its effect at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lungfish
from lungfish import errors
from lungfish.repl.input.variables import boolean_of

if TYPE_CHECKING:
    from lungfish.repl.interpreter import Interpreter


def steer_shell(interpreter: Interpreter) -> None:
    """Set the variables that there are from the start, and tie those that steer to the interpreter."""
    variables = interpreter.variables
    variables.set("VERSION", f"lungfish {lungfish.__version__}")
    variables.set("DBNAME", interpreter.target.name)
    variables.set("ON_ERROR_ROLLBACK", "interactive")
    variables.set("WARN_ALL_ROWS", "on")
    variables.steer("ON_ERROR_STOP", lambda value: _stop_at_errors(interpreter, value))
    variables.steer("ON_ERROR_ROLLBACK", _check_rollback)
    variables.steer("QUIET", lambda value: _be_quiet(interpreter, value))
    variables.steer("ECHO", lambda value: _echo(interpreter, value))
    variables.steer("VERBOSITY", lambda value: _be_verbose(interpreter, value))
    variables.steer("WARN_ALL_ROWS", _check_warning)


def _stop_at_errors(interpreter: Interpreter, value: str) -> None:
    interpreter.stops_at_error = boolean_of(value, "ON_ERROR_STOP")


def _check_rollback(value: str) -> None:
    if value not in ("on", "off", "interactive"):
        raise errors.SyntaxError(
            f'unrecognized value "{value}" for "ON_ERROR_ROLLBACK"',
            hint="Available values are: on, off, interactive.",
        )


def _check_warning(value: str) -> None:
    boolean_of(value, "WARN_ALL_ROWS")


def _be_quiet(interpreter: Interpreter, value: str) -> None:
    interpreter.display.is_quiet = boolean_of(value, "QUIET")


def _echo(interpreter: Interpreter, value: str) -> None:
    if value not in ("all", "queries", "errors", "none", "off"):
        raise errors.SyntaxError(
            f'unrecognized value "{value}" for "ECHO"',
            hint="Available values are: none, errors, queries, all.",
        )
    interpreter.display.is_echoing = value in ("all", "queries")


def _be_verbose(interpreter: Interpreter, value: str) -> None:
    if value not in ("default", "verbose", "terse", "sqlstate", "off"):
        raise errors.SyntaxError(
            f'unrecognized value "{value}" for "VERBOSITY"',
            hint="Available values are: default, verbose, terse, sqlstate.",
        )
    interpreter.display.is_verbose = value == "verbose"
