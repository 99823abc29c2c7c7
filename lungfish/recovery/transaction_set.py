"""A set of transaction ids that takes a bit for each: a log of a hundred million commits must not need a gigabyte to be analysed.

Ids are handed out one after the other, so those of a log lie side by side, but for a long transaction's now and then. They are kept in
pages of 2^16 ids, each a bit map, made when its first id comes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lungfish.storage.row_states import distinct

_PAGE_BITS = 16
_PAGE_SIZE = 1 << _PAGE_BITS

Ids = npt.NDArray[np.int64]


class TransactionSet:
    """Ids, to be added and asked about many at once."""

    def __init__(self) -> None:
        self._pages: dict[int, npt.NDArray[np.uint8]] = {}
        # The highest one; 0 while there is none.
        self.highest = 0

    def add(self, ids: Ids) -> None:
        """Add ids; some may be there already."""
        if not len(ids):
            return
        self.highest = max(self.highest, int(ids.max()))
        for number, chosen in _by_page(ids):
            members = self._unpacked(number)
            members[chosen & (_PAGE_SIZE - 1)] = 1
            self._pages[number] = np.packbits(members)

    def discard(self, ids: Ids) -> None:
        """Take ids out; some may not be there."""
        for number, chosen in _by_page(ids):
            members = self._unpacked(number)
            members[chosen & (_PAGE_SIZE - 1)] = 0
            self._pages[number] = np.packbits(members)

    def has(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Which of the ids are members."""
        found = np.zeros(len(ids), np.bool_)
        pages = ids >> _PAGE_BITS
        for number in distinct(pages):
            if number in self._pages:
                chosen = np.flatnonzero(pages == number)
                found[chosen] = self._unpacked(number)[ids[chosen] & (_PAGE_SIZE - 1)] > 0
        return found

    def __contains__(self, transaction_id: object) -> bool:
        if not isinstance(transaction_id, int):
            return False
        return bool(self.has(np.array([transaction_id], np.int64))[0])

    def __len__(self) -> int:
        return sum(int(self._unpacked(number).sum()) for number in self._pages)

    def _unpacked(self, number: int) -> npt.NDArray[np.uint8]:
        page = self._pages.get(number)
        return np.zeros(_PAGE_SIZE, np.uint8) if page is None else np.unpackbits(page)


def _by_page(ids: Ids) -> list[tuple[int, Ids]]:
    pages = ids >> _PAGE_BITS
    return [(number, ids[pages == number]) for number in distinct(pages)]
