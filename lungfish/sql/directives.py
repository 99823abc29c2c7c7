"""The directives of a script, parsed by lark (`directives.lark`) into the dataclasses of `ast/directives.py`.

A directive is a comment, so psql takes the script as it is: `--@ crash at wal.flush.before_sync hit=3`. An error names the place in the
whole script, and what the directive looks like.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from lungfish import errors
from lungfish.sql.ast import directives as ast
from lungfish.sql.split import DIRECTIVE_MARK, ScriptPiece

if TYPE_CHECKING:
    from lark import Lark

# A subtree or a token of lark's; the grammar says which stands where.
_Part: TypeAlias = Any

# What each directive looks like, by its first word.
USAGE: Mapping[str, str] = MappingProxyType(
    {
        "session": "session NAME",
        "async": "async",
        "wait": "wait NAME",
        "restart": "restart [clean | crash]",
        "crash": "crash at POINT [hit=N] [torn=BYTES] [drop_unsynced], or "
        "crash each PATTERN [PATTERN ...] [with drop_unsynced] ... end",
        "fault": "fault KIND at POINT [hit=N] [bytes=N] [seconds=N]",
        "expect": "expect rows [ordered | sorted | subset], error SQLSTATE, blocked by NAME, plan STRING, "
        "counter NAME < NUMBER, within TIME, invariant STRING, count N, or tag TEXT",
        "golden": "golden NAME",
        "permute": "permute {all | N} [seed=N] ... end",
        "loop": "loop NAME FIRST..LAST ... end",
        "foreach": "foreach NAME in VALUE, VALUE, ... end",
        "end": "end",
        "set": "set NAME VALUE",
        "require": "require FEATURE",
    }
)
_UNITS = {"kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "us": 1e-6, "ms": 1e-3, "min": 60.0}


def parse_directive(piece: ScriptPiece, script: str) -> ast.Directive:
    """Parse a piece of the kind "directive" of a script.

    Raises SyntaxError, with the place in the script, for what is no directive; InvalidParameterValue for a word or number in it that is
    not among those it may be.
    """
    body = piece.text[len(DIRECTIVE_MARK) :]
    start = piece.start + len(DIRECTIVE_MARK)
    try:
        return _parse(body)
    except errors.Error as error:
        if error.position is not None:
            error.position += start
        raise error.with_statement(script)  # noqa: B904 - the same error, its place added.


def _parse(body: str) -> ast.Directive:
    # lark is put off to the first directive (it costs 60 ms).
    from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

    words = body.split()
    if not words or words[0] not in USAGE:
        raise _unknown_directive(body, words[0] if words else "")
    try:
        tree: _Part = _grammar().parse(body)
    except UnexpectedToken as error:
        position = len(body) if error.token.type == "$END" else error.pos_in_stream
        raise _unfitting(body, words[0], position) from None
    except UnexpectedCharacters as error:
        raise _unfitting(body, words[0], error.pos_in_stream) from None
    except UnexpectedInput as error:
        raise _unfitting(body, words[0], error.pos_in_stream) from None
    return _BUILDERS[tree.data](*tree.children)


@cache
def _grammar() -> Lark:
    from lark import Lark

    return Lark.open_from_package(
        "lungfish.sql", "directives.lark", parser="lalr", maybe_placeholders=True
    )


def _unknown_directive(body: str, word: str) -> errors.Error:
    return errors.SyntaxError(
        f'there is no directive "{word}"' if word else "a directive is missing behind --@",
        position=len(body) - len(body.lstrip()),
        hint=did_you_mean(word, USAGE) or f"The directives are {', '.join(USAGE)}.",
    )


def _unfitting(body: str, directive: str, position: int | None) -> errors.Error:
    rest = "" if position is None else body[position:].split(" ", maxsplit=1)[0]
    found = f'"{rest}" does not belong there' if rest else "something is missing at the end"
    return errors.SyntaxError(
        f'in the directive "{directive}", {found}',
        position=len(body) if position is None else position,
        hint=f"It is: {USAGE[directive]}.",
    )


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint with the names nearest to a word; None if none is near."""
    near = difflib.get_close_matches(word, list(known), n=3)
    return f"Perhaps you meant {' or '.join(near)}." if near else None


# From lark's trees.


def _crash_at(point: _Part, *options: _Part) -> ast.CrashAt:
    given = _options(options, {"hit": True, "torn": True, "drop_unsynced": False})
    return ast.CrashAt(str(point), given.get("hit", 1) or 1, _crash_options(given))


def _crash_each(*parts: _Part) -> ast.CrashEach:
    patterns = tuple(str(part) for part in parts if not hasattr(part, "data"))
    options = [each for part in parts if hasattr(part, "data") for each in part.children]
    given = _options(options, {"torn": True, "drop_unsynced": False})
    return ast.CrashEach(patterns, _crash_options(given))


def _crash_options(given: Mapping[str, int | None]) -> ast.CrashOptions:
    return ast.CrashOptions(drops_unsynced="drop_unsynced" in given, torn_bytes=given.get("torn"))


def _fault(kind: _Part, point: _Part, *options: _Part) -> ast.Fault:
    given = _options(options, {"hit": True, "bytes": True, "seconds": True})
    amount = given.get("bytes", given.get("seconds"))
    return ast.Fault(
        _one_of(kind, ast.FAULT_KINDS, "kind of fault"),
        str(point),
        given.get("hit", 1) or 1,
        amount,
    )


def _permute(*parts: _Part) -> ast.Permute:
    options = [part for part in parts if hasattr(part, "data")]
    counts = [int(part) for part in parts if not hasattr(part, "data")]
    seed = _options(options, {"seed": True}).get("seed")
    return ast.Permute(counts[0] if counts else None, seed or 0)


def _options(options: Iterable[_Part], known: Mapping[str, bool]) -> dict[str, int | None]:
    """Options by name; `known` says which there are, and whether each takes a number."""
    given: dict[str, int | None] = {}
    for option in options:
        name, value = option.children
        if str(name) not in known:
            raise errors.SyntaxError(
                f'there is no option "{name}"',
                position=name.start_pos,
                hint=did_you_mean(name, known) or f"The options are {', '.join(known)}.",
            )
        takes_number = known[str(name)]
        if takes_number != (value is not None) or (value is not None and value.type != "NUMBER"):
            wants = "takes a number" if takes_number else "takes no value"
            raise errors.SyntaxError(f'the option "{name}" {wants}', position=name.start_pos)
        given[str(name)] = None if value is None else int(value)
    return given


def _one_of(word: _Part, known: tuple[str, ...], what: str) -> str:
    if str(word) not in known:
        raise errors.InvalidParameterValue(
            f'there is no {what} "{word}"',
            position=word.start_pos,
            hint=did_you_mean(word, known) or f"It is one of {', '.join(known)}.",
        )
    return str(word)


def _quantity(token: _Part) -> float:
    """A number with its unit: bytes, or seconds."""
    text = str(token)
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \t")
    return float(number) * _UNITS.get(text[len(number) :].strip(), 1)


def _string(token: _Part) -> str:
    quote = token[0]
    return str(token)[1:-1].replace(quote * 2, quote)


def _expect_rows(order: _Part) -> ast.ExpectRows:
    return ast.ExpectRows(
        "ordered" if order is None else _one_of(order, ast.ROW_ORDERS, "order of rows")
    )


def _foreach(variable: _Part, values: _Part) -> ast.Foreach:
    return ast.Foreach(str(variable), tuple(value.strip() for value in str(values).split(",")))


_BUILDERS: Mapping[str, Callable[..., ast.Directive]] = MappingProxyType(
    {
        "session": lambda name: ast.UseSession(str(name)),
        "run_async": ast.RunAsync,
        "wait": lambda name: ast.Wait(str(name)),
        "restart": lambda kind: ast.Restart(is_crash=kind == "crash"),
        "crash_at": _crash_at,
        "crash_each": _crash_each,
        "fault": _fault,
        "golden": lambda name: ast.Golden(str(name)),
        "permute": _permute,
        "loop": lambda name, first, last: ast.Loop(str(name), int(first), int(last)),
        "foreach": _foreach,
        "end": ast.End,
        "set": lambda name, value: ast.SetVariable(str(name), str(value).strip()),
        "require": lambda name: ast.Require(str(name)),
        "expect_rows": _expect_rows,
        "expect_error": lambda *codes: ast.ExpectError(tuple(str(code) for code in codes)),
        "expect_blocked": lambda name: ast.ExpectBlocked(str(name)),
        "expect_plan": lambda text: ast.ExpectPlan(_string(text)),
        "expect_counter": lambda name, comparison, value: ast.ExpectCounter(
            str(name), str(comparison), _quantity(value)
        ),
        "expect_within": lambda time: ast.ExpectWithin(_quantity(time)),
        "expect_invariant": lambda text: ast.Invariant(_string(text)),
        "expect_count": lambda count: ast.ExpectCount(int(count)),
        "expect_tag": lambda tag: ast.ExpectTag(str(tag).strip()),
    }
)
