"""How long a value can be: as in PostgreSQL just under a gigabyte, whatever it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lungfish.errors import ProgramLimitExceeded

VALUE_BYTES_MAX = 0x3FFFFFFF


class GroupSizes:
    """Looks after the pieces that an aggregate keeps for each group, so that none becomes longer than a value can be.

    Pieces are measured only when all groups together have got so much more that one of them could be too long.
    """

    def __init__(
        self, message: str = "string buffer exceeds maximum allowed length ({} bytes)"
    ) -> None:
        self._message = message
        self._size_bytes = 0
        self._measured_at = VALUE_BYTES_MAX

    def add(self, size_bytes: int, groups: Mapping[int, Iterable[Any]]) -> None:
        """The groups have got so many bytes more. Raises ProgramLimitExceeded (54000)."""
        self._size_bytes += size_bytes
        if self._size_bytes <= self._measured_at:
            return
        longest = max(sum(map(_length, pieces)) for pieces in groups.values())
        if longest > VALUE_BYTES_MAX:
            raise ProgramLimitExceeded(self._message.format(VALUE_BYTES_MAX))
        self._measured_at = self._size_bytes + VALUE_BYTES_MAX - longest


def _length(piece: Any) -> int:
    """About how much a piece takes, and never more than it does."""
    if isinstance(piece, (str, bytes)):
        return len(piece)
    return sum(map(_length, piece)) if isinstance(piece, tuple) else 1
