"""What the prompt proposes: keywords, names from the catalog, and the shell's own commands.

The names are fetched in a thread after the database has opened and after each statement that may have changed them, over a
connection of their own, so that typing never waits.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from lungfish import errors
from lungfish.repl.target import Target
from lungfish.sql.quoting import COMMON_WORDS, quote_identifier
from lungfish.types.keywords import KEYWORDS

_WORD = re.compile(r'[\w$"\\.?]*\Z')
_CHANGES_NAMES = re.compile(r"\s*(?:create|alter|drop|begin|commit|rollback)\b", re.IGNORECASE)
_NAMES = """SELECT DISTINCT table_name FROM information_schema.tables
    UNION SELECT DISTINCT column_name FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"""


class ShellCompleter(Completer):
    """Proposes what may follow the word before the cursor."""

    def __init__(self, commands: Iterable[str]) -> None:
        self._commands = sorted(commands)
        self._keywords = sorted(KEYWORDS | COMMON_WORDS)
        # Replaced as a whole by the refreshing thread.
        self._names: list[str] = []

    def refresh(self, target: Target) -> None:
        """Fetch the names in a thread."""
        threading.Thread(target=self._fetch, args=(target,), daemon=True).start()

    def refresh_after(self, sql: str, target: Target) -> None:
        """Fetch them again if the statement may have changed them."""
        if _CHANGES_NAMES.match(sql):
            self.refresh(target)

    def _fetch(self, target: Target) -> None:
        try:
            connection = target.database.connect(autocommit=True, read_only=target.is_read_only)
        except errors.Error:
            return  # It was closed meanwhile; the next refresh finds the new one.
        try:
            rows = connection.execute(_NAMES).fetchall()
            self._names = sorted(quote_identifier(str(row[0])) for row in rows)
        except errors.Error:
            return  # The same.
        finally:
            connection.close()

    def get_completions(self, document: Document, _event: CompleteEvent) -> Iterator[Completion]:
        """prompt_toolkit's call."""
        match = _WORD.search(document.text_before_cursor)
        word = match.group() if match is not None else ""
        if not word:
            return
        if word[0] in "\\.":
            yield from self._matching(self._commands, word)
            return
        word = word.rpartition(".")[2]
        yield from self._matching(self._names, word)
        yield from self._keyword_completions(word)

    def _matching(self, candidates: list[str], word: str) -> Iterator[Completion]:
        lowered = word.lower()
        for candidate in candidates:
            if candidate.lower().startswith(lowered):
                yield Completion(candidate, start_position=-len(word))

    def _keyword_completions(self, word: str) -> Iterator[Completion]:
        """Keywords, in capitals if the word is typed so."""
        lowered = word.lower()
        is_upper = word.isupper()
        for keyword in self._keywords:
            if keyword.startswith(lowered) and lowered:
                text = keyword.upper() if is_upper else keyword
                yield Completion(text, start_position=-len(word))
