"""A shell for tests: an interpreter whose output is kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lungfish.repl.arguments import shell_parser
from lungfish.repl.interpreter import Interpreter
from lungfish.repl.wiring import build_interpreter, open_target


class TestShell:
    """An interpreter on a database of its own."""

    __test__ = False

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter

    def told(self, text: str) -> str:
        """What the shell prints for a text, results and errors in their order."""
        out = self.interpreter.out
        assert isinstance(out, io.StringIO)
        out.seek(0)
        out.truncate()
        self.interpreter.run_text(text)
        return out.getvalue()


@contextmanager
def open_shell(folder: Path, *arguments: str) -> Iterator[TestShell]:
    """A shell on app.db in a folder, which goes on after errors."""
    options = shell_parser().parse_args([str(folder / "app.db"), *arguments])
    target = open_target(options)
    out = io.StringIO()
    interpreter = build_interpreter(options, target, out)
    interpreter.err = out
    interpreter.stops_at_error = False
    try:
        yield TestShell(interpreter)
    finally:
        interpreter.target.close()
