"""The interactive prompt, by prompt_toolkit: history, several lines, completion, highlighting.

The prompt is drawn first; a thread then loads the engine and opens the database, and the first statement waits for it. Enter runs
what is complete (a semicolon outside everything, or a backslash command) and otherwise begins a new line, whose prompt shows what is
still open: '-> (-> $$->.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import DynamicCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import DynamicLexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

import lungfish
from lungfish import errors
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening

if TYPE_CHECKING:
    from lungfish.repl.engine import Engine


# The colours that `highlight.py` names.
_STYLE = {
    "sql.keyword": "bold ansiblue",
    "sql.string": "ansigreen",
    "sql.number": "ansicyan",
    "sql.comment": "italic ansibrightblack",
    "sql.quoted": "ansiyellow",
    "sql.parameter": "ansimagenta",
    "sql.command": "bold ansimagenta",
    "sql.open": "ansigreen underline",
    "sql.unbalanced": "bold ansired underline",
    # The line about a recovery.
    "bottom-toolbar": "noreverse ansibrightblack",
}
# How often the screen is drawn anew while Enter waits for the database.
_REDRAW_EVERY_S = 0.1


class _EngineLoader:
    """Loads the engine and opens the database in a thread."""

    def __init__(self, options: argparse.Namespace, history: History) -> None:
        self._options = options
        self._history = history
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="lungfish open")
        self._future: Future[Engine] | None = None
        self._session: PromptSession[str] | None = None

    def start(self, session: PromptSession[str]) -> None:
        """Begin to load. A database that does not open ends the prompt."""
        self._session, app = session, session.app
        self._future = self._executor.submit(self._load)
        self._future.add_done_callback(
            lambda future: None if future.exception() is None else _end_prompt(app)
        )

    def _load(self) -> Engine:
        # The engine's modules take longer to import than the prompt to draw, hence by name and here.
        module = importlib.import_module("lungfish.repl.engine")
        engine: Engine = module.Engine(self._options, self._history.get_strings, self._show)
        self._show(None)
        return engine

    def _show(self, line: str | None) -> None:
        """Have a line below what is typed, or none."""
        session = self._session
        assert session is not None, "the prompt has started it"
        if line != session.bottom_toolbar:
            session.bottom_toolbar = line
            session.app.invalidate()

    @property
    def loaded(self) -> Engine | None:
        """The engine if it is there already."""
        future = self._future
        if future is None or not future.done() or future.exception() is not None:
            return None
        return future.result()

    def is_complete(self, text: str) -> bool:
        """Whether Enter may hand the text over, waiting for the engine; where there is none, `wait` will say why."""
        try:
            return self._wait_drawing().open_construct(text) is None
        except errors.Error:
            return True

    def _wait_drawing(self) -> Engine:
        """`wait` from within the prompt, which draws nothing meanwhile, so that this must: the line about a recovery goes on."""
        assert self._future is not None, "the prompt has started it"
        while not wait_for([self._future], timeout=_REDRAW_EVERY_S).done:
            app = get_app()
            # Texts are kept from one drawing to the next by its number.
            app.render_counter += 1
            app.renderer.render(app, app.layout)
        return self.wait()

    def wait(self) -> Engine:
        """The engine, waited for. Raises what opening the database raised."""
        assert self._future is not None, "the prompt has started it"
        return self._future.result()


def _end_prompt(app: Application[str]) -> None:
    """Leave the prompt, from another thread, unless it is being left already."""

    def leave() -> None:
        if app.future is not None and not app.future.done():
            app.exit(exception=EOFError)

    if app.loop is not None:
        app.loop.call_soon_threadsafe(leave)


def run_prompt(options: argparse.Namespace) -> int:
    """Run the prompt until it is left; the exit code."""
    history = _history()
    loader = _EngineLoader(options, history)
    if not options.quiet:
        print(f'lungfish {lungfish.__version__}. Type "\\?" for help, "\\q" to leave.')
    try:
        _prompt_until_left(loader, options.database, history)
        loader.wait().close()
    except errors.Error as error:
        print(format_error(error, is_verbose=options.verbose), file=sys.stderr)
        return exit_code_of_opening(error)
    return ExitCode.OK


def _prompt_until_left(loader: _EngineLoader, database: str, history: History) -> None:
    session = _make_session(loader, history)
    label = database if database.startswith(":memory:") else Path(database).name
    pre_run: Callable[[], None] | None = partial(loader.start, session)
    while True:
        engine = loader.loaded
        try:
            text = session.prompt(
                f"{label}=> " if engine is None else engine.prompt(), pre_run=pre_run
            )
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        finally:
            pre_run = None
        if not loader.wait().run(text):
            return


def _make_session(loader: _EngineLoader, history: History) -> PromptSession[str]:
    def completer() -> object:
        return None if loader.loaded is None else loader.loaded.completer

    def lexer() -> object:
        return None if loader.loaded is None else loader.loaded.lexer

    return PromptSession(
        history=history,
        multiline=True,
        key_bindings=_key_bindings(loader),
        prompt_continuation=partial(_continuation, loader),
        auto_suggest=AutoSuggestFromHistory(),
        completer=DynamicCompleter(completer),  # type: ignore[arg-type]
        complete_while_typing=False,
        lexer=DynamicLexer(lexer),  # type: ignore[arg-type]
        enable_open_in_editor=True,
        color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
        style=_style(),
    )


def _style() -> Style:
    return Style.from_dict(_STYLE)


def _history() -> History:
    """The history file: $LUNGFISH_HISTORY, else ~/.lungfish_history; empty for none."""
    path = os.environ.get("LUNGFISH_HISTORY", "~/.lungfish_history")
    return FileHistory(str(Path(path).expanduser())) if path else InMemoryHistory()


def _key_bindings(loader: _EngineLoader) -> KeyBindings:
    bindings = KeyBindings()

    @Condition
    def is_complete() -> bool:
        document = get_app().current_buffer.document
        # Enter in the middle of a text of several lines begins a line there.
        if document.text_after_cursor.strip() and "\n" in document.text:
            return False
        return loader.is_complete(document.text)

    @bindings.add("enter", filter=is_complete)
    def _run(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return bindings


def _continuation(loader: _EngineLoader, width: int, line: int, wrap: int) -> str:
    """What stands before the second line and those behind it: what the lines before it leave open. Nothing before a line's own rest."""
    if wrap:
        return " " * width
    engine = loader.loaded
    before = get_app().current_buffer.text.split("\n")[:line]
    opened = engine.open_construct("\n".join(before)) if engine is not None else None
    return f"{opened or '-'}-> ".rjust(width)
