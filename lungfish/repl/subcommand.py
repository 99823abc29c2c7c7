"""What the subcommands that work on one database share: opening it, and telling an error of opening from one of the work."""

from __future__ import annotations

import sys
from collections.abc import Callable

import lungfish
from lungfish import errors
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of, exit_code_of_opening

Work = Callable[[lungfish.Connection], ExitCode]


def on_database(
    path: str,
    work: Work,
    *,
    create: bool = False,
    read_only: bool = False,
    wal_recovery_mode: str | None = None,
) -> ExitCode:
    """Open the database, let `work` have a connection to it, close it; errors are printed. Answers the exit code."""
    try:
        database = lungfish.open(
            path, create=create, read_only=read_only, wal_recovery_mode=wal_recovery_mode
        )
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return exit_code_of_opening(error)
    with database:
        try:
            with database.connect(autocommit=True, read_only=read_only) as connection:
                connection.on_notice(
                    lambda severity, text: print(f"{severity}:  {text}", file=sys.stderr)
                )
                return work(connection)
        except errors.Error as error:
            print(format_error(error), file=sys.stderr)
            return exit_code_of(error)
