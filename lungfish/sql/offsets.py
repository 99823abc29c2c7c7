"""The way back from an offset in a rewritten text to the offset in the text that was given."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


class OffsetMap:
    """Built while a text is rewritten by replacing spans from left to right."""

    def __init__(self, spans: Sequence[tuple[int, int, int]] = ()) -> None:
        """`spans`: of each replaced span its start and end in the given text, and the new length."""
        # From each new offset on the two texts run in step with the old one beside it.
        self._new_offsets = [0]
        self._old_offsets = [0]
        shift = 0
        for start, end, length in spans:
            self._new_offsets += (start + shift, start + shift + length)
            self._old_offsets += (start, end)
            shift += length - (end - start)

    def __call__(self, offset: int) -> int:
        """The offset in the given text."""
        step = bisect_right(self._new_offsets, offset) - 1
        return self._old_offsets[step] + offset - self._new_offsets[step]
