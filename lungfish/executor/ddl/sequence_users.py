"""Which column defaults ask a sequence, and giving them its new name: a default is kept as text, `nextval('schema.name')`."""

from __future__ import annotations

import re
from dataclasses import replace

from lungfish.catalog.objects import Column, Sequence
from lungfish.executor.ddl.context import DdlContext
from lungfish.sql.quoting import quote_identifier, quote_literal

# With a text in place of a regclass the sequence is looked up at each call, and nothing depends on it.
_CALL = re.compile(r"nextval\(('(?:[^']|'')*')(?=\)|::(?:pg_catalog\.)?regclass)", re.IGNORECASE)
_PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')


def uses_sequence(context: DdlContext, column: Column, sequence: Sequence) -> bool:
    """Whether the column's default asks the sequence."""
    if column.default is None:
        return False
    return any(_is_of(context, found[1], sequence) for found in _CALL.finditer(column.default))


def _is_of(context: DdlContext, literal: str, sequence: Sequence) -> bool:
    parts = [
        part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()
        for part in _PART.findall(literal[1:-1].replace("''", "'"))
    ]
    if not 1 <= len(parts) <= 2:
        return False
    schema = parts[0] if len(parts) == 2 else None
    found = context.catalog.find_relation(parts[-1], schema, context.search_path)
    return found is not None and found.oid == sequence.oid


def rename_in_defaults(
    context: DdlContext, old: Sequence, new: Sequence, *, schema: str | None = None
) -> None:
    """Have the defaults that ask `old` ask `new`, which is about to take its place. Requires: `old` is in the catalog."""
    schema = schema or context.catalog.namespace_name(new.namespace_oid)
    path = quote_literal(f"{quote_identifier(schema)}.{quote_identifier(new.name)}")
    for table in list(context.catalog.tables()):
        columns = []
        for column in table.columns:
            changed = column.default
            if changed is not None and uses_sequence(context, column, old):
                changed = _CALL.sub(lambda _: f"nextval({path}", changed)
            columns.append(replace(column, default=changed))
        if tuple(columns) != table.columns:
            context.change.put(replace(table, columns=tuple(columns)))
