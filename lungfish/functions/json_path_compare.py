"""Comparisons of two items in a jsonpath."""

from __future__ import annotations

from collections.abc import Callable

from lungfish.functions.json_path_datetime import JsonDatetime, compare_datetimes
from lungfish.types.json_text import JsonTree
from lungfish.types.settings import TextSettings


def _order(left: JsonTree, right: JsonTree, settings: TextSettings | None) -> int | None:
    """-1, 0 or 1; None for what cannot be compared."""
    if isinstance(left, bool) != isinstance(right, bool) or isinstance(left, (list, dict)):
        return None
    if type(left) is not type(right):
        return None
    if left is None:
        return 0
    if isinstance(left, JsonDatetime):
        return compare_datetimes(left, right, settings)
    return int(left > right) - int(left < right)


def _compare(accepts: Callable[[int], bool], *, is_unequal: bool) -> Callable[..., bool | None]:
    def compare(left: JsonTree, right: JsonTree, settings: TextSettings | None) -> bool | None:
        if (left is None) is not (right is None):
            # Null is unequal to everything else, and neither above nor below.
            return is_unequal
        order = _order(left, right, settings)
        return None if order is None else accepts(order)

    return compare


COMPARE: dict[str, Callable[..., bool | None]] = {
    "==": _compare(lambda order: order == 0, is_unequal=False),
    "!=": _compare(lambda order: order != 0, is_unequal=True),
    "<": _compare(lambda order: order < 0, is_unequal=False),
    "<=": _compare(lambda order: order <= 0, is_unequal=False),
    ">": _compare(lambda order: order > 0, is_unequal=False),
    ">=": _compare(lambda order: order >= 0, is_unequal=False),
}


def starts_with(whole: JsonTree, beginning: JsonTree) -> bool | None:
    """Whether a string starts with another; None for what is no string."""
    if not isinstance(whole, str) or not isinstance(beginning, str):
        return None
    return whole.startswith(beginning)
