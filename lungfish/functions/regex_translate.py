"""A regular expression's tree in the syntax of Python's `re`.

The pattern finds whether and where there is a match; see `regex_match.py` for how much of it may be believed.
"""

from __future__ import annotations

from lungfish.functions.regex_syntax import (
    Alternation,
    Assertion,
    BackReference,
    Capture,
    Characters,
    Concatenation,
    Look,
    Node,
    RegexOptions,
    Repeat,
)

_WORD = r"[^\W]"
_ASSERTIONS = {
    "A": r"\A",
    "Z": r"\Z",
    "m": rf"(?<!{_WORD})(?={_WORD})",
    "M": rf"(?<={_WORD})(?!{_WORD})",
    "y": r"\b",
    # Not \B, which does not hold in the empty text.
    "Y": r"(?!\b)",
}


def translate(tree: Node, options: RegexOptions) -> str:
    """The pattern. It needs no flags: the sets of characters already hold both cases where case is ignored."""
    return _source(tree, options)


def _source(node: Node, options: RegexOptions) -> str:
    match node:
        case Characters(allowed):
            return allowed.source()
        case Concatenation(items):
            return "".join(_source(item, options) for item in items)
        case Alternation(branches):
            return "(?:" + "|".join(_source(branch, options) for branch in branches) + ")"
        case Repeat():
            return _repeat_source(node, options)
        case Capture(item=item):
            return f"({_source(item, options)})"
        case Assertion(kind):
            return _assertion_source(kind, options)
        case Look():
            return _look_source(node, options)
        case BackReference(number):
            return f"(?i:\\{number})" if options.ignores_case else f"(?:\\{number})"


def _repeat_source(node: Repeat, options: RegexOptions) -> str:
    item = _source(node.item, options)
    maximum = "" if node.maximum is None else str(node.maximum)
    lazy = "?" if node.prefers_long is False else ""
    return f"(?:{item}){{{node.minimum},{maximum}}}{lazy}"


def _assertion_source(kind: str, options: RegexOptions) -> str:
    if kind == "^":
        return r"(?:\A|(?<=\n))" if options.newline_is_anchor else r"\A"
    if kind == "$":
        return r"(?=\n|\Z)" if options.newline_is_anchor else r"\Z"
    return _ASSERTIONS[kind]


def _look_source(node: Look, options: RegexOptions) -> str:
    mark = ("?<" if node.is_behind else "?") + ("!" if node.is_negated else "=")
    return f"({mark}{_source(node.item, options)})"
