"""The patterns of LIKE_REGEX in a jsonpath and their flags; looked at when the path is read: what is no pattern is an error then, in PostgreSQL too."""

from __future__ import annotations

import dataclasses

from lungfish.errors import DataError, FeatureNotSupported, SyntaxError
from lungfish.functions.regex_match import compile_regex
from lungfish.types.json_path import LikeRegex, parse_json_path


def regex_flags(flags: str) -> str:
    """XQuery's flags as those of our regular expressions: there `.` matches no newline, and ^ the text's start only."""
    if "q" in flags:
        # The pattern is a plain text, to which s, m and x say nothing.
        return "q" + "i" * ("i" in flags)
    # s: the dot matches newlines; m: ^ and $ match at lines.
    lines = {(False, False): "p", (True, False): "s", (False, True): "n", (True, True): "w"}
    return lines["s" in flags, "m" in flags] + "i" * ("i" in flags)


def check_path_patterns(text: str) -> None:
    """Raise InvalidRegularExpression for a pattern that is none. What is no path is left to whoever reads it."""
    if "like_regex" not in text.lower():
        return
    try:
        path = parse_json_path(text)
    except (DataError, SyntaxError, FeatureNotSupported):
        return
    waiting: list[object] = [path]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple | list):
            waiting += node
        elif dataclasses.is_dataclass(node):
            if isinstance(node, LikeRegex):
                _check(node)
            waiting += [getattr(node, field.name) for field in dataclasses.fields(node)]


def _check(node: LikeRegex) -> None:
    try:
        compile_regex(node.pattern, regex_flags(node.flags))
    except FeatureNotSupported:
        # Only whoever matches by it need know.
        return
