"""Where an object would stand in PostgreSQL's binary jsonb: the `id` that a path's .keyvalue() gives.

A container is a header of four bytes, a word of four for each element (two for each member of an object), then the values: keys in
their order, then what they lead to. Numbers and containers begin at multiples of four. A number is a variable-length header of
four bytes, its own of two (four where its scale or weight is large), and two bytes for each digit of base 10000.
"""

from __future__ import annotations

from decimal import Decimal

from lungfish.types.json_text import JsonTree, key_order

_WORD = 4
_DIGITS = 4
_SHORT_SCALE_MAX = 63
_SHORT_WEIGHT_MIN, _SHORT_WEIGHT_MAX = -64, 63


def object_offsets(root: JsonTree) -> dict[int, int]:
    """The offset from the root container for each object in the tree, by its identity."""
    found: dict[int, int] = {}
    if isinstance(root, (dict, list)):
        _measure(root, 0, found)
    return found


def _measure(
    container: dict[str, JsonTree] | list[JsonTree], start: int, found: dict[int, int]
) -> int:
    """Note the objects below a container that begins at `start`; its size in bytes."""
    if isinstance(container, dict):
        found[id(container)] = start
        keys = sorted(container, key=key_order)
        place = _WORD + 2 * _WORD * len(keys) + sum(len(key.encode()) for key in keys)
        values = [container[key] for key in keys]
    else:
        place = _WORD + _WORD * len(container)
        values = container
    for value in values:
        if isinstance(value, str):
            place += len(value.encode())
        elif isinstance(value, Decimal):
            place = _aligned(place) + _number_size(value)
        elif isinstance(value, (dict, list)):
            place = _aligned(place)
            place += _measure(value, start + place, found)
    return place


def _aligned(place: int) -> int:
    return (place + _WORD - 1) // _WORD * _WORD


def _number_size(value: Decimal) -> int:
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "JSON has no NaN"
    text = "".join(map(str, digits)).lstrip("0")
    scale = max(-exponent, 0)
    if not text:
        return 2 * _WORD if scale > _SHORT_SCALE_MAX else _WORD + 2
    # Digits of base 10000 begin at the point.
    whole = len(text) + exponent
    weight = (whole + _DIGITS - 1) // _DIGITS - 1
    shifted = "0" * ((weight + 1) * _DIGITS - whole) + text
    count = (len(shifted.rstrip("0")) + _DIGITS - 1) // _DIGITS
    is_short = scale <= _SHORT_SCALE_MAX and _SHORT_WEIGHT_MIN <= weight <= _SHORT_WEIGHT_MAX
    return _WORD + (2 if is_short else 4) + 2 * count
