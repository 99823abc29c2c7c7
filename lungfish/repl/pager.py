"""Results that do not fit on the screen go through a pager, piece by piece: it shows the first page while the rest is drawn.

The pager is $LUNGFISH_PAGER, else $PAGER, else `less -SRFX` where there is one: it cuts long lines instead of folding them, and scrolls
to the side. Leaving it early ends the drawing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import IO

from lungfish.repl.formats import DisplaySettings
from lungfish.repl.formats.screen import line_width

_DEFAULT = "less"
_DEFAULT_OPTIONS = "-SRX"


class Pager:
    """Shows text on a terminal of a size that `screen` tells: columns and lines."""

    def __init__(self, command: str | None, screen: Callable[[], tuple[int, int]]) -> None:
        self._command = command
        self._screen = screen

    @property
    def columns(self) -> int:
        """The screen's width."""
        return self._screen()[0]

    def show(self, texts: Iterator[str], out: IO[str], settings: DisplaySettings) -> None:
        """Print the texts, or page them if they are wider or longer than the screen."""
        if self._command is None or settings.pager == "off":
            out.writelines(texts)
            return
        columns, lines = self._screen()
        head: list[str] = []
        line_count = 0
        is_paged = settings.pager == "always"
        for text in texts:
            head.append(text)
            line_count += text.count("\n")
            is_paged = is_paged or line_count >= lines or _is_wider(text, columns)
            if is_paged:
                break
        if is_paged:
            out.flush()
            self._page(head, texts)
        else:
            for text in head:
                out.write(text)

    def _page(self, head: list[str], rest: Iterator[str]) -> None:
        assert self._command is not None, "otherwise nothing is paged"
        process = subprocess.Popen(
            self._command, shell=True, stdin=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert process.stdin is not None, "it was asked for"
        # Ctrl-C belongs to the pager while it runs.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            for text in head:
                process.stdin.write(text)
            process.stdin.flush()
            for text in rest:
                process.stdin.write(text)
            process.stdin.close()
        except BrokenPipeError:
            # It was left before the end.
            pass
        finally:
            process.wait()
            signal.signal(signal.SIGINT, before)
            with suppress(BrokenPipeError):
                process.stdin.close()


def _is_wider(text: str, columns: int) -> bool:
    return any(line_width(line) > columns for line in text.split("\n"))


def pager_command(environment: Mapping[str, str] = os.environ) -> str | None:
    """The command that pages; None where there is none, or an empty variable says so."""
    for name in ("LUNGFISH_PAGER", "PAGER"):
        if name in environment:
            command = environment[name].strip()
            return f"less {_DEFAULT_OPTIONS}" if command == "less" else command or None
    return f"{_DEFAULT} {_DEFAULT_OPTIONS}" if shutil.which(_DEFAULT) else None
