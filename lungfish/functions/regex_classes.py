"""Sets of characters for regular expressions: ranges of code points, and the named classes."""

from __future__ import annotations

import functools
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from unicodedata import category

from lungfish.functions.alphabetic import is_alphabetic, other_alphabetic
from lungfish.functions.strings import lower

_LAST = 0x10FFFF
Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """Ranges of code points, both ends included, in order and apart from each other."""

    ranges: Ranges

    @staticmethod
    def of(characters: str) -> CharacterSet:
        """The set of these characters."""
        return CharacterSet(_merged([(ord(one), ord(one)) for one in characters]))

    def union(self, other: CharacterSet) -> CharacterSet:
        """Characters of either set."""
        return CharacterSet(_merged([*self.ranges, *other.ranges]))

    def intersects(self, other: CharacterSet) -> bool:
        """Whether any character is in both."""
        mine, theirs = iter(self.ranges), iter(other.ranges)
        one, two = next(mine, None), next(theirs, None)
        while one is not None and two is not None:
            if one[1] < two[0]:
                one = next(mine, None)
            elif two[1] < one[0]:
                two = next(theirs, None)
            else:
                return True
        return False

    def contains(self, character: str) -> bool:
        """Whether the character is in the set."""
        return self.has_code(ord(character))

    def has_code(self, code: int) -> bool:
        """Whether the character of that code point is in the set."""
        # The last range that begins at the character or before it.
        place = bisect_right(self.ranges, (code, _LAST)) - 1
        return place >= 0 and code <= self.ranges[place][1]

    def source(self) -> str:
        """The set in the syntax of Python's `re`."""
        if not self.ranges:
            # Nothing at all.
            return r"(?!)"
        if self.ranges == ((0, _LAST),):
            return r"(?s:.)"
        if len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]:
            return re.escape(chr(self.ranges[0][0]))
        return "[" + "".join(_range_source(low, high) for low, high in self.ranges) + "]"


def _range_source(low: int, high: int) -> str:
    return _escaped(low) if low == high else f"{_escaped(low)}-{_escaped(high)}"


def _escaped(code: int) -> str:
    return f"\\U{code:08x}"


def _merged(ranges: list[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def negate(characters: CharacterSet) -> CharacterSet:
    """All other characters."""
    found: list[tuple[int, int]] = []
    following = 0
    for low, high in characters.ranges:
        if low > following:
            found.append((following, low - 1))
        following = high + 1
    if following <= _LAST:
        found.append((following, _LAST))
    return CharacterSet(tuple(found))


# No letter beyond has cases.
_CASED_END = 0x20000
# Sets of so many characters are folded one by one, without the table of all that have cases.
_FEW = 512


def _other_cases(code: int) -> Iterator[int]:
    letter = chr(code)
    for other in (lower(letter), letter.upper()):
        if len(other) == 1 and other != letter:
            yield ord(other)


@functools.cache
def _cased_codes() -> list[int]:
    """The code points of all characters that have another case, in order."""
    return [code for code in range(_CASED_END) if any(_other_cases(code))]


@functools.lru_cache(maxsize=256)
def with_both_cases(characters: CharacterSet) -> CharacterSet:
    """The set with the other case of each of its letters."""
    ranges = characters.ranges
    codes: Iterable[int]
    if sum(high - low + 1 for low, high in ranges) <= _FEW:
        codes = (code for low, high in ranges for code in range(low, high + 1))
    else:
        codes = filter(characters.has_code, _cased_codes())
    found = [(other, other) for code in codes for other in _other_cases(code)]
    return CharacterSet(_merged([*ranges, *found]))


def _codes_that(is_wanted: Callable[[str], bool]) -> CharacterSet:
    found: list[tuple[int, int]] = []
    start: int | None = None
    for code in range(sys.maxunicode + 2):
        is_in = code <= sys.maxunicode and is_wanted(chr(code))
        if is_in and start is None:
            start = code
        elif not is_in and start is not None:
            found.append((start, code - 1))
            start = None
    return CharacterSet(tuple(found))


@functools.cache
def _alphabetic() -> CharacterSet:
    return _codes_that(str.isalpha).union(CharacterSet(other_alphabetic()))


@functools.cache
def _punctuation() -> CharacterSet:
    """Punctuation and symbols, circled letters not among them."""
    return _codes_that(lambda one: category(one)[0] in "PS" and not is_alphabetic(one))


@functools.cache
def _visible() -> CharacterSet:
    """What leaves a mark: no spaces, no controls, nothing that is not assigned."""
    return _codes_that(lambda one: category(one)[0] != "Z" and category(one) not in _WITHOUT_MARK)


_WITHOUT_MARK = ("Cc", "Cs", "Cn")
_BLANKS = (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)


@functools.cache
def _cased(is_upper: bool) -> CharacterSet:
    letters = _alphabetic().ranges
    return CharacterSet(
        _merged(
            [
                (code, code)
                for low, high in letters
                for code in range(low, high + 1)
                if (chr(code).isupper() if is_upper else chr(code).islower())
            ]
        )
    )


_DIGIT = CharacterSet(((0x30, 0x39),))
_SPACE = CharacterSet.of(
    " \t\n\r\f\v\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
)


class _Classes:
    """The named classes; those of letters are computed when first asked for."""

    def get(self, name: str) -> CharacterSet | None:
        match name:
            case "digit":
                return _DIGIT
            case "space":
                return _SPACE
            case "alpha":
                return _alphabetic()
            case "alnum":
                return _alphabetic().union(_DIGIT)
            case "word":
                return _alphabetic().union(_DIGIT).union(CharacterSet.of("_"))
            case "upper":
                return _cased(True)
            case "lower":
                return _cased(False)
            case "punct":
                return _punctuation()
            case "xdigit":
                return CharacterSet.of("0123456789abcdefABCDEF")
            case "blank":
                return CharacterSet.of(" \t")
            case "cntrl":
                return CharacterSet(((0, 31), (127, 159)))
            case "ascii":
                return CharacterSet(((0, 127),))
            case "print":
                return _visible().union(CharacterSet.of("".join(map(chr, _BLANKS))))
            case "graph":
                return _visible()
        return None


CLASSES = _Classes()
_SHORTHANDS = {"d": "digit", "s": "space", "w": "word"}


def shorthand(letter: str) -> CharacterSet | None:
    r"""The set of \d, \s, \w or, in upper case, its complement; None for any other letter."""
    name = _SHORTHANDS.get(letter.lower())
    if name is None:
        return None
    found = CLASSES.get(name)
    assert found is not None
    return found if letter.islower() else negate(found)
