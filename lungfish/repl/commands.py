r"""The shell's own commands: psql's names first, and aliases with a dot. `COMMANDS` lists them all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from lungfish import errors
from lungfish.repl.describe import Pattern, describe, list_relations, list_schemas
from lungfish.repl.error_text import format_error
from lungfish.repl.formats import FORMAT_ALIASES, FORMATS, Expanded, ResultText
from lungfish.repl.interpreter import Command, Interpreter, QuitShell
from lungfish.repl.statement_help import STATEMENTS

_WORD = re.compile(r"'((?:[^']|'')*)'|(\S+)")


def words_of(argument: str) -> list[str]:
    """The words of a command's line; quotes hold one together."""
    return [
        quoted.replace("''", "'") if match.startswith("'") else plain
        for match, quoted, plain in [
            (found.group(), found[1] or "", found[2] or "") for found in _WORD.finditer(argument)
        ]
    ]


def _switch(current: bool, argument: str, command: str) -> bool:
    """on, off, or the other way round without an argument."""
    if not argument:
        return not current
    if argument.lower() in ("on", "true", "1", "yes"):
        return True
    if argument.lower() in ("off", "false", "0", "no"):
        return False
    raise errors.SyntaxError(f'unrecognized value "{argument}" for {command}: on or off expected')


# What exists.


def _describe(interpreter: Interpreter, argument: str) -> None:
    if not argument:
        _list(interpreter, "rvmS", argument)
        return
    for description in describe(interpreter.target.connection, argument):
        interpreter.show_result(
            replace(description.columns, title=description.title, footers=description.footers)
        )


def _list(interpreter: Interpreter, kinds: str, argument: str) -> None:
    pattern = Pattern.parse(argument)
    result = list_relations(interpreter.target.connection, kinds, pattern)
    _show_list(interpreter, result, "List of relations", argument)


def _show_list(interpreter: Interpreter, result: ResultText, title: str, argument: str) -> None:
    if not result.rows:
        named = f' named "{argument}"' if argument else ""
        interpreter.say(f"Did not find any relations{named}.")
        return
    interpreter.show_result(replace(result, title=title))


def _lister(kinds: str) -> Command:
    return lambda interpreter, argument: _list(interpreter, kinds, argument)


def _schemas(interpreter: Interpreter, argument: str) -> None:
    result = list_schemas(interpreter.target.connection, Pattern.parse(argument))
    _show_list(interpreter, result, "List of schemas", argument)


def _databases(interpreter: Interpreter, _argument: str) -> None:
    target = interpreter.target
    rows = [(target.name, target.path)]
    result = ResultText(("Name", "File"), ("text", "text"), rows)
    _show_list(interpreter, result, "List of databases", "")


# The session and the display.


def _timing(interpreter: Interpreter, argument: str) -> None:
    display = interpreter.display
    display.has_timing = _switch(display.has_timing, argument, "\\timing")
    interpreter.say(f"Timing is {'on' if display.has_timing else 'off'}.")


def _expanded(interpreter: Interpreter, argument: str) -> None:
    display = interpreter.display
    if argument == "auto":
        display.expanded = Expanded.AUTO
    else:
        is_on = _switch(display.expanded is Expanded.ON, argument, "\\x")
        display.expanded = Expanded.ON if is_on else Expanded.OFF
    how = "used automatically" if display.expanded is Expanded.AUTO else display.expanded.value
    interpreter.say(f"Expanded display is {how}.")


def _format(interpreter: Interpreter, argument: str) -> None:
    argument = FORMAT_ALIASES.get(argument, argument)
    if argument and argument not in FORMATS:
        raise errors.InvalidParameterValue(
            f'there is no format "{argument}"', hint=f"The formats are {', '.join(FORMATS)}."
        )
    interpreter.display.format = argument or interpreter.display.format
    interpreter.say(f"Output format is {interpreter.display.format}.")


def _null(interpreter: Interpreter, argument: str) -> None:
    interpreter.display.null = "".join(words_of(argument)[:1])
    interpreter.say(f'Null display is "{interpreter.display.null}".')


def _tuples_only(interpreter: Interpreter, argument: str) -> None:
    display = interpreter.display
    display.is_tuples_only = _switch(display.is_tuples_only, argument, "\\t")


def _rows(interpreter: Interpreter, argument: str) -> None:
    if argument and not argument.isdigit():
        raise errors.SyntaxError("\\rows takes a number; 0 shows all rows")
    interpreter.display.rows_max = int(argument or 0)
    interpreter.say(f"Rows shown of a result: {interpreter.display.rows_max or 'all'}.")


def _pset(interpreter: Interpreter, argument: str) -> None:
    name, _, value = argument.partition(" ")
    setters: Mapping[str, Command] = {
        "expanded": _expanded,
        "format": _format,
        "null": _null,
        "tuples_only": _tuples_only,
    }
    if name not in setters:
        raise errors.SyntaxError(
            f"\\pset: unknown option: {name}", hint=f"The options are {', '.join(setters)}."
        )
    setters[name](interpreter, value.strip())


def _connection_facts(interpreter: Interpreter, _argument: str) -> None:
    target = interpreter.target
    access = ", read-only" if target.is_read_only else ""
    interpreter.print(f'You are connected to database "{target.name}" ({target.path}{access}).')


def _connect(interpreter: Interpreter, argument: str) -> None:
    (path,) = words_of(argument) or [interpreter.target.path]
    interpreter.target.reopen(path)
    _connection_facts(interpreter, "")


def _restart(interpreter: Interpreter, _argument: str) -> None:
    interpreter.target.restart(is_crash=False)
    interpreter.say("Closed and opened again.")


def _crash(interpreter: Interpreter, _argument: str) -> None:
    interpreter.target.restart(is_crash=True)
    interpreter.say("Dropped as a killed process would, and recovered.")


# Input, output, help.


def _include(interpreter: Interpreter, argument: str) -> None:
    names = words_of(argument)
    if not names:
        raise errors.SyntaxError("\\i: missing required argument")
    if not interpreter.run_file(names[0]) and interpreter.stops_at_error:
        raise ScriptFailed(f"{names[0]} stopped at an error")


class ScriptFailed(errors.OperationalError):
    """A script that another one includes has failed; its own error was reported already."""


def _echo(interpreter: Interpreter, argument: str) -> None:
    interpreter.print(" ".join(words_of(argument)))


def _quit(_interpreter: Interpreter, _argument: str) -> None:
    raise QuitShell


def _verbose_error(interpreter: Interpreter, _argument: str) -> None:
    error = interpreter.last_error
    if error is None:
        interpreter.print("There is no previous error.")
    else:
        interpreter.print(format_error(error, is_verbose=True))


def _statement_help(interpreter: Interpreter, argument: str) -> None:
    wanted = argument.upper()
    found = [
        (name, text) for name, text in STATEMENTS.items() if not wanted or name.startswith(wanted)
    ]
    if not wanted:
        for name in sorted(STATEMENTS):
            interpreter.print(f"  {name}")
        return
    if not found:
        interpreter.print(f'No help available for "{argument}".')
    for name, text in found:
        interpreter.print(f"{name}\n  {text}\n")


def _help(interpreter: Interpreter, _argument: str) -> None:
    width = max(len(entry.usage) for entry in _ENTRIES)
    for entry in _ENTRIES:
        interpreter.print(f"  {entry.usage.ljust(width)}  {entry.help}")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A command: its names (the first is the real one), how it is written, what it does."""

    names: tuple[str, ...]
    usage: str
    help: str
    run: Command


_ENTRIES: tuple[_Entry, ...] = (
    _Entry(("\\?", ".help"), "\\?", "this list", _help),
    _Entry(("\\h", "\\help"), "\\h [STATEMENT]", "syntax of SQL statements", _statement_help),
    _Entry(("\\q", "\\quit", ".quit", ".exit"), "\\q", "leave", _quit),
    _Entry(("\\d", ".schema"), "\\d [NAME]", "describe a table, view, index or sequence; list them", _describe),
    _Entry(("\\dt", ".tables"), "\\dt [PATTERN]", "list tables", _lister("r")),
    _Entry(("\\di", ".indexes"), "\\di [PATTERN]", "list indexes", _lister("i")),
    _Entry(("\\dv",), "\\dv [PATTERN]", "list views", _lister("vm")),
    _Entry(("\\ds",), "\\ds [PATTERN]", "list sequences", _lister("S")),
    _Entry(("\\dn",), "\\dn [PATTERN]", "list schemas", _schemas),
    _Entry(("\\l", ".databases"), "\\l", "the database that is open", _databases),
    _Entry(("\\c", "\\connect", ".open"), "\\c [FILE]", "open another database", _connect),
    _Entry(("\\conninfo",), "\\conninfo", "what the shell is connected to", _connection_facts),
    _Entry(("\\restart",), "\\restart", "close the database cleanly and open it again", _restart),
    _Entry(("\\crash",), "\\crash", "drop the database as a killed process would, and recover", _crash),
    _Entry(("\\i", "\\include", ".read"), "\\i FILE", "run a script", _include),
    _Entry(("\\echo", ".print"), "\\echo TEXT", "print a line", _echo),
    _Entry(("\\timing", ".timer"), "\\timing [on|off]", "show how long statements take", _timing),
    _Entry(("\\x",), "\\x [on|off]", "one column a line", _expanded),
    _Entry(("\\format", ".mode"), "\\format [NAME]", f"output format: {', '.join(FORMATS)}", _format),
    _Entry(("\\pset",), "\\pset NAME [VALUE]", "psql's spelling of format, null, expanded, tuples_only", _pset),
    _Entry(("\\null", ".nullvalue"), "\\null 'TEXT'", "how NULL is shown", _null),
    _Entry(("\\t",), "\\t [on|off]", "rows only, without header and count", _tuples_only),
    _Entry(("\\rows",), "\\rows [N]", "show at most N rows of a result; 0 shows all", _rows),
    _Entry(("\\errverbose",), "\\errverbose", "the last error in full", _verbose_error),
)  # fmt: skip

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {name: entry.run for entry in _ENTRIES for name in entry.names}
)
