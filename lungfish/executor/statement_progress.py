"""How far a statement has got, for whoever waits for it: `Connection.progress()` and the shell's progress bar.

The statement counts as it goes; others only look, without a lock, so a look may be a batch behind. The total is what the statement
expects from the sizes of the tables that it has begun to read, and grows as it begins to read more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class StatementProgress:
    """What is done of a statement, of what is expected; a total of 0 is unknown."""

    # "scanning album", "copying", "reading rows for album_title_idx": what goes on now.
    phase: str
    units: str = "rows"
    done: int = 0
    total: int = 0
    # Another number from where the count begins anew.
    part: int = 0
    # What is left in seconds, if whoever counts knows it; None: to be judged by what is done.
    left_s: float | None = None
