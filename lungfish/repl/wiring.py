"""From the command line's options to an interpreter on an open database."""

from __future__ import annotations

import argparse
import sys
from typing import TextIO

from lungfish import errors
from lungfish.repl.commands import COMMANDS
from lungfish.repl.formats import FORMAT_ALIASES, FORMATS, DisplaySettings, Expanded
from lungfish.repl.interpreter import Interpreter
from lungfish.repl.progress import Opening
from lungfish.repl.target import Target


def display_of(options: argparse.Namespace) -> DisplaySettings:
    """How results are shown. Raises InvalidParameterValue for a format that there is not."""
    name = options.format or "table"
    name = FORMAT_ALIASES.get(name, name)
    if name not in FORMATS:
        raise errors.InvalidParameterValue(
            f'there is no format "{name}"', hint=f"The formats are {', '.join(FORMATS)}."
        )
    return DisplaySettings(
        format=name,
        expanded=Expanded.ON if options.expanded else Expanded.OFF,
        has_timing=options.timing,
        has_header=not options.no_header,
        is_tuples_only=options.tuples_only,
        is_quiet=options.quiet,
        null=options.null,
        is_verbose=options.verbose,
        is_echoing=options.echo,
        rows_max=options.max_rows or 0,
    )


def open_target(options: argparse.Namespace, opening: Opening | None = None) -> Target:
    """Open the database of the command line; notices go to standard error. Raises what opening raises.

    `opening` is told how far recovery is.
    """
    target = Target(
        options.database,
        is_read_only=options.read_only,
        wal_recovery_mode=options.wal_recovery_mode,
        on_notice=_print_notice,
        opening=opening,
    )
    if options.as_of is not None:
        try:
            target.look_at(options.as_of)
        except BaseException:
            target.close()
            raise
    return target


def wants_progress(options: argparse.Namespace) -> bool:
    """Whether what takes long is to say how far it is."""
    is_auto: bool = options.progress == "auto"
    return sys.stderr.isatty() if is_auto else bool(options.progress == "on")


def _print_notice(severity: str, message: str) -> None:
    print(f"{severity}:  {message}", file=sys.stderr)


def build_interpreter(options: argparse.Namespace, target: Target, out: TextIO) -> Interpreter:
    """The interpreter with everything that the options say. Raises SyntaxError for a variable that cannot be set so."""
    interpreter = Interpreter(
        target, display_of(options), commands=COMMANDS, out=out, err=sys.stderr
    )
    interpreter.stops_at_error = options.on_error == "stop"
    if options.on_error == "rollback":
        interpreter.variables.set("ON_ERROR_ROLLBACK", "on")
    interpreter.timeout_s = options.timeout
    interpreter.shows_progress = wants_progress(options)
    for name, value in options.variables:
        interpreter.variables.set(name, value)
    return interpreter
