"""What may be done to an entry of FROM after it is made: its columns renamed by `AS t (a, b)`."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.planner.scope import RangeEntry


def rename_columns(entry: RangeEntry, names: Sequence[str], position: int) -> None:
    """Give the first columns of the entry other names. Raises InvalidColumnReference if there are too many."""
    if not names:
        return
    if len(names) > len(entry.names):
        raise errors.InvalidColumnReference(
            f'table "{entry.alias}" has {len(entry.names)} columns available but {len(names)} columns specified'
        ).at(position)
    entry.names = [*names, *entry.names[len(names) :]]
