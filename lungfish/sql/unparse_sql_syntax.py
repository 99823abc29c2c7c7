"""Calls that SQL writes with keywords, back to these: EXTRACT, SUBSTRING, TRIM, AT TIME ZONE and their like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from lungfish.sql.ast.expressions import Expression, FunctionCall, Literal
from lungfish.sql.quoting import quote_literal

Write = Callable[[Expression], str]


def write_sql_syntax(write: Write, node: FunctionCall) -> str | None:
    """The call with its keywords, an operand that stands by itself; None if it has none."""
    rule = _RULES.get(node.name[-1])
    return None if rule is None or not node.is_sql_syntax else rule(write, node)


def _extract(write: Write, node: FunctionCall) -> str:
    part, source = node.arguments
    field = quote_literal(part.text) if isinstance(part, Literal) else write(part)
    return f"EXTRACT({field} FROM {write(source)})"


def _separated(opening: str, *words: str) -> Callable[[Write, FunctionCall], str]:
    def rule(write: Write, node: FunctionCall) -> str:
        first, *rest = map(write, node.arguments)
        pairs = zip(words, rest, strict=False)
        return f"{opening}({first}{''.join(f' {word} {each}' for word, each in pairs)})"

    return rule


def _trim(word: str) -> Callable[[Write, FunctionCall], str]:
    def rule(write: Write, node: FunctionCall) -> str:
        *texts, last = map(write, node.arguments)
        characters = f" {last}" if texts else ""
        return f"TRIM({word}{characters} FROM {', '.join(texts or [last])})"

    return rule


def _position(write: Write, node: FunctionCall) -> str:
    text, part = map(write, node.arguments)
    return f"POSITION(({part}) IN ({text}))"


def _timezone(write: Write, node: FunctionCall) -> str:
    *zone, value = map(write, node.arguments)
    return f"(({value}) AT TIME ZONE ({zone[0]}))" if zone else f"(({value}) AT LOCAL)"


def _overlaps(write: Write, node: FunctionCall) -> str:
    a, b, c, d = map(write, node.arguments)
    return f"(({a}, {b}) OVERLAPS ({c}, {d}))"


def _form(node: FunctionCall) -> str:
    form = node.arguments[1] if len(node.arguments) > 1 else None
    return form.text if isinstance(form, Literal) else ""


def _normalize(write: Write, node: FunctionCall) -> str:
    form = _form(node)
    return f"NORMALIZE({write(node.arguments[0])}{f', {form}' if form else ''})"


def _is_normalized(write: Write, node: FunctionCall) -> str:
    form = _form(node)
    return f"(({write(node.arguments[0])}) IS {form + ' ' if form else ''}NORMALIZED)"


_RULES: Mapping[str, Callable[[Write, FunctionCall], str]] = MappingProxyType(
    {
        "btrim": _trim("BOTH"),
        "extract": _extract,
        "is_normalized": _is_normalized,
        "ltrim": _trim("LEADING"),
        "normalize": _normalize,
        "overlaps": _overlaps,
        "overlay": _separated("OVERLAY", "PLACING", "FROM", "FOR"),
        "pg_collation_for": _separated("COLLATION FOR "),
        "position": _position,
        "rtrim": _trim("TRAILING"),
        "substring": _separated("SUBSTRING", "FROM", "FOR"),
        "system_user": lambda write, node: "SYSTEM_USER",
        "timezone": _timezone,
    }
)
