"""What loading came to: what was loaded, what was left out, and what was wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# Reports are for people: values are cut to this length.
_SHOWN_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class BadValue:
    """A value, or a row, that could not be loaded."""

    table: str
    # Which row of the source: its line in a file, its rowid in SQLite.
    row: str
    # Empty where the row as a whole is wrong: a duplicate key, a failed check.
    column: str
    value: str | None
    reason: str

    def __str__(self) -> str:
        shown = "NULL" if self.value is None else repr(self.value[:_SHOWN_LENGTH_MAX])
        place = f"{self.table}, row {self.row}"
        return (
            f"{place}, {self.column} = {shown}: {self.reason}"
            if self.column
            else f"{place}: {self.reason}"
        )


@dataclass(slots=True)
class LoadReport:
    """What `load` did."""

    # Rows loaded, by table.
    rows: Counter[str] = field(default_factory=Counter)
    statement_count: int = 0
    # What has no meaning here and was passed over, with how often: ownership, privileges.
    left_out: Counter[str] = field(default_factory=Counter)
    # What could not be carried over, in words.
    notes: list[str] = field(default_factory=list)
    # Statements that failed, with their lines, where errors do not stop the load.
    failed: list[str] = field(default_factory=list)
    bad: list[BadValue] = field(default_factory=list)
    # False: something was wrong, and so nothing was kept.
    is_kept: bool = True

    @property
    def is_good(self) -> bool:
        """Whether all of the source was loaded."""
        return not self.failed and not self.bad
