r"""Input, output and other programs: \i \ir \o \copy \echo \qecho \warn \s \! \cd."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from lungfish import errors
from lungfish.repl.commands.entry import Entry, one_word, words_of
from lungfish.repl.commands.query_buffer import output_to
from lungfish.repl.interpreter import Interpreter, ScriptFailed
from lungfish.repl.interrupt import cancel_on_interrupt
from lungfish.repl.progress import show_progress
from lungfish.sql.quoting import quote_literal

_COPY = re.compile(
    r"""(?P<what>\((?:[^()']|'[^']*'|\((?:[^()']|'[^']*')*\))*\)|(?:"[^"]*"|[^\s("])+(?:\s*\([^)]*\))?)
        \s+(?P<way>from|to)\s+
        (?:program\s+(?P<program>'(?:[^']|'')*')|(?P<stream>p?std(?:in|out))\b|(?P<quoted>'(?:[^']|'')*')|(?P<path>\S+))
        (?P<options>.*)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def _include(interpreter: Interpreter, name: str, argument: str) -> None:
    path = Path(one_word(interpreter, name, argument)).expanduser()
    if name in ("\\ir", "\\include_relative"):
        path = interpreter.folder / path
    if not interpreter.run_file(str(path)) and interpreter.stops_at_error:
        raise ScriptFailed(f"{path} stopped at an error")


class OutputFile:
    r"""Where `\o` sends results; standard output comes back with the next `\o`."""

    def __init__(self, interpreter: Interpreter, target: str) -> None:
        self._stack = ExitStack()
        out = self._stack.enter_context(output_to(target))
        self._stack.enter_context(interpreter.printing_to(out))

    def close(self) -> None:
        """Close the file."""
        self._stack.close()


def _output(interpreter: Interpreter, _name: str, argument: str) -> None:
    if interpreter.output_file is not None:
        interpreter.output_file.close()
        interpreter.output_file = None
    target = argument if argument.startswith("|") else "".join(words_of(interpreter, argument)[:1])
    if target:
        interpreter.output_file = OutputFile(interpreter, target)


def _copy(interpreter: Interpreter, _name: str, argument: str) -> None:
    found = _COPY.fullmatch(argument.strip().rstrip(";"))
    if found is None:
        raise errors.SyntaxError(
            "\\copy: parse error",
            hint="\\copy TABLE|(QUERY) FROM|TO 'FILE'|STDIN|STDOUT [WITH (OPTIONS)]",
        )
    head = f"COPY {found['what']} {found['way'].upper()}"
    options = found["options"]
    name = found["quoted"] or found["path"]
    if name is not None:
        # The database reads and writes files where the shell does.
        path = name[1:-1].replace("''", "'") if name.startswith("'") else name
        full = str(Path(path).expanduser().absolute())
        interpreter.run_sql(f"{head} {quote_literal(full)}{options}")
    elif found["way"].lower() == "from":
        _copy_in(interpreter, f"{head} STDIN{options}", found["program"])
    else:
        _copy_out(interpreter, f"{head} STDOUT{options}", found["program"])


def _program(quoted: str) -> str:
    return quoted[1:-1].replace("''", "'")


def _copy_in(interpreter: Interpreter, sql: str, program: str | None) -> None:
    if program is None:
        lines = []
        for line in sys.stdin:
            if line.rstrip("\r\n") == "\\.":
                break
            lines.append(line)
        data = "".join(lines)
    else:
        done = subprocess.run(_program(program), shell=True, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            raise errors.ExternalRoutineException(
                f"program {program} failed",
                detail=f"child process exited with exit code {done.returncode}",
            )
        data = done.stdout.decode("utf-8")
    connection = interpreter.target.connection
    with cancel_on_interrupt(connection), show_progress(interpreter), connection.copy(sql) as copy:
        copy.write(data)
    interpreter.say(f"COPY {copy.rowcount}")


def _copy_out(interpreter: Interpreter, sql: str, program: str | None) -> None:
    with ExitStack() as stack:
        out = interpreter.out
        if program is not None:
            out = stack.enter_context(output_to(f"|{_program(program)}"))
        with interpreter.target.connection.copy(sql) as copy:
            for line in copy:
                out.write(line.decode("utf-8"))
    if program is not None:
        interpreter.say(f"COPY {copy.rowcount}")


def _echo(interpreter: Interpreter, name: str, argument: str) -> None:
    words = words_of(interpreter, argument)
    end = "\n"
    if words and words[0] == "-n":
        end, words = "", words[1:]
    text = " ".join(words) + end
    if name == "\\warn":
        interpreter.out.flush()
        interpreter.err.write(text)
    elif name == "\\qecho":
        interpreter.out.write(text)
    else:
        # Also while \o sends results elsewhere.
        interpreter.standard_out.write(text)


def _history(interpreter: Interpreter, _name: str, argument: str) -> None:
    words = words_of(interpreter, argument)
    lines = interpreter.history()
    if not words:
        for line in lines:
            interpreter.print(line)
        return
    with output_to(words[0]) as out:
        out.writelines([f"{line}\n" for line in lines])
    interpreter.say(f'Wrote history to file "{words[0]}".')


def _shell(interpreter: Interpreter, _name: str, argument: str) -> None:
    interpreter.out.flush()
    command = argument or os.environ.get("SHELL", "sh")
    code = subprocess.run(command, shell=True, check=False).returncode
    interpreter.variables.set("SHELL_EXIT_CODE", str(code))
    interpreter.variables.set("SHELL_ERROR", "true" if code else "false")


def _change_folder(interpreter: Interpreter, _name: str, argument: str) -> None:
    path = Path("".join(words_of(interpreter, argument)[:1]) or "~").expanduser()
    try:
        os.chdir(path)
    except OSError as error:
        raise errors.UndefinedFile(
            f'\\cd: could not change directory to "{path}": {error.strerror}'
        ) from error


ENTRIES = (
    Entry(("\\i", "\\include", ".read"), "\\i FILE", "run a script", _include, "file"),
    Entry(("\\ir", "\\include_relative"), "\\ir FILE", "run a script beside the one that runs", _include, "file"),
    Entry(("\\o", "\\out", ".output"), "\\o [FILE|'|COMMAND']", "send results to a file or a command; back without a word", _output, "file"),
    Entry(("\\copy", ".import"), "\\copy TABLE|(QUERY) from|to FILE [with (OPTIONS)]", "COPY with a file of yours, stdin, stdout or a program", _copy, "table"),
    Entry(("\\echo", ".print"), "\\echo [-n] TEXT", "print a line", _echo),
    Entry(("\\qecho",), "\\qecho [-n] TEXT", "print a line to where results go", _echo),
    Entry(("\\warn",), "\\warn [-n] TEXT", "print a line to standard error", _echo),
    Entry(("\\s", ".history"), "\\s [FILE]", "the lines typed so far", _history, "file"),
    Entry(("\\!", ".shell", ".system"), "\\! [COMMAND]", "run a command of the system", _shell),
    Entry(("\\cd", ".cd"), "\\cd [FOLDER]", "change the folder", _change_folder, "file"),
)  # fmt: skip
