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
    # A script said what it expects, and it was not so.
    ASSERTION_FAILED = 3
    CANCELLED = 4
    USAGE = 5
    CORRUPTION = 6
    # Only where --strict-recovery asks for it: the end of the log was torn; nothing acknowledged is lost.
    RECOVERED_WITH_LOSS = 7

    @property
    def meaning(self) -> str:
        """The code in words."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "ok",
    ExitCode.SQL_ERROR: "SQL error",
    ExitCode.CANNOT_OPEN: "cannot open or in use",
    ExitCode.ASSERTION_FAILED: "an expectation failed",
    ExitCode.CANCELLED: "cancelled or out of time",
    ExitCode.USAGE: "usage",
    ExitCode.CORRUPTION: "corruption found",
    ExitCode.RECOVERED_WITH_LOSS: "an unacknowledged end of the log was dropped (--strict-recovery)",
}


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
