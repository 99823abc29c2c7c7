"""A regular expression's tree in the syntax of RE2, by which Arrow's kernels search whole columns (`~` over a table).

RE2 never backtracks, and lets the interpreter's lock go. It is asked for no more than whether there is a match, on which
PostgreSQL and it agree: sets of characters are written out as code points. Word boundaries, which are ASCII's there, look-arounds and back
references it does not have.
"""

from __future__ import annotations

from lungfish.functions.regex_classes import CharacterSet
from lungfish.functions.regex_syntax import (
    Alternation,
    Assertion,
    Capture,
    Characters,
    Concatenation,
    Node,
    RegexOptions,
    Repeat,
)

_ANCHORS = {"A": r"\A", "Z": r"\z"}
_LINE_ANCHORS = {"^": "(?m:^)", "$": "(?m:$)"}
_TEXT_ANCHORS = {"^": r"\A", "$": r"\z"}


class _NotExpressible(Exception):
    """RE2 has nothing for it."""


def column_pattern(tree: Node, options: RegexOptions) -> str | None:
    """The pattern; None where RE2 cannot express it."""
    try:
        return _source(tree, options)
    except _NotExpressible:
        return None


def _source(node: Node, options: RegexOptions) -> str:
    match node:
        case Characters(allowed):
            return _set_source(allowed)
        case Concatenation(items):
            return "".join(_source(item, options) for item in items)
        case Alternation(branches):
            return "(?:" + "|".join(_source(branch, options) for branch in branches) + ")"
        case Repeat(item=item, minimum=minimum, maximum=maximum):
            most = "" if maximum is None else str(maximum)
            return f"(?:{_source(item, options)}){{{minimum},{most}}}"
        case Capture(item=item):
            return f"(?:{_source(item, options)})"
        case Assertion(kind):
            anchors = _LINE_ANCHORS if options.newline_is_anchor else _TEXT_ANCHORS
            found = _ANCHORS.get(kind) or anchors.get(kind)
            if found is not None:
                return found
    raise _NotExpressible


def _set_source(allowed: CharacterSet) -> str:
    if not allowed.ranges:
        return r"[^\x00-\x{10ffff}]"
    return "[" + "".join(rf"\x{{{low:x}}}-\x{{{high:x}}}" for low, high in allowed.ranges) + "]"
