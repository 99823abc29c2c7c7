"""PostgreSQL's advanced regular expressions as a tree: the parser.

The language is that of the manual's chapter "POSIX Regular Expressions": Henry Spencer's AREs. What a tree means, and how it is
matched, is in `regex_match.py`; `regex_translate.py` writes it as a pattern of Python's `re`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from lungfish.errors import InvalidParameterValue, InvalidRegularExpression
from lungfish.functions.regex_basic import basic_to_advanced, extended_to_advanced
from lungfish.functions.regex_classes import (
    CLASSES,
    CharacterSet,
    negate,
    shorthand,
    with_both_cases,
)

REPEAT_MAX = 255


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of a set."""

    set: CharacterSet


@dataclass(frozen=True, slots=True)
class Concatenation:
    """One after the other; none is the empty text."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternation:
    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`maximum` None is without end. `prefers_long` is None for x{m}, which has no preference of its own."""

    item: Node
    minimum: int
    maximum: int | None
    prefers_long: bool | None


@dataclass(frozen=True, slots=True)
class Capture:
    """A group in parentheses; groups count from 1."""

    number: int
    item: Node


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place: "^", "$", "A" (start), "Z" (end), "m", "M", "y", "Y"."""

    kind: str


@dataclass(frozen=True, slots=True)
class Look:
    """(?=...), (?!...), (?<=...), (?<!...)."""

    item: Node
    is_behind: bool
    is_negated: bool


@dataclass(frozen=True, slots=True)
class BackReference:
    number: int


Node = (
    Characters | Concatenation | Alternation | Repeat | Capture | Assertion | Look | BackReference
)


@dataclass(frozen=True, slots=True)
class RegexOptions:
    """What the letters of the flags argument and of (?...) say."""

    ignores_case: bool = False
    # The dot and bracket expressions do not match a newline.
    newline_ends_dot: bool = False
    # ^ and $ match at every line.
    newline_is_anchor: bool = False
    is_expanded: bool = False
    is_literal: bool = False
    is_basic: bool = False
    # POSIX's extended expressions, which know a few of the advanced ones' marks only.
    is_extended: bool = False
    is_global: bool = False


def parse_options(
    flags: str, start: RegexOptions = RegexOptions(), *, is_embedded: bool = False
) -> RegexOptions:
    """The options that a string of letters names. Raises 22023.

    As an argument e means basic expressions, as b does (PostgreSQL takes the mark of extended ones off again); within a pattern it
    means extended ones.
    """
    options = start
    for letter in flags:
        match letter:
            case "g":
                options = replace(options, is_global=True)
            case "i":
                options = replace(options, ignores_case=True)
            case "c":
                options = replace(options, ignores_case=False)
            case "n" | "m":
                options = replace(options, newline_ends_dot=True, newline_is_anchor=True)
            case "p":
                options = replace(options, newline_ends_dot=True, newline_is_anchor=False)
            case "w":
                options = replace(options, newline_ends_dot=False, newline_is_anchor=True)
            case "s":
                options = replace(options, newline_ends_dot=False, newline_is_anchor=False)
            case "x":
                options = replace(options, is_expanded=True)
            case "t":
                options = replace(options, is_expanded=False)
            case "q":
                options = replace(options, is_literal=True, is_basic=True, is_extended=False)
            case "e" if is_embedded:
                options = replace(options, is_literal=False, is_basic=False, is_extended=True)
            case "e" | "b":
                options = replace(options, is_literal=False, is_basic=True, is_extended=False)
            case _:
                raise InvalidParameterValue(f'invalid regular expression option: "{letter}"')
    return options


def parse_regex(pattern: str, options: RegexOptions) -> tuple[Node, RegexOptions, int]:
    """The tree of a pattern, the options with those that the pattern itself sets, and the number of groups.

    Raises 2201B.
    """
    if not options.is_literal:
        pattern, options = _without_prefixes(pattern, options)
    if options.is_literal:
        parser = _Parser("", options)
        items = tuple(Characters(parser.set_of(character)) for character in pattern)
        return Concatenation(items), options, 0
    if options.is_basic:
        pattern = basic_to_advanced(pattern)
    elif options.is_extended:
        pattern = extended_to_advanced(pattern)
    parser = _Parser(pattern, options)
    return parser.parse(), options, parser.group_count


def _without_prefixes(pattern: str, options: RegexOptions) -> tuple[str, RegexOptions]:
    """The pattern without ***=, ***: and (?letters), and the options with what these say. Raises 2201B."""
    if pattern.startswith("***="):
        return pattern[4:], replace(options, is_literal=True)
    if pattern.startswith("***:"):
        pattern, options = pattern[4:], replace(options, is_basic=False)
    elif pattern.startswith("***?"):
        raise regex_error("invalid regexp (reg version 0.8)")
    elif pattern.startswith("***") and len(pattern) > 3:
        raise regex_error("quantifier operand invalid")
    match = None if options.is_basic else re.match(r"\(\?([A-Za-z]+)\)", pattern)
    if match is None:
        return pattern, options
    try:
        options = parse_options(match[1].replace("g", "?"), options, is_embedded=True)
    except InvalidParameterValue as error:
        raise regex_error("invalid embedded option") from error
    return pattern[match.end() :], options


def regex_error(problem: str) -> InvalidRegularExpression:
    """The error of a pattern that is none."""
    return InvalidRegularExpression(f"invalid regular expression: {problem}")


_BOUNDS = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_SIMPLE_ESCAPES = {
    "a": "\a", "b": "\b", "B": "\\", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip


class _Parser:
    def __init__(self, pattern: str, options: RegexOptions) -> None:
        self.pattern = pattern
        self.options = options
        self.place = 0
        self.group_count = 0
        # Groups that are closed: back references may be to them.
        self.closed: set[int] = set()
        # Inside of how many look-arounds: there nothing is captured.
        self.look_depth = 0

    def parse(self) -> Node:
        node = self._alternation()
        if self.place < len(self.pattern):
            raise regex_error("parentheses () not balanced")
        return node

    def set_of(self, characters: str) -> CharacterSet:
        """The set of these characters, in both cases where case does not matter."""
        return self._folded(CharacterSet.of(characters))

    def _folded(self, characters: CharacterSet) -> CharacterSet:
        return with_both_cases(characters) if self.options.ignores_case else characters

    def _peek(self, length: int = 1) -> str:
        return self.pattern[self.place : self.place + length]

    def _skip_blanks(self) -> None:
        """In the expanded syntax, white space and comments; in any, (?#...)."""
        while True:
            if self._peek(3) == "(?#":
                end = self.pattern.find(")", self.place)
                if end < 0:
                    raise regex_error("parentheses () not balanced")
                self.place = end + 1
            elif self.options.is_expanded and self._peek() and self._peek() in " \t\n\r\f\v":
                self.place += 1
            elif self.options.is_expanded and self._peek() == "#":
                end = self.pattern.find("\n", self.place)
                self.place = len(self.pattern) if end < 0 else end + 1
            else:
                return

    def _alternation(self) -> Node:
        branches = [self._branch()]
        while self._peek() == "|":
            self.place += 1
            branches.append(self._branch())
        return branches[0] if len(branches) == 1 else Alternation(tuple(branches))

    def _branch(self) -> Node:
        items: list[Node] = []
        while True:
            self._skip_blanks()
            mark = self._peek()
            if mark in ("", "|", ")"):
                return items[0] if len(items) == 1 else Concatenation(tuple(items))
            items.append(self._quantified())

    def _quantified(self) -> Node:
        mark = self._peek()
        if mark in "*+?" or (mark == "{" and self._is_bound()):
            raise regex_error("quantifier operand invalid")
        item = self._atom()
        self._skip_blanks()
        bounds = self._quantifier()
        if bounds is None:
            return item
        if isinstance(item, (Assertion, Look)):
            raise regex_error("quantifier operand invalid")
        self._skip_blanks()
        if self._peek() and (self._peek() in "*+?" or (self._peek() == "{" and self._is_bound())):
            raise regex_error("quantifier operand invalid")
        minimum, maximum, prefers_long = bounds
        return Repeat(item, minimum, maximum, prefers_long)

    def _is_bound(self) -> bool:
        following = self.pattern[self.place + 1 : self.place + 2]
        return following.isascii() and following.isdigit()

    def _quantifier(self) -> tuple[int, int | None, bool | None] | None:
        """The least and the greatest number of rounds, and the preference, which x{m} leaves to x but x{m,m} has."""
        mark = self._peek()
        if mark and mark in "*+?":
            self.place += 1
            minimum, maximum = {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]
        elif mark == "{" and self._is_bound():
            match = _BOUNDS.match(self.pattern, self.place)
            if match is None:
                if "}" not in self.pattern[self.place :]:
                    raise regex_error("braces {} not balanced")
                raise regex_error("invalid repetition count(s)")
            self.place = match.end()
            minimum = int(match[1])
            maximum = minimum if not match[2] else (int(match[3]) if match[3] else None)
            if minimum > REPEAT_MAX or (maximum or 0) > REPEAT_MAX:
                raise regex_error("invalid repetition count(s)")
            if maximum is not None and maximum < minimum:
                raise regex_error("invalid repetition count(s)")
        else:
            return None
        prefers_long: bool | None = True
        if mark == "{" and match is not None and not match[2]:
            prefers_long = None
        if self._peek() == "?":
            self.place += 1
            prefers_long = None if prefers_long is None else False
        return minimum, maximum, prefers_long

    def _atom(self) -> Node:
        mark = self._peek()
        self.place += 1
        match mark:
            case "(":
                return self._group()
            case "[":
                return self._bracket_atom()
            case ".":
                return Characters(
                    negate(CharacterSet.of("\n" if self.options.newline_ends_dot else ""))
                )
            case "^" | "$":
                return Assertion(mark)
            case "\\":
                return self._escape()
        return Characters(self.set_of(mark))

    def _group(self) -> Node:
        for prefix, is_behind, is_negated in (
            ("?=", False, False), ("?!", False, True), ("?<=", True, False), ("?<!", True, True),
        ):  # fmt: skip
            if self._peek(len(prefix)) == prefix:
                self.place += len(prefix)
                self.look_depth += 1
                inner = self._closed()
                self.look_depth -= 1
                return Look(inner, is_behind, is_negated)
        if self._peek(2) == "?:":
            self.place += 2
            # Never the bare node: an assertion in parentheses may be repeated.
            return Concatenation((self._closed(),))
        if self._peek() == "?":
            raise regex_error("quantifier operand invalid")
        if self.look_depth:
            return Concatenation((self._closed(),))
        self.group_count += 1
        number = self.group_count
        inner = self._closed()
        self.closed.add(number)
        return Capture(number, inner)

    def _closed(self) -> Node:
        node = self._alternation()
        if self._peek() != ")":
            raise regex_error("parentheses () not balanced")
        self.place += 1
        return node

    def _escape(self) -> Node:
        letter = self._peek()
        if not letter:
            raise regex_error("invalid escape \\ sequence")
        if letter in "AZmMyY":
            self.place += 1
            return Assertion(letter)
        found = shorthand(letter)
        if found is not None:
            self.place += 1
            return Characters(found)
        if letter in "123456789":
            reference = self._back_reference()
            if reference is not None:
                return reference
        return Characters(self.set_of(self._character_escape()))

    def _back_reference(self) -> BackReference | None:
        match = re.compile(r"\d+", re.ASCII).match(self.pattern, self.place)
        assert match is not None
        number = int(match[0])
        if len(match[0]) > 1 and number > self.group_count:
            # Too large for a reference: then it is an octal code.
            return None
        self.place = match.end()
        if number not in self.closed or self.look_depth:
            raise regex_error("invalid backreference number")
        return BackReference(number)

    def _character_escape(self) -> str:
        """The character that stands after a backslash, in or out of brackets."""
        letter = self._peek()
        self.place += 1
        if letter in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[letter]
        if letter == "c" and self._peek():
            self.place += 1
            return chr(ord(self.pattern[self.place - 1]) & 0x1F)
        for mark, digits in (
            ("u", r"[0-9a-fA-F]{4}"),
            ("U", r"[0-9a-fA-F]{8}"),
            ("x", r"[0-9a-fA-F]+"),
        ):
            if letter == mark:
                return self._code(digits, 16)
        if letter.isascii() and letter.isdigit():
            self.place -= 1
            return self._code(r"[0-7]{1,3}", 8)
        if letter.isascii() and letter.isalnum():
            raise regex_error("invalid escape \\ sequence")
        return letter

    def _code(self, digits: str, base: int) -> str:
        match = re.compile(digits).match(self.pattern, self.place)
        if match is None:
            raise regex_error("invalid escape \\ sequence")
        self.place = match.end()
        code = int(match[0], base)
        if code > 0x10FFFF:
            raise regex_error("invalid escape \\ sequence")
        return chr(code)

    # Bracket expressions

    def _bracket_atom(self) -> Node:
        for text, kind in (("[:<:]]", "m"), ("[:>:]]", "M")):
            if self._peek(len(text)) == text:
                self.place += len(text)
                return Assertion(kind)
        is_negated = self._peek() == "^"
        if is_negated:
            self.place += 1
        found = CharacterSet.of("")
        is_first = True
        while True:
            mark = self._peek()
            if not mark:
                raise regex_error("brackets [] not balanced")
            if mark == "]" and not is_first:
                self.place += 1
                break
            found = found.union(self._folded(self._bracket_item()))
            is_first = False
        if is_negated:
            if self.options.newline_ends_dot:
                found = found.union(CharacterSet.of("\n"))
            return Characters(negate(found))
        return Characters(found)

    def _bracket_item(self) -> CharacterSet:
        if self._peek(2) == "[:":
            return self._named_class()
        if self._peek() == "\\":
            found = shorthand(self.pattern[self.place + 1 : self.place + 2])
            if found is not None:
                self.place += 2
                return found
        low = self._bracket_character()
        if self._peek() == "-" and self.pattern[self.place + 1 : self.place + 2] not in ("]", ""):
            self.place += 1
            if self._peek(2) == "[:":
                raise regex_error("invalid character range")
            high = self._bracket_character()
            if high < low:
                raise regex_error("invalid character range")
            return CharacterSet(((ord(low), ord(high)),))
        return CharacterSet.of(low)

    def _bracket_character(self) -> str:
        mark = self._peek()
        if not mark:
            raise regex_error("brackets [] not balanced")
        for opening in ("[.", "[="):
            if self._peek(2) == opening:
                end = self.pattern.find(opening[1] + "]", self.place + 2)
                if end < 0:
                    raise regex_error("brackets [] not balanced")
                name = self.pattern[self.place + 2 : end]
                self.place = end + 2
                if len(name) != 1:
                    raise regex_error("invalid collating element")
                return name
        self.place += 1
        if mark == "\\":
            if not self._peek():
                raise regex_error("invalid escape \\ sequence")
            return self._character_escape()
        return mark

    def _named_class(self) -> CharacterSet:
        end = self.pattern.find(":]", self.place)
        name = self.pattern[self.place + 2 : end] if end >= 0 else ""
        found = CLASSES.get(name)
        if found is None:
            raise regex_error("invalid character class" if end >= 0 else "brackets [] not balanced")
        self.place = end + 2
        return found
