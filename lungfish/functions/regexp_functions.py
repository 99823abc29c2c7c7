"""The regular expression functions and operators: ~, substring, regexp_match, regexp_replace, regexp_split and the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa

from lungfish.errors import (
    InvalidEscapeSequence,
    InvalidParameterValue,
    InvalidUseOfEscapeCharacter,
)
from lungfish.functions.interrupts import check_interrupts
from lungfish.functions.regex_dissect import Span
from lungfish.functions.regex_match import Groups, Regex, compile_regex
from lungfish.functions.registry import Function
from lungfish.functions.vector_tools import Argument, map_rows
from lungfish.types.array_value import ArrayValue, array_value
from lungfish.types.batch import Vector
from lungfish.types.compute import pc
from lungfish.types.sql_type import BOOLEAN, CHAR, INTEGER, NAME, TEXT, SqlType, array_of
from lungfish.types.vectors import concat_vectors


def matches(text: str, pattern: str) -> bool:
    """text ~ pattern."""
    return compile_regex(pattern).is_match(text)


def matches_folded(text: str, pattern: str) -> bool:
    """text ~* pattern."""
    return compile_regex(pattern, "i").is_match(text)


def _not_matches(text: str, pattern: str) -> bool:
    return not matches(text, pattern)


def _not_matches_folded(text: str, pattern: str) -> bool:
    return not matches_folded(text, pattern)


# How many bytes of a column are searched between two looks at whether the statement is to stop.
_PIECE_BYTES = 4 << 20


def _vector(
    scalar: Callable[[str, str], bool], flags: str, *, is_negated: bool
) -> Callable[..., Argument]:
    """The operator over columns: where the pattern is one for all of them, and RE2 can express it, by Arrow's kernel."""

    def vector(value: Argument, pattern: Argument) -> Argument:
        source = None
        is_column = isinstance(value, pa.Array) and value.null_count < len(value)
        if is_column and isinstance(pattern, pa.Scalar) and pattern.is_valid:
            source = compile_regex(pattern.as_py(), flags).column_pattern
        if source is None:
            return map_rows(scalar, (value, pattern), (TEXT, TEXT), BOOLEAN)
        try:
            found = _search_column(value, source)
        except pa.ArrowInvalid:
            # Repetitions that are too large for RE2.
            return map_rows(scalar, (value, pattern), (TEXT, TEXT), BOOLEAN)
        return pc.invert(found) if is_negated else found

    return vector


def _search_column(value: Vector, source: str) -> Vector:
    length = max(1, len(value) * _PIECE_BYTES // max(value.nbytes, 1))
    if length >= len(value):
        return pc.match_substring_regex(value, source)
    found = []
    for start in range(0, len(value), length):
        check_interrupts()
        found.append(pc.match_substring_regex(value.slice(start, length), source))
    return concat_vectors(found, BOOLEAN)


def _compile(name: str, pattern: str, flags: str) -> Regex:
    """A pattern whose flags may not hold g. Raises 22023."""
    if "g" in flags:
        raise InvalidParameterValue(
            f'{name}() does not support the "global" option',
            hint="Use the regexp_matches function instead." if name == "regexp_match" else None,
        )
    return compile_regex(pattern, flags)


def _cut(text: str, span: Span | None) -> str | None:
    return None if span is None else text[span[0] : span[1]]


def substring_regex(text: str, pattern: str) -> str | None:
    """substring(text from pattern): the first group, or without groups the whole match."""
    groups = compile_regex(pattern).search(text)
    if groups is None:
        return None
    return _cut(text, groups[1] if len(groups) > 1 else groups[0])


# SIMILAR TO


def similar_to_regex(pattern: str, escape: str | None = "\\") -> str | None:
    """A pattern of SIMILAR TO as a regular expression. Raises 22025, 2200B, 2200C."""
    if escape is None:
        return None
    return _SimilarPattern(pattern, escape).translate()


class _SimilarPattern:
    """The translation of one pattern; `separators` counts the escape-double-quotes that mark SUBSTRING's part."""

    def __init__(self, pattern: str, escape: str) -> None:
        if len(escape) > 1:
            raise InvalidEscapeSequence(
                "invalid escape string", hint="Escape string must be empty or one character."
            )
        self.pattern = pattern
        self.escape = escape
        self.separators = 0
        # None outside of brackets; inside, how many characters of the set have been seen.
        self.bracket: int | None = None

    def translate(self) -> str:
        pieces = ["^(?:"]
        is_escaped = False
        for character in self.pattern:
            if is_escaped:
                if character == '"' and self.bracket is None:
                    pieces.append(self._separator())
                else:
                    pieces.append("\\" + character)
                is_escaped = False
            elif character == self.escape and self.escape:
                is_escaped = True
            elif self.bracket is not None:
                pieces.append(self._in_bracket(character))
            else:
                pieces.append(self._outside(character))
        pieces.append(")$")
        return "".join(pieces)

    def _separator(self) -> str:
        self.separators += 1
        if self.separators == 1:
            return "){1,1}?("
        if self.separators == 2:
            return "){1,1}(?:"
        raise InvalidUseOfEscapeCharacter(
            "SQL regular expression may not contain more than two escape-double-quote separators"
        )

    def _in_bracket(self, character: str) -> str:
        assert self.bracket is not None
        if character == "]" and self.bracket > 0:
            self.bracket = None
        elif character != "^" or self.bracket > 0:
            self.bracket += 1
        return "\\\\" if character == "\\" else character

    def _outside(self, character: str) -> str:
        match character:
            case "[":
                self.bracket = 0
                return character
            case "%":
                return ".*"
            case "_":
                return "."
            case "(":
                return "(?:"
            case "\\" | "." | "^" | "$":
                return "\\" + character
        return character


def _substring_similar(text: str, pattern: str, escape: str) -> str | None:
    regex = similar_to_regex(pattern, escape)
    return None if regex is None else substring_regex(text, regex)


# Matches as arrays


def _captured(text: str, groups: Groups) -> ArrayValue:
    spans = groups[1:] if len(groups) > 1 else groups
    return array_value([_cut(text, span) for span in spans])


def regexp_match(text: str, pattern: str, flags: str = "") -> ArrayValue | None:
    """The groups of the first match, or without groups the match itself."""
    groups = _compile("regexp_match", pattern, flags).search(text)
    return None if groups is None else _captured(text, groups)


def regexp_matches(text: str, pattern: str, flags: str = "") -> Iterator[ArrayValue]:
    """The same as rows; with the flag g one of every match."""
    regex = compile_regex(pattern, flags)
    return _all_captured(regex, text)


def _all_captured(regex: Regex, text: str) -> Iterator[ArrayValue]:
    for groups in regex.matches(text):
        yield _captured(text, groups)
        if not regex.options.is_global:
            return


def _pieces(name: str, text: str, pattern: str, flags: str) -> list[str]:
    regex = _compile(name, pattern, flags)
    found, place = [], 0
    for groups in regex.matches(text):
        assert groups[0] is not None
        begin, end = groups[0]
        # An empty match at the end of the text, or right after another match, splits nothing.
        if begin >= len(text) or end <= place:
            continue
        found.append(text[place:begin])
        place = end
    found.append(text[place:])
    return found


def _split_to_array(text: str, pattern: str, flags: str = "") -> ArrayValue:
    return array_value(_pieces("regexp_split_to_array", text, pattern, flags))


def _split_to_table(text: str, pattern: str, flags: str = "") -> list[str]:
    return _pieces("regexp_split_to_table", text, pattern, flags)


# Replacing

_REFERENCE = re.compile(r"\\(.)", re.DOTALL)


def _replacer(replacement: str) -> Callable[[str, Groups], str]:
    r"""What to put in place of a match: \1 to \\9 are groups, \& the match, \\ a backslash."""
    if "\\" not in replacement:
        return lambda text, groups: replacement

    def replace(text: str, groups: Groups) -> str:
        def expand(match: re.Match[str]) -> str:
            letter = match[1]
            if letter.isascii() and letter.isdigit() and letter != "0":
                number = int(letter)
                return (_cut(text, groups[number]) or "") if number < len(groups) else ""
            if letter == "&":
                return _cut(text, groups[0]) or ""
            return "\\" if letter == "\\" else match[0]

        return _REFERENCE.sub(expand, replacement)

    return replace


def replace_matches(regex: Regex, text: str, replacement: str, start: int, number: int) -> str:
    """Replace the match of that number, counted from `start`, or with 0 all of them."""
    replace = _replacer(replacement)
    pieces, place = [], 0
    for count, groups in enumerate(regex.matches(text, start), 1):
        if number and count < number:
            continue
        assert groups[0] is not None
        begin, end = groups[0]
        pieces += [text[place:begin], replace(text, groups)]
        place = end
        if number:
            break
    return "".join(pieces) + text[place:]


def regexp_replace(text: str, pattern: str, replacement: str, flags: str = "") -> str:
    """Replace the first match, with the flag g every one. Raises 22023, 2201B."""
    if flags and flags[0].isascii() and flags[0].isdigit():
        raise InvalidParameterValue(
            f'invalid regular expression option: "{flags[0]}"',
            hint="If you meant to use regexp_replace() with a start parameter, cast the fourth argument to"
            " integer explicitly.",
        )
    regex = compile_regex(pattern, flags)
    return replace_matches(regex, text, replacement, 0, 0 if regex.options.is_global else 1)


def _replace_from(
    text: str, pattern: str, replacement: str, start: int, number: int = 1, flags: str = ""
) -> str:
    _require_positive("start", start)
    if number < 0:
        raise InvalidParameterValue(f'invalid value for parameter "n": {number}')
    return replace_matches(compile_regex(pattern, flags), text, replacement, start - 1, number)


def _replace_start(text: str, pattern: str, replacement: str, start: int) -> str:
    return _replace_from(text, pattern, replacement, start)


# Counting and placing


def _require_positive(name: str, value: int) -> None:
    if value <= 0:
        raise InvalidParameterValue(f'invalid value for parameter "{name}": {value}')


def _count(text: str, pattern: str, start: int = 1, flags: str = "") -> int:
    _require_positive("start", start)
    return sum(1 for _ in _compile("regexp_count", pattern, flags).matches(text, start - 1))


def _nth_span(regex: Regex, text: str, place: tuple[int, int], group: int) -> Span | None:
    """Where a group is in the match of a number, counted from a character; both count from 1. `place`: (start, number)."""
    start, number = place
    groups = next(islice(regex.matches(text, start - 1), number - 1, None), None)
    if groups is None or group > max(regex.group_count, 1):
        return None
    # Without groups, the match counts as the first.
    return groups[group if regex.group_count else 0]


def _instr(
    text: str,
    pattern: str,
    start: int = 1,
    number: int = 1,
    end_option: int = 0,
    *rest: Any,
) -> int:
    flags = rest[0] if rest else ""
    group = rest[1] if len(rest) > 1 else 0
    _require_positive("start", start)
    _require_positive("n", number)
    if end_option not in (0, 1):
        raise InvalidParameterValue(f'invalid value for parameter "endoption": {end_option}')
    if group < 0:
        raise InvalidParameterValue(f'invalid value for parameter "subexpr": {group}')
    span = _nth_span(_compile("regexp_instr", pattern, flags), text, (start, number), group)
    return 0 if span is None else span[end_option] + 1


def _like(text: str, pattern: str, flags: str = "") -> bool:
    return _compile("regexp_like", pattern, flags).is_match(text)


def _substr(
    text: str, pattern: str, start: int = 1, number: int = 1, flags: str = "", group: int = 0
) -> str | None:
    _require_positive("start", start)
    _require_positive("n", number)
    if group < 0:
        raise InvalidParameterValue(f'invalid value for parameter "subexpr": {group}')
    regex = _compile("regexp_substr", pattern, flags)
    return _cut(text, _nth_span(regex, text, (start, number), group))


_TEXTS = array_of(TEXT)


def _optional(
    name: str, required: int, arguments: tuple[SqlType, ...], result: SqlType, scalar: Any
) -> list[Function]:
    """One entry for each number of arguments from `required` on."""
    return [
        Function(name, arguments[:count], result, scalar)
        for count in range(required, len(arguments) + 1)
    ]


_OPERATORS = (
    ("~", matches, _vector(matches, "", is_negated=False)),
    ("!~", _not_matches, _vector(_not_matches, "", is_negated=True)),
    ("~*", matches_folded, _vector(matches_folded, "i", is_negated=False)),
    ("!~*", _not_matches_folded, _vector(_not_matches_folded, "i", is_negated=True)),
)
_INTEGERS = (INTEGER, INTEGER)

FUNCTIONS: tuple[Function, ...] = (
    *(
        Function(symbol, (kind, TEXT), BOOLEAN, scalar, vector)
        for symbol, scalar, vector in _OPERATORS
        for kind in (TEXT, NAME, CHAR)
    ),
    Function("substring", (TEXT, TEXT), TEXT, substring_regex),
    Function("substring", (TEXT, TEXT, TEXT), TEXT, _substring_similar),
    Function("similar_to_escape", (TEXT,), TEXT, similar_to_regex),
    Function("similar_to_escape", (TEXT, TEXT), TEXT, similar_to_regex),
    *_optional("regexp_match", 2, (TEXT, TEXT, TEXT), _TEXTS, regexp_match),
    *(
        Function("regexp_matches", (TEXT,) * count, _TEXTS, regexp_matches, returns_set=True)
        for count in (2, 3)
    ),
    *_optional("regexp_split_to_array", 2, (TEXT, TEXT, TEXT), _TEXTS, _split_to_array),
    *(
        Function("regexp_split_to_table", (TEXT,) * count, TEXT, _split_to_table, returns_set=True)
        for count in (2, 3)
    ),
    *_optional("regexp_replace", 3, (TEXT, TEXT, TEXT, TEXT), TEXT, regexp_replace),
    Function("regexp_replace", (TEXT, TEXT, TEXT, INTEGER), TEXT, _replace_start),
    *_optional("regexp_replace", 5, (TEXT, TEXT, TEXT, *_INTEGERS, TEXT), TEXT, _replace_from),
    *_optional("regexp_count", 2, (TEXT, TEXT, INTEGER, TEXT), INTEGER, _count),
    *_optional(
        "regexp_instr", 2, (TEXT, TEXT, *_INTEGERS, INTEGER, TEXT, INTEGER), INTEGER, _instr
    ),
    *_optional("regexp_like", 2, (TEXT, TEXT, TEXT), BOOLEAN, _like),
    *_optional("regexp_substr", 2, (TEXT, TEXT, *_INTEGERS, TEXT, INTEGER), TEXT, _substr),
)
