r"""The session: \c \conninfo \q \restart \crash \errverbose \encoding, and help: \? \h."""

from __future__ import annotations

from lungfish.repl.commands.entry import Entry, words_of
from lungfish.repl.error_text import format_error
from lungfish.repl.interpreter import Interpreter, QuitShell
from lungfish.repl.progress import show_opening
from lungfish.repl.statement_help import STATEMENTS


def _connection_facts(interpreter: Interpreter, _name: str, _argument: str) -> None:
    target = interpreter.target
    access = ", read-only" if target.is_read_only else ""
    interpreter.print(f'You are connected to database "{target.name}" ({target.path}{access}).')


def _connect(interpreter: Interpreter, name: str, argument: str) -> None:
    words = words_of(interpreter, argument)
    path = words[0] if words and words[0] != "-" else interpreter.target.path
    lost = interpreter.target.open_work()
    with show_opening(interpreter):
        interpreter.target.reopen(path)
    interpreter.variables.set("DBNAME", interpreter.target.name)
    if lost is not None:
        interpreter.say(f"The open transaction was rolled back{lost}.")
    if not interpreter.display.is_quiet:
        _connection_facts(interpreter, name, "")


def _restart(interpreter: Interpreter, name: str, _argument: str) -> None:
    target = interpreter.target
    is_crash = name == "\\crash"
    lost = target.open_work()
    with show_opening(interpreter):
        target.restart(is_crash=is_crash)
    report = target.database.recovery_report
    if is_crash:
        interpreter.print("Dropped as a killed process would, and recovered.")
        interpreter.print(
            f"Kept: everything committed; {report.counts.records_applied:,} log records"
            f" were applied again in {report.total_ms:.0f} ms."
        )
    else:
        interpreter.print("Closed and opened again.")
        interpreter.print("Kept: everything committed.")
    if lost is not None:
        interpreter.print(f"Lost: the transaction that was open{lost}.")
    else:
        interpreter.print("Lost: nothing, as no transaction was open.")


def _quit(_interpreter: Interpreter, _name: str, _argument: str) -> None:
    raise QuitShell


def _verbose_error(interpreter: Interpreter, _name: str, _argument: str) -> None:
    error = interpreter.last_error
    if error is None:
        interpreter.print("There is no previous error.")
    else:
        interpreter.print(format_error(error, is_verbose=True))


def _encoding(interpreter: Interpreter, _name: str, _argument: str) -> None:
    interpreter.print("UTF8")


def _statement_help(interpreter: Interpreter, _name: str, argument: str) -> None:
    wanted = " ".join(argument.upper().rstrip(";").split())
    if not wanted:
        interpreter.print("Available help:")
        names = sorted(STATEMENTS)
        width = max(map(len, names)) + 2
        for start in range(0, len(names), 3):
            line = "".join([name.ljust(width) for name in names[start : start + 3]])
            interpreter.print(f"  {line}".rstrip())
        return
    found = [(name, text) for name, text in STATEMENTS.items() if name.startswith(wanted)]
    # The nearest statement, when more words were given than its name has.
    while not found and " " in wanted:
        wanted = wanted.rpartition(" ")[0]
        found = [(name, text) for name, text in STATEMENTS.items() if name.startswith(wanted)]
    if not found:
        interpreter.print(
            f'No help available for "{argument}".\nTry \\h with no arguments to see available help.'
        )
    for name, text in found:
        interpreter.print(f"Command:  {name}\nSyntax:\n  {text}\n")


ENTRIES = (
    Entry(("\\c", "\\connect", ".open"), "\\c [FILE]", "open another database", _connect, "file"),
    Entry(("\\conninfo",), "\\conninfo", "what the shell is connected to", _connection_facts),
    Entry(("\\restart",), "\\restart", "close the database cleanly and open it again", _restart),
    Entry(("\\crash",), "\\crash", "drop the database as a killed process would, and recover", _restart),
    Entry(("\\errverbose",), "\\errverbose", "the last error in full", _verbose_error),
    Entry(("\\encoding",), "\\encoding", "the encoding of the database", _encoding),
    Entry(("\\h", "\\help"), "\\h [STATEMENT]", "syntax of SQL statements", _statement_help, "statement"),
    Entry(("\\q", "\\quit", ".quit", ".exit"), "\\q", "leave", _quit),
)  # fmt: skip
