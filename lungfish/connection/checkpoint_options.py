"""The options of CHECKPOINT as Python's keyword arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from lungfish.errors import InvalidParameterValue
from lungfish.session.checkpoint import take_checkpoint
from lungfish.sql.admin import CHECKPOINT_OPTIONS

if TYPE_CHECKING:
    from lungfish.recovery.checkpoint_request import CheckpointResult
    from lungfish.session import Session


class CheckpointOptions(TypedDict, total=False):
    """As in SQL. Times in milliseconds, `io_rate` in bytes a second, `keep` an interval's text."""

    type: str
    dry_run: bool
    wait: bool
    fence_timeout: float
    timeout: float
    name: str
    keep: str
    io_rate: float
    retain_wal: bool
    archive: bool
    verify: bool
    reason: str
    flush_unlogged: bool


def checkpoint(session: Session, mode: str, options: CheckpointOptions) -> CheckpointResult:
    """Take a checkpoint in a session. Raises as the statement does."""
    given: list[tuple[str, object]] = []
    for name, value in (("mode", mode), *options.items()):
        takes = CHECKPOINT_OPTIONS.get(name)
        if takes is None:
            raise InvalidParameterValue(
                f'unrecognized CHECKPOINT option "{name}"',
                hint=f"The options are {', '.join(sorted(CHECKPOINT_OPTIONS))}.",
            )
        if takes not in ("switch", "number", "string"):
            value = str(value).lower()
            if value not in takes.split():
                raise InvalidParameterValue(
                    f'unrecognized value for CHECKPOINT option "{name}": "{value}"',
                    hint=f"It is one of {', '.join(takes.split())}.",
                )
        given.append((name, value))
    return take_checkpoint(session, tuple(given))
