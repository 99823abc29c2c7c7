"""SQL text as a tree, so that a failing query can be made smaller without knowing SQL.

A `Fragment` is a piece of text with pieces in it and a kind. Two pieces of one kind may stand in each other's place, so shrinking
tries to put a smaller piece of the same kind (one inside it, or a plain stand-in) where a large one is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL. `kind` says what may replace it ("" nothing); `stand_ins` are texts that may, simplest first."""

    parts: tuple[str | Fragment, ...]
    kind: str = ""
    stand_ins: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "".join(map(str, self.parts))


def text(*parts: str | Fragment) -> Fragment:
    """A piece that stays as it is, with pieces inside."""
    return Fragment(parts)


def optional(*parts: str | Fragment) -> Fragment:
    """A piece that may be left out."""
    return Fragment(parts, "optional", ("",))


def listed(items: list[Fragment]) -> Fragment:
    """Items with commas between them, of which all but the first may be left out."""
    rest = [optional(", ", item) for item in items[1:]]
    return text(items[0], *rest)


def smaller(whole: Fragment) -> Iterator[Fragment]:
    """Trees with one piece replaced by something shorter, the largest savings first."""
    for path, piece in sorted(_pieces(whole, ()), key=lambda found: -len(str(found[1]))):
        for replacement in _replacements(piece):
            yield _replaced(whole, path, replacement)


def pieces(whole: Fragment) -> list[Fragment]:
    """The pieces that have a kind, the whole among them if it has one."""
    return [piece for _, piece in _pieces(whole, ())]


def _pieces(whole: Fragment, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Fragment]]:
    if whole.kind:
        yield path, whole
    for index, part in enumerate(whole.parts):
        if isinstance(part, Fragment):
            yield from _pieces(part, (*path, index))


def _replacements(piece: Fragment) -> Iterator[Fragment]:
    length = len(str(piece))
    for stand_in in piece.stand_ins:
        if len(stand_in) < length:
            yield Fragment((stand_in,), piece.kind)
    inner = [found for path, found in _pieces(piece, ()) if path and found.kind == piece.kind]
    if piece.kind != "optional":
        yield from sorted(inner, key=lambda found: len(str(found)))


def _replaced(whole: Fragment, path: tuple[int, ...], piece: Fragment) -> Fragment:
    if not path:
        return piece
    index = path[0]
    child = whole.parts[index]
    assert isinstance(child, Fragment)
    parts = list(whole.parts)
    parts[index] = _replaced(child, path[1:], piece)
    return Fragment(tuple(parts), whole.kind, whole.stand_ins)


def shrink(
    whole: Fragment, still_fails: Callable[[Fragment], bool], attempts_max: int = 400
) -> Fragment:
    """The smallest tree found for which `still_fails`, by greedy replacement."""
    attempts = 0
    found = True
    while found:
        found = False
        for candidate in smaller(whole):
            attempts += 1
            if attempts > attempts_max:
                return whole
            if still_fails(candidate):
                whole = candidate
                found = True
                break
    return whole
