"""What a collation does to a call: nothing to most, other letters to some; and where none could be determined, an error for those
that compare.

`COLLATE` stands for the clause of that name from when it is bound until `derive_collations.py` takes it out again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lungfish import errors
from lungfish.functions.registry import Function, Polymorphic
from lungfish.planner.expressions import BoundExpression, Call, Constant
from lungfish.types.collations import (
    ASCII_COLLATIONS,
    DEFAULT_COLLATION,
    FULL_MAPPING_COLLATION,
    collation_of_type,
)
from lungfish.types.sql_type import NAME, TEXT

COLLATE = Function("collate", (TEXT, NAME), TEXT, scalar=lambda value, _: value)
COLLATION_FOR = "pg_collation_for"

_COMPARED = "string comparison"
_LIKE, _ILIKE, _REGEX = "LIKE", "ILIKE", "regular expression"
_CASES = ("lower", "upper", "initcap")
_STRINGS = ("text", "bpchar", "name")
_TESTS = ("eq", "ne", "lt", "le", "gt", "ge")
# Functions that ask for a collation, with what PostgreSQL's message calls it.
_ASKING: dict[str, str] = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">=", "@>", "<@", "&&", "^@"), _COMPARED),
    **dict.fromkeys(
        (
            "position", "strpos", "replace", "split_part", "starts_with", "string_to_array",
            "string_to_table", "array_position", "array_positions", "array_remove", "array_replace",
            "array_sort", "width_bucket", "text_larger", "text_smaller", "bpchar_larger",
            "bpchar_smaller", "bttextcmp", "btnamecmp", "btnametextcmp", "bttextnamecmp", "bpcharcmp",
        ),
        _COMPARED,
    ),
    # What the operators call.
    **{f"{kind}{test}": _COMPARED for kind in _STRINGS for test in _TESTS},
    **{f"text_{test}": _COMPARED for test in _TESTS},
    **{f"{one}{test}{other}": _COMPARED for one, other in (("name", "text"), ("text", "name")) for test in _TESTS},
    **{f"{kind}{test}": _LIKE for kind in _STRINGS for test in ("like", "nlike")},
    **{f"{kind}ic{test}": _ILIKE for kind in _STRINGS for test in ("like", "nlike")},
    **{f"{kind}{test}": _REGEX for kind in _STRINGS for test in ("regexeq", "regexne", "icregexeq", "icregexne")},
    **dict.fromkeys(("hashtext", "hashtextextended", "hashbpchar", "hashbpcharextended"), "string hashing"),
    **dict.fromkeys(("~~", "!~~", "like", "notlike"), _LIKE),
    **dict.fromkeys(("~~*", "!~~*"), _ILIKE),
    **dict.fromkeys(
        (
            "~", "!~", "~*", "!~*", "regexp_count", "regexp_instr", "regexp_like", "regexp_match",
            "regexp_matches", "regexp_replace", "regexp_split_to_array", "regexp_split_to_table",
            "regexp_substr", "substring",
        ),
        _REGEX,
    ),
    **{name: f"{name}() function" for name in _CASES},
    "casefold": "lower() function",
}  # fmt: skip
_LETTERED = frozenset({_ILIKE, _REGEX})
# In a regular expression these may ask what a letter is, or which letters are the same.
_ASKS_FOR_LETTERS = ("\\", "[:", "[=", "(?", "***")


def indeterminate(what: str = _COMPARED) -> errors.Error:
    """The error for a comparison that knows no collation."""
    return errors.IndeterminateCollation(
        f"could not determine which collation to use for {what}",
        hint="Use the COLLATE clause to set the collation explicitly.",
    )


def with_collation(call: Call, collation: str | None) -> Call:
    """The call as the collation of its arguments has it; None if they have one, but it could not be determined."""
    name = call.function.name
    if not asks_for_collation(call):
        return call
    if collation is None:
        return _replaced(call, _raising(call.function, _ASKING[name]))
    if collation == DEFAULT_COLLATION:
        return call
    if name in _CASES or name == "casefold":
        changed = _case_function(call.function, collation)
        return call if changed is None else _replaced(call, changed)
    if _ASKING[name] in _LETTERED:
        if collation in ASCII_COLLATIONS or collation == FULL_MAPPING_COLLATION:
            return _replaced(call, _ascii_only(call.function, collation))
    return call


def asks_for_collation(call: Call) -> bool:
    """Whether the call's answer hangs on a collation."""
    function = call.function
    if function.name not in _ASKING:
        return False
    collated = [each for each in call.arguments if collation_of_type(each.type) is not None]
    # substring(text, integer) cuts, and only substring(text, text) looks for a pattern.
    return len(collated) > (1 if function.name == "substring" else 0)


def comparing(operand: BoundExpression) -> BoundExpression:
    """The operand of a comparison that knows no collation: no value but NULL comes through."""
    return Call(_REFUSE, (operand,), operand.type)


def _replaced(call: Call, function: Function) -> Call:
    return Call(function, call.arguments, call.type, call.is_variadic_array, call.position)


def _refuse(_value: Any) -> Any:
    raise indeterminate()


_REFUSE = Function("compare_collated", (Polymorphic.ANY,), lambda types: types[0], scalar=_refuse)


@lru_cache(maxsize=256)
def _raising(function: Function, what: str) -> Function:
    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise indeterminate(what)

    return _with_scalar(function, refuse)


def _with_scalar(function: Function, scalar: Callable[..., Any]) -> Function:
    """A function of another name, so that nobody takes it for an equality to hash by."""
    return Function(
        f"collated {function.name}",
        function.arguments,
        function.result,
        scalar,
        is_strict=function.is_strict,
        is_variadic=function.is_variadic,
        returns_set=function.returns_set,
        output_columns=function.output_columns,
        needs_types=function.needs_types,
        needs_context=function.needs_context,
    )


def _ascii_initcap(value: str) -> str:
    pieces: list[str] = []
    is_inside = False
    for character in value:
        pieces.append(_ascii_lower(character) if is_inside else _ascii_upper(character))
        is_inside = character.isascii() and character.isalnum()
    return "".join(pieces)


def _ascii_upper(value: str) -> str:
    return value.encode().upper().decode()


def _ascii_lower(value: str) -> str:
    return value.encode().lower().decode()


def _full_initcap(value: str) -> str:
    pieces: list[str] = []
    is_inside = False
    for character in value:
        pieces.append(character.lower() if is_inside else character.title())
        is_inside = character.isalnum()
    return "".join(pieces)


_ASCII_CASES: dict[str, Callable[[str], str]] = {
    "upper": _ascii_upper, "lower": _ascii_lower, "initcap": _ascii_initcap, "casefold": _ascii_lower,
}  # fmt: skip
_FULL_CASES: dict[str, Callable[[str], str]] = {
    "upper": str.upper, "lower": str.lower, "initcap": _full_initcap, "casefold": str.casefold,
}  # fmt: skip


@lru_cache(maxsize=64)
def _case_function(function: Function, collation: str) -> Function | None:
    if collation in ASCII_COLLATIONS:
        return _with_scalar(function, _ASCII_CASES[function.name])
    if collation == FULL_MAPPING_COLLATION:
        return _with_scalar(function, _FULL_CASES[function.name])
    return None


@lru_cache(maxsize=256)
def _ascii_only(function: Function, collation: str) -> Function:
    """A function over patterns that raises 0A000 where it would matter which letters beyond ASCII's are letters."""
    plain = function.scalar
    if plain is None:
        return function
    name = function.name
    is_folded = _ASKING[name] is _ILIKE or name.endswith("*") or "icregex" in name

    def search(*arguments: Any, **options: Any) -> Any:
        texts = [each for each in arguments if isinstance(each, str)]
        if not all(map(str.isascii, texts)) and (
            is_folded
            or len(texts) > 2
            or any(mark in text for text in texts[1:] for mark in _ASKS_FOR_LETTERS)
        ):
            raise errors.FeatureNotSupported(
                f'matching letters beyond ASCII with collation "{collation}" is not supported'
            )
        return plain(*arguments, **options)

    return _with_scalar(function, search)


def collation_argument(call: Call) -> str:
    """The collation that a call of `COLLATE` names."""
    named = call.arguments[1]
    assert isinstance(named, Constant), "COLLATE names its collation"
    return str(named.value)
