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
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import DynamicCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import DynamicLexer

import lungfish
from lungfish import errors
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening

if TYPE_CHECKING:
    from lungfish.repl.engine import Engine

_STATUS_MARKS = {"idle": "=>", "active": "=*>", "failed": "=!>"}


class _EngineLoader:
    """Loads the engine and opens the database in a thread."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._engine: Engine | None = None
        self.error: errors.Error | None = None
        self._thread = threading.Thread(target=self._load, name="lungfish open", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _load(self) -> None:
        # The engine's modules take longer to import than the prompt to draw, hence by name and here.
        module = importlib.import_module("lungfish.repl.engine")
        try:
            self._engine = module.Engine(self._options)
        except errors.Error as error:
            self.error = error
            _end_prompt()

    @property
    def loaded(self) -> Engine | None:
        """The engine if it is there already."""
        return self._engine

    def wait(self) -> Engine | None:
        """The engine, waited for; None where the database did not open."""
        self._thread.join()
        return self._engine


def _end_prompt() -> None:
    """Leave the prompt from another thread."""
    app = get_app()
    if app.is_running and app.loop is not None:
        app.loop.call_soon_threadsafe(lambda: app.exit(exception=EOFError))


def run_prompt(options: argparse.Namespace) -> int:
    """Run the prompt until it is left; the exit code."""
    loader = _EngineLoader(options)
    session = _make_session(loader)
    if not options.quiet:
        print(f'lungfish {lungfish.__version__}. Type "\\?" for help, "\\q" to leave.')
    name = options.database
    label = name if name.startswith(":memory:") else Path(name).name
    is_first = True
    while True:
        engine = loader.loaded
        mark = _STATUS_MARKS[engine.status] if engine is not None else "=>"
        if engine is not None:
            label = engine.name
        try:
            text = session.prompt(f"{label}{mark} ", pre_run=loader.start if is_first else None)
        except KeyboardInterrupt:
            is_first = False
            continue
        except EOFError:
            break
        is_first = False
        engine = loader.wait()
        if engine is None or not engine.run(text):
            break
    return _leave(loader, options)


def _leave(loader: _EngineLoader, options: argparse.Namespace) -> int:
    engine = loader.wait()
    if engine is not None:
        engine.close()
        return ExitCode.OK
    assert loader.error is not None, "the database either opened or said why not"
    print(format_error(loader.error, is_verbose=options.verbose), file=sys.stderr)
    return exit_code_of_opening(loader.error)


def _make_session(loader: _EngineLoader) -> PromptSession[str]:
    def completer() -> object:
        return None if loader.loaded is None else loader.loaded.completer

    def lexer() -> object:
        return None if loader.loaded is None else loader.loaded.lexer

    return PromptSession(
        history=_history(),
        multiline=True,
        key_bindings=_key_bindings(loader),
        prompt_continuation=lambda width, _line, _wrapped: _continuation(loader, width),
        auto_suggest=AutoSuggestFromHistory(),
        completer=DynamicCompleter(completer),  # type: ignore[arg-type]
        complete_while_typing=False,
        lexer=DynamicLexer(lexer),  # type: ignore[arg-type]
        enable_open_in_editor=True,
    )


def _history() -> History:
    """The history file: $LUNGFISH_HISTORY, else ~/.lungfish_history; empty for none."""
    path = os.environ.get("LUNGFISH_HISTORY", "~/.lungfish_history")
    return FileHistory(str(Path(path).expanduser())) if path else InMemoryHistory()


def _key_bindings(loader: _EngineLoader) -> KeyBindings:
    bindings = KeyBindings()

    @Condition
    def is_complete() -> bool:
        document = get_app().current_buffer.document
        # Enter in the middle of a text begins a line there.
        if document.text_after_cursor.strip():
            return False
        engine = loader.wait()
        return engine is None or engine.open_construct(document.text) is None

    @bindings.add("enter", filter=is_complete)
    def _run(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return bindings


def _continuation(loader: _EngineLoader, width: int) -> str:
    """What stands before the second line and those behind it: what is open."""
    engine = loader.loaded
    opened = engine.open_construct(get_app().current_buffer.text) if engine is not None else None
    return f"{opened or '-'}-> ".rjust(width)
