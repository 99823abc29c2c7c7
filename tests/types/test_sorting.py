"""`in_order` sorts as Python does, in pieces."""

from __future__ import annotations

import random

import pytest

from lungfish.types import sorting


@pytest.mark.parametrize("count", [0, 1, 4, 5, 8, 9, 37, 64])
def test_items_come_in_order_and_equal_ones_stay(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "RUN_COUNT", 4)
    numbers = random.Random(count)

    class Card:
        """Compared by its rank alone."""

        def __init__(self, place: int) -> None:
            self.rank, self.place = numbers.randrange(5), place

        def __lt__(self, other: Card) -> bool:
            return self.rank < other.rank

    cards = [Card(place) for place in range(count)]
    found = sorting.in_order(cards, lambda: None)
    assert [(card.rank, card.place) for card in found] == sorted(
        (card.rank, card.place) for card in cards
    )


def test_it_can_be_given_up_at_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "RUN_COUNT", 4)
    looks = []
    sorting.in_order(range(20, 0, -1), lambda: looks.append(1))
    # Five runs, then three, two and one.
    assert len(looks) == 5 + 3 + 2 + 1

    def look() -> None:
        looks.pop()

    with pytest.raises(IndexError):
        sorting.in_order(range(50), look)
