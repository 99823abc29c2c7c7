r"""What may follow the text before the cursor.

    \d <TAB>              what the command takes: tables, files, settings, words
    SET wo<TAB>           settings
    FROM al<TAB>          relations and schemas
    JOIN album <TAB>      ON with the columns of a foreign key
    a.<TAB>               columns of the table that a stands for, with their types
    SELECT ti<TAB>        columns of the tables in FROM first, then functions with their signatures, then keywords

The names are fetched in a thread after the database has opened and after each statement that may have changed them, over a
connection of their own, so that typing never waits.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from lungfish import errors
from lungfish.repl.commands import ENTRIES
from lungfish.repl.commands.entry import Entry
from lungfish.repl.completion.context import Context, TableInScope, context_of
from lungfish.repl.completion.names import Names, RelationName, fetch_names
from lungfish.repl.statement_help import STATEMENTS
from lungfish.repl.target import Target
from lungfish.sql.quoting import COMMON_WORDS, quote_identifier
from lungfish.types.keywords import KEYWORDS

_CHANGES_NAMES = re.compile(r"\s*(?:create|alter|drop|begin|commit|rollback|\\)", re.IGNORECASE)
_COMMAND = re.compile(r"(?:\A|\s)(\\[^\s\\]*|\A\s*\.[a-z]+)(\s+[^\\]*)?\Z")
_TABLE_CLAUSES = frozenset(
    {
        "from",
        "join",
        "into",
        "update",
        "table",
        "only",
        "truncate",
        "analyze",
        "vacuum",
        "references",
        "copy",
    }
)
_FETCH_WAIT_S = 0.5
# Kinds of relations that a command's argument may be.
_KINDS = {"table": "rpfvm", "view": "vm", "index": "iI", "sequence": "S", "relation": "rpfvmSiI"}


class ShellCompleter(Completer):
    """Proposes what may follow the word before the cursor."""

    def __init__(self) -> None:
        self._commands = {name: entry for entry in ENTRIES for name in entry.names}
        self._keywords = sorted(KEYWORDS | COMMON_WORDS)
        self._paths = PathCompleter(expanduser=True)
        # Replaced as a whole by the refreshing thread.
        self.names = Names()
        self.variables: Sequence[str] = ()
        self._fetching: threading.Thread | None = None

    # Names.

    def refresh(self, target: Target) -> None:
        """Fetch the names in a thread."""
        self._fetching = threading.Thread(target=self.fetch, args=(target,), daemon=True)
        self._fetching.start()

    def refresh_after(self, sql: str, target: Target) -> None:
        """Fetch them again if the statement may have changed them."""
        if _CHANGES_NAMES.match(sql):
            self.refresh(target)

    def fetch(self, target: Target) -> None:
        """Fetch them now."""
        try:
            with target.database.connect(
                autocommit=True, read_only=target.is_read_only
            ) as connection:
                self.names = fetch_names(connection)
        except errors.Error:
            return  # It was closed meanwhile; the next refresh finds the new one.

    # Proposals.

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterator[Completion]:
        """prompt_toolkit's call."""
        if self._fetching is not None:
            # Proposals are asked for by a key, so the newest names are worth a moment.
            self._fetching.join(_FETCH_WAIT_S)
        before = document.text_before_cursor
        command = _COMMAND.search(before)
        if command is not None:
            yield from self._after_command(command[1].strip(), command[2], event)
            return
        context = context_of(before, document.text_after_cursor)
        if not context.is_inside_text:
            yield from self._in_statement(context)

    def _after_command(
        self, name: str, argument: str | None, event: CompleteEvent
    ) -> Iterator[Completion]:
        if argument is None:
            yield from _matching(sorted(self._commands), name, self._command_help)
            return
        entry = self._commands.get(name) or self._commands.get(name.rstrip("+S"))
        if entry is None:
            return
        word = re.split(r"\s", argument)[-1]
        if entry.argument == "file":
            yield from self._paths.get_completions(Document(word), event)
            return
        schema, dot, rest = word.rpartition(".")
        if dot and entry.argument in _KINDS:
            yield from _matching(self._relation_names(_KINDS[entry.argument], schema), rest)
            return
        yield from _matching(self._argument_words(entry), word)

    def _command_help(self, name: str) -> str:
        return self._commands[name].help

    def _argument_words(self, entry: Entry) -> list[str]:
        """What may stand behind a command."""
        names = self.names
        if entry.argument in _KINDS:
            return [*self._relation_names(_KINDS[entry.argument]), *names.schemas]
        match entry.argument:
            case "function":
                return sorted(names.functions)
            case "type":
                return list(names.types)
            case "schema":
                return list(names.schemas)
            case "statement":
                return sorted(STATEMENTS)
            case "variable":
                return sorted(self.variables)
            case "command":
                return sorted(each.lstrip("\\") for each in self._commands)
            case words:
                return words.split("|") if words else []

    def _relation_names(self, kinds: str, schema: str | None = None) -> list[str]:
        return [
            quote_identifier(each.name)
            for each in self.names.relations
            if each.kind in kinds and (each.schema == schema if schema else _is_users(each))
        ]

    def _in_statement(self, context: Context) -> Iterator[Completion]:
        word = context.word
        if context.qualifier:
            yield from self._qualified(context)
            return
        if context.clause in ("show", "reset") or (context.clause == "set" and not context.tables):
            yield from _matching(list(self.names.settings), word)
            return
        if context.previous == "on" or (
            context.clause == "join" and context.previous != "join" and not word
        ):
            yield from self._joins(context)
        if context.clause in _TABLE_CLAUSES and context.previous in {
            *_TABLE_CLAUSES,
            ",",
            "exists",
        }:
            yield from _matching([*self._relation_names("rpfvm"), *self.names.schemas], word)
            return
        if not word:
            return
        yield from self._columns_in_scope(context)
        yield from self._functions(word)
        if context.clause in ("drop", "alter") or not context.tables:
            yield from _matching(self._relation_names("rpfvmSi"), word)
        yield from self._keyword_completions(word)

    def _qualified(self, context: Context) -> Iterator[Completion]:
        """Behind `name.`: columns of the table that the name stands for, else relations of the schema."""
        for table in context.tables:
            found = self.names.relation(table.name, table.schema)
            if table.alias == context.qualifier and found is not None:
                yield from _columns(found, context.word)
                return
        relation = self.names.relation(context.qualifier)
        if relation is not None:
            yield from _columns(relation, context.word)
        yield from _matching(self._relation_names("rpfvm", context.qualifier), context.word)

    def _columns_of(self, table: TableInScope, word: str) -> Iterator[Completion]:
        relation = self.names.relation(table.name, table.schema)
        if relation is not None:
            yield from _columns(relation, word)

    def _columns_in_scope(self, context: Context) -> Iterator[Completion]:
        seen: set[str] = set()
        for table in context.tables:
            for completion in self._columns_of(table, context.word):
                if completion.text not in seen:
                    seen.add(completion.text)
                    yield completion
            if table.alias.startswith(context.word.lower()) and table.alias not in seen:
                seen.add(table.alias)
                yield Completion(
                    quote_identifier(table.alias),
                    -len(context.word),
                    display_meta=f"table {table.name}",
                )
        if not context.tables:
            # Before FROM is written any table's columns may be meant.
            for relation in self.names.relations:
                if not _is_users(relation):
                    continue
                for completion in _columns(relation, context.word):
                    if completion.text not in seen:
                        seen.add(completion.text)
                        yield completion

    def _joins(self, context: Context) -> Iterator[Completion]:
        """Join conditions between the last table and those before it, from foreign keys."""
        if len(context.tables) < 2:
            return
        *others, last = context.tables
        prefix = "" if context.previous == "on" else "ON "
        for path in self.names.join_paths:
            for other in others:
                for left, right in ((last, other), (other, last)):
                    if (left.name, right.name) != (path.table, path.referenced_table):
                        continue
                    pairs = zip(path.columns, path.referenced_columns, strict=True)
                    condition = " AND ".join(
                        [f"{_column(left, one)} = {_column(right, two)}" for one, two in pairs]
                    )
                    yield Completion(f"{prefix}{condition}", 0, display_meta="foreign key")

    def _functions(self, word: str) -> Iterator[Completion]:
        lowered = word.lower()
        for name in sorted(self.names.functions):
            if not name.startswith(lowered):
                continue
            signatures = self.names.functions[name]
            first = signatures[0]
            more = f" (+{len(signatures) - 1})" if len(signatures) > 1 else ""
            yield Completion(
                f"{name}(",
                -len(word),
                display=f"{name}({first.arguments})",
                display_meta=f"{first.result}{more}",
            )

    def _keyword_completions(self, word: str) -> Iterator[Completion]:
        """Keywords, in capitals if the word is typed so."""
        lowered = word.lower()
        is_upper = word.isupper()
        for keyword in self._keywords:
            if keyword.startswith(lowered):
                yield Completion(keyword.upper() if is_upper else keyword, -len(word))


def _is_users(relation: RelationName) -> bool:
    return relation.is_visible and relation.schema not in (
        "pg_catalog",
        "information_schema",
        "lungfish",
    )


def _column(table: TableInScope, name: str) -> str:
    return f"{quote_identifier(table.alias)}.{quote_identifier(name)}"


def _columns(relation: RelationName, word: str) -> Iterator[Completion]:
    lowered = word.lower().lstrip('"')
    for name, type_name in relation.columns:
        if name.lower().startswith(lowered):
            yield Completion(
                quote_identifier(name), -len(word), display_meta=f"{type_name}, {relation.name}"
            )


def _matching(candidates: Sequence[str], word: str, meta: object = None) -> Iterator[Completion]:
    lowered = word.lower()
    for candidate in candidates:
        if candidate.lower().startswith(lowered):
            told = meta(candidate) if callable(meta) else None
            yield Completion(candidate, -len(word), display_meta=told)
