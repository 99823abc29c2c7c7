"""Reads the later dialects of sqllogictest (sqllogictest-rs and DuckDB's): records, named connections, loops, restarts.

A file becomes a flat list of steps in the order they run, loops written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Record:
    """One statement or query. `line` is 1-based, of the directive; `head` its words; `session` names a connection."""

    line: int
    head: tuple[str, ...]
    sql: str
    expected: tuple[str, ...]
    session: str = ""

    @property
    def must_fail(self) -> bool:
        return len(self.head) > 1 and self.head[1] == "error"

    @property
    def sort(self) -> str:
        return next((word for word in self.head if word in ("rowsort", "valuesort")), "nosort")


@dataclass(frozen=True, slots=True)
class Reopen:
    """Close every connection and open again: the same database, or the one at `path`."""

    path: str | None = None


Step = Record | Reopen
_SESSIONLESS = ("rowsort", "valuesort", "nosort", "sort")


def read_steps(text: str, *, has_sessions: bool) -> list[Step]:
    """All steps of a file. `has_sessions`: the word after types and sort names a connection (DuckDB's dialect)."""
    return list(_steps(text.split("\n"), 0, has_sessions))


def _steps(lines: Sequence[str], first: int, has_sessions: bool) -> Iterator[Step]:
    """The steps of `lines`, which begin at line number `first` of the file (0-based)."""
    index = 0
    is_skipped = is_unconditional = False
    while index < len(lines):
        words = lines[index].split()
        word = words[0] if words else ""
        if word == "halt":
            return
        if word == "mode" and words[1] in ("skip", "unskip"):
            is_unconditional = words[1] == "skip"
        elif word in ("onlyif", "skipif"):
            is_skipped |= words[1].startswith("postgres") == (word == "skipif")
        elif word in ("loop", "foreach", "concurrentloop", "concurrentforeach"):
            end = _end_of_loop(lines, index)
            yield from _loop(words, lines[index + 1 : end], first + index + 1, has_sessions)
            index = end
        elif word in ("restart", "load", "reconnect"):
            yield Reopen(words[1] if word == "load" and len(words) > 1 else None)
        elif word in ("statement", "query"):
            record, index = _record(lines, index, first, has_sessions)
            if not is_skipped and not is_unconditional:
                yield record
            is_skipped = False
            continue
        index += 1


def _record(lines: Sequence[str], index: int, first: int, has_sessions: bool) -> tuple[Record, int]:
    """The record whose directive is at `index`, and where the next line to read is."""
    start = index
    head = tuple(lines[index].split())
    index += 1
    sql, expected = [], []
    while index < len(lines) and lines[index].strip() and lines[index].strip() != "----":
        sql.append(lines[index])
        index += 1
    if index < len(lines) and lines[index].strip() == "----":
        index += 1
        while index < len(lines) and lines[index].strip():
            expected.append(lines[index].rstrip("\r"))
            index += 1
    session = ""
    if has_sessions:
        session = next((word for word in head[2:] if word not in _SESSIONLESS), "")
    return Record(first + start + 1, head, "\n".join(sql), tuple(expected), session), index


def _end_of_loop(lines: Sequence[str], start: int) -> int:
    depth = 0
    for index in range(start, len(lines)):
        word = lines[index].split()[0] if lines[index].split() else ""
        depth += word in ("loop", "foreach", "concurrentloop", "concurrentforeach")
        depth -= word == "endloop"
        if depth == 0:
            return index
    raise ValueError(f"line {start + 1}: a loop without its end")


def _loop(
    words: Sequence[str], body: Sequence[str], first: int, has_sessions: bool
) -> Iterator[Step]:
    name = words[1]
    values = (
        [str(number) for number in range(int(words[2]), int(words[3]))]
        if words[0].endswith("loop")
        else words[2:]
    )
    for value in values:
        filled = [
            line.replace("${" + name + "}", value).replace("{" + name + "}", value) for line in body
        ]
        for step in _steps(filled, first, has_sessions):
            yield replace(step)
