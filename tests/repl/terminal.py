"""A real terminal for the shell: a pseudo-terminal, with a screen emulator (pyte) that shows what a person would see.

Nothing sleeps: `wait_for` reads what the shell writes until the screen shows what is waited for, or a deadline passes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyte

COLUMNS, LINES = 80, 24
_DEADLINE_S = 60.0
KEYS = {
    "enter": "\r",
    "tab": "\t",
    "ctrl-c": "\x03",
    "ctrl-d": "\x04",
    "ctrl-r": "\x12",
    "escape": "\x1b",
    "up": "\x1b[A",
    "down": "\x1b[B",
}


class Terminal:
    """The shell in a terminal. Use in `with`."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self.process_id, self._terminal = pty.fork()
        if self.process_id == 0:
            os.execve(
                sys.executable,
                [sys.executable, "-m", "lungfish.repl.main", *arguments],
                {
                    **os.environ,
                    **environment,
                    "TERM": "xterm",
                    "LINES": str(LINES),
                    "COLUMNS": str(COLUMNS),
                },
            )
        size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._terminal)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process_id, 9)
        os.waitpid(self.process_id, 0)

    def type(self, text: str) -> None:
        """Type a text; `<enter>` and its like are keys."""
        for part in re.split(r"(<[a-z-]+>)", text):
            key = KEYS.get(part[1:-1]) if part.startswith("<") else None
            os.write(self._terminal, (part if key is None else key).encode())

    def wait_for(self, what: str | Callable[[str], bool]) -> str:
        """Read until the screen shows a text (or fulfils a condition); the screen then. Fails after a deadline."""
        is_there = (lambda shown: what in shown) if isinstance(what, str) else what
        deadline = time.monotonic() + _DEADLINE_S
        while not is_there(self.shown):
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"the terminal never showed {what!r}:\n{self.shown}")
        return self.shown

    def read_for(self, seconds: float) -> None:
        """Read what comes until nothing has come for that long."""
        while self._read(seconds):
            pass

    def wait_for_prompt(self, prompt: str) -> str:
        """Read until the last line with text is this prompt, with the cursor behind it."""
        return self.wait_for(
            lambda shown: shown.rstrip("\n").endswith(f"\n{prompt}") or shown.strip() == prompt
        )

    def wait_for_end(self) -> str:
        """Read until the shell has ended; the screen then."""
        deadline = time.monotonic() + _DEADLINE_S
        while self._read(deadline - time.monotonic()):
            pass
        return self.shown

    def _read(self, seconds: float) -> bool:
        """Take in what comes next; False at the end."""
        ready, _, _ = select.select([self._terminal], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            data = os.read(self._terminal, 65536)
        except OSError:
            # Linux's way to say that the other side is gone.
            return False
        self._stream.feed(data)
        if b"\x1b[6n" in data:
            # The prompt asks where the cursor is; a terminal answers.
            row, column = self.screen.cursor.y + 1, self.screen.cursor.x + 1
            os.write(self._terminal, f"\x1b[{row};{column}R".encode())
        return bool(data)

    @property
    def shown(self) -> str:
        """The screen as text, without spaces at the ends of lines and empty lines at the end."""
        return "\n".join([line.rstrip() for line in self.screen.display]).rstrip("\n") + "\n"

    def style_at(self, text: str) -> tuple[str, bool, bool]:
        """Colour, boldness and underline of the first place where the screen shows a text."""
        for y, line in enumerate(self.screen.display):
            x = line.find(text)
            if x >= 0:
                place = self.screen.buffer[y][x]
                return place.fg, place.bold, place.underscore
        raise AssertionError(f"the screen does not show {text!r}:\n{self.shown}")


def environment_for(folder: Path) -> dict[str, str]:
    """An environment without the user's own files."""
    return {
        "HOME": str(folder),
        "LUNGFISH_HISTORY": str(folder / "history"),
        "LUNGFISH_CONFIG": "",
        "LUNGFISH_PAGER": "less -SRX",
        "LESSHISTFILE": "-",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "NO_COLOR": "",
    }
