"""Text as it stands on a screen: how wide it is, and control characters that would disturb it written out."""

from __future__ import annotations

import re
from functools import lru_cache

# What psql shows as \x01 and so on; a newline stays, a tab takes its room.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def screen_text(text: str) -> str:
    """The text without control characters, except newlines."""
    if text.isprintable():
        return text
    if "\t" in text:
        text = "\n".join([line.expandtabs() for line in text.split("\n")])
    return _CONTROL.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    character = found.group()
    if character == "\r":
        return "\\r"
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x80 else f"\\u{code:04X}"


def line_width(line: str) -> int:
    """How many places a line takes."""
    return len(line) if line.isascii() else _wide_width(line)


@lru_cache(maxsize=4096)
def _wide_width(line: str) -> int:
    # Put off: only text outside ASCII needs it.
    from wcwidth import wcswidth

    width = wcswidth(line)
    return int(width) if width >= 0 else len(line)


def text_width(text: str) -> int:
    """How many places the widest line of a text takes."""
    if "\n" not in text:
        return line_width(text)
    return max([line_width(line) for line in text.split("\n")])


def pad(line: str, width: int, *, is_right: bool = False) -> str:
    """The line with spaces to a width, at its end or (`is_right`) before it."""
    room = " " * (width - line_width(line))
    return room + line if is_right else line + room
