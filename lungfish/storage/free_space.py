"""Which pages of a relation have room: a level from 0 to 15 for each page, in memory, one byte a page in the manifest.

A hint, never a truth: whoever is sent to a page looks at the page itself. Level 0 has no room for the smallest item; levels
1 to 15 divide the page evenly. The idea is that of PostgreSQL's free space map, but with sets of pages for each level instead of
a tree, because the whole map is small: 16,384 entries for a gigabyte of 64 KiB pages.
"""

from __future__ import annotations

from collections.abc import Iterator

from lungfish.storage.ids import PageId

LEVEL_COUNT = 16


class FreeSpace:
    """The levels of one relation's pages. Guarded by the relation's latch."""

    def __init__(self, page_size: int, smallest: int) -> None:
        self._page_size = page_size
        # The size of the smallest item that is ever placed.
        self._smallest = smallest
        self._levels = bytearray()
        # For each level its pages; a dict keeps the order in which they came, so runs are reproducible.
        self._pages: list[dict[PageId, None]] = [{} for _ in range(LEVEL_COUNT)]

    def _level_of(self, room: int) -> int:
        if room < self._smallest:
            return 0
        return min(1 + room * (LEVEL_COUNT - 1) // self._page_size, LEVEL_COUNT - 1)

    def note(self, page_id: PageId, room: int) -> None:
        """Remember a page's room, in bytes."""
        levels = self._levels
        if page_id >= len(levels):
            levels.extend(bytes(page_id + 1 - len(levels)))
        level = self._level_of(room)
        old = levels[page_id]
        if level != old:
            if old:
                self._pages[old].pop(page_id, None)
            if level:
                self._pages[level][page_id] = None
            levels[page_id] = level

    def candidates(self, size: int) -> Iterator[PageId]:
        """Pages that may have room for `size` bytes, the fullest level first.

        Those of the first level may turn out too full; those above are not. Do not call `note` while iterating.
        """
        for level in range(max(self._level_of(size), 1), LEVEL_COUNT):
            yield from self._pages[level]

    def encode(self) -> bytes:
        """The map as bytes, for the relation's payload in the manifest."""
        return bytes(self._levels)

    def decode(self, levels: bytes) -> None:
        """Take over an encoded map. Levels beyond the known ones count as none."""
        self._levels = bytearray(level if level < LEVEL_COUNT else 0 for level in levels)
        self._pages = [{} for _ in range(LEVEL_COUNT)]
        for page_id, level in enumerate(self._levels):
            if level:
                self._pages[level][PageId(page_id)] = None
