"""What the command line's exit codes mean; scripts may rely on them."""

from __future__ import annotations

import enum

from lungfish import errors


class ExitCode(enum.IntEnum):
    """The exit code of `lungfish`."""

    OK = 0
    SQL_ERROR = 1
    # The database cannot be opened: missing, locked by another process, no permission.
    CANNOT_OPEN = 2
    # Reserved for assertions of the script language.
    ASSERTION_FAILED = 3
    CANCELLED = 4
    USAGE = 5
    CORRUPTION = 6


def exit_code_of(error: errors.Error) -> ExitCode:
    """The exit code for an error that ended the run."""
    if isinstance(error, errors.CorruptDatabase):
        return ExitCode.CORRUPTION
    if isinstance(error, errors.QueryCanceled):
        return ExitCode.CANCELLED
    return ExitCode.SQL_ERROR


def exit_code_of_opening(error: errors.Error) -> ExitCode:
    """The exit code for an error that kept the database from opening."""
    code = exit_code_of(error)
    return ExitCode.CANNOT_OPEN if code is ExitCode.SQL_ERROR else code
