"""JSON paths written back, in PostgreSQL's normal spelling."""

from __future__ import annotations

from decimal import Decimal

from lungfish.types.json_path import (
    COMPARISONS,
    Descent,
    Element,
    Filter,
    Infix,
    JsonPath,
    LikeRegex,
    Literal,
    Member,
    Method,
    PathNode,
    Sign,
    Start,
    Variable,
    Wrapped,
)
from lungfish.types.json_text import quote_json
from lungfish.types.numerics import numeric_text

_PRIORITIES = {"||": 0, "&&": 1, **dict.fromkeys((*COMPARISONS, "starts with"), 2), "+": 3, "-": 3}
_PRIORITIES |= dict.fromkeys("*/%", 4)
_SIGN_PRIORITY = 5
_HIGHEST = 6


def _priority(node: PathNode) -> int:
    if isinstance(node, Infix):
        return _PRIORITIES[node.operator]
    return _SIGN_PRIORITY if isinstance(node, Sign) else _HIGHEST


def format_json_path(path: JsonPath) -> str:
    """The path in PostgreSQL's normal spelling."""
    return ("strict " if path.is_strict else "") + _write(path.root, has_brackets=True)


def _write(node: PathNode, *, has_brackets: bool) -> str:
    match node:
        case Literal(value):
            if isinstance(value, str):
                return quote_json(value)
            if isinstance(value, Decimal):
                return numeric_text(value)
            return {True: "true", False: "false", None: "null"}[value]
        case Start(symbol):
            return symbol
        case Variable(name):
            return "$" + quote_json(name)
        case Infix(operator, left, right):
            own = _priority(node)
            one = _write(left, has_brackets=_priority(left) <= own)
            other = _write(right, has_brackets=_priority(right) <= own)
            return _bracketed(f"{one} {operator} {other}", has_brackets)
        case Sign(operator, operand):
            inner = _write(operand, has_brackets=_priority(operand) <= _SIGN_PRIORITY)
            return _bracketed(operator + inner, has_brackets)
        case Wrapped(kind, operand):
            inner = _write(operand, has_brackets=False)
            return {"!": f"!({inner})", "exists": f"exists ({inner})"}.get(
                kind, f"({inner}) is unknown"
            )
        case LikeRegex(operand, pattern, flags):
            text = f"{_write(operand, has_brackets=True)} like_regex {quote_json(pattern)}"
            ordered = "".join(flag for flag in "ismxq" if flag in flags)
            return _bracketed(text + (f' flag "{ordered}"' if ordered else ""), has_brackets)
        case _:
            return _write_accessor(node)


def _bracketed(text: str, has_brackets: bool) -> str:
    return f"({text})" if has_brackets else text


def _write_accessor(node: Member | Descent | Element | Method | Filter) -> str:
    base = _write(node.base, has_brackets=True)
    match node:
        case Member(_, key):
            return f"{base}.*" if key is None else f"{base}.{quote_json(key)}"
        case Descent(_, first, last):
            if first == 0 and last is None:
                return f"{base}.**"
            one, other = ("last" if level is None else str(level) for level in (first, last))
            return f"{base}.**{{{one}}}" if first == last else f"{base}.**{{{one} to {other}}}"
        case Element(_, ranges):
            if not ranges:
                return f"{base}[*]"
            parts = [
                _write(first, has_brackets=False)
                + ("" if last is None else f" to {_write(last, has_brackets=False)}")
                for first, last in ranges
            ]
            return f"{base}[{','.join(parts)}]"
        case Method(_, name, arguments):
            inside = ",".join(_write(each, has_brackets=False) for each in arguments)
            return f"{base}.{name}({inside})"
        case Filter(_, predicate):
            return f"{base}?({_write(predicate, has_brackets=False)})"
