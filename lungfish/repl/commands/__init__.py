r"""The shell's own commands: psql's names first, and aliases with a dot. `ENTRIES` lists them all, in the order of `\?`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lungfish.repl.commands import (
    display,
    files,
    objects,
    query_buffer,
    scripting,
    session,
    storage,
)
from lungfish.repl.commands.entry import Entry, words_of
from lungfish.repl.interpreter import Command, Interpreter

# \dtv, \dtis+ and so on: lists of several kinds.
_COMBINED = re.compile(r"\\d[tivmsE]{2,}")


def _help(interpreter: Interpreter, _name: str, argument: str) -> None:
    wanted = "".join(words_of(interpreter, argument)[:1])
    if wanted == "variables":
        for name, text in _VARIABLES.items():
            interpreter.print(f"  {name.ljust(20)}  {text}")
        return
    found = [
        (
            title,
            [each for each in entries if not wanted or f"\\{wanted.lstrip(chr(92))}" in each.names],
        )
        for title, entries in GROUPS
    ]
    width = max(len(entry.usage) for entry in ENTRIES)
    for title, entries in found:
        if not entries:
            continue
        if not wanted:
            interpreter.print(title)
        for entry in entries:
            aliases = [name for name in entry.names[1:] if name.startswith(".")]
            also = f"  ({', '.join(aliases)})" if aliases else ""
            interpreter.print(f"  {entry.usage.ljust(width)}  {entry.help}{also}")
        if not wanted:
            interpreter.print("")


_VARIABLES = {
    "DBNAME": "the database that is open",
    "ECHO": "all or queries: print each statement before it runs",
    "ERROR, SQLSTATE, ROW_COUNT": "what the last statement came to",
    "LAST_ERROR_MESSAGE": "and LAST_ERROR_SQLSTATE: the last error",
    "ON_ERROR_ROLLBACK": "interactive, on or off: a failed statement undoes only itself",
    "ON_ERROR_STOP": "whether the first error ends a script",
    "QUIET": "no command tags and messages",
    "VERBOSITY": "verbose: errors with SQLSTATE and names",
    "WARN_ALL_ROWS": "ask before UPDATE and DELETE without WHERE",
}

_HELP = (Entry(("\\?", ".help"), "\\? [COMMAND|variables]", "this list", _help, "command"),)
GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("General", (*_HELP, *session.ENTRIES)),
    ("Statement", query_buffer.ENTRIES),
    ("What there is", objects.ENTRIES),
    ("Storage and recovery", storage.ENTRIES),
    ("How results look", display.ENTRIES),
    ("Files and programs", files.ENTRIES),
    ("Variables and conditions", scripting.ENTRIES),
)
ENTRIES: tuple[Entry, ...] = tuple(entry for _, entries in GROUPS for entry in entries)


class CommandTable(Mapping[str, Command]):
    r"""The commands by their names; letters S and + behind a name, and combinations such as \dtv, lead to the same."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._commands = {name: entry.run for entry in entries for name in entry.names}

    def __getitem__(self, name: str) -> Command:
        found = self._commands.get(name)
        if found is not None:
            return found
        bare = re.sub(r"[S+x]+\Z", "", name)
        if _COMBINED.fullmatch(bare) is not None:
            bare = "\\dt"
        return self._commands[bare]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


COMMANDS: Mapping[str, Command] = CommandTable(ENTRIES)
