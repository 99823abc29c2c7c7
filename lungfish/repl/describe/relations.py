r"""Lists of relations: \d, \dt, \di, \dv, \dm, \ds and their combinations, with sizes and comments for +."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish import Connection
from lungfish.repl.describe.pattern import Pattern
from lungfish.repl.describe.query import query
from lungfish.repl.formats import ResultText

# The letters of pg_class.relkind, with psql's words.
KIND_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "r": "table",
        "p": "partitioned table",
        "v": "view",
        "m": "materialized view",
        "i": "index",
        "I": "partitioned index",
        "S": "sequence",
        "f": "foreign table",
        "t": "TOAST table",
    }
)
# What the letters of \dtivmsE stand for.
_COMMAND_KINDS = MappingProxyType({"t": "rp", "i": "iI", "v": "v", "m": "m", "s": "S", "E": "f"})


def kinds_of(letters: str) -> str:
    """The relkinds for a command's letters; without any, all that \\d lists."""
    wanted = "".join([_COMMAND_KINDS.get(letter, "") for letter in letters])
    return wanted or "rpvmSf"


# What psql calls a list of one kind alone.
_PLURALS = MappingProxyType(
    {
        "rp": "tables",
        "iI": "indexes",
        "v": "views",
        "m": "materialized views",
        "S": "sequences",
        "f": "foreign tables",
    }
)


def plural_of(kinds: str) -> str:
    """What a list of these kinds is a list of, in psql's words."""
    return _PLURALS.get(kinds, "relations")


def list_relations(
    connection: Connection, kinds: str, pattern: Pattern, *, is_verbose: bool = False
) -> ResultText:
    """Relations of these kinds (pg_class.relkind letters)."""
    letters = ", ".join([f"'{kind}'" for kind in kinds])
    cases = " ".join([f"WHEN '{kind}' THEN '{word}'" for kind, word in KIND_WORDS.items()])
    columns = [
        'n.nspname AS "Schema"',
        'c.relname AS "Name"',
        f'CASE c.relkind {cases} END AS "Type"',
        'pg_catalog.pg_get_userbyid(c.relowner) AS "Owner"',
    ]
    has_table = "i" in kinds and set(kinds) <= {"i", "I"}
    joins = ""
    if has_table:
        columns.append('t.relname AS "Table"')
        joins = """LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
                   LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid"""
    if is_verbose:
        columns.append(
            "CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 't' THEN 'temporary'"
            " WHEN 'u' THEN 'unlogged' END AS \"Persistence\""
        )
        if set(kinds) & set("rmi"):
            columns.append('a.amname AS "Access method"')
            joins += " LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam"
        columns.append('pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid)) AS "Size"')
        columns.append("pg_catalog.obj_description(c.oid, 'pg_class') AS \"Description\"")
    condition = pattern.conditions(
        "n.nspname", "c.relname", "pg_catalog.pg_table_is_visible(c.oid)"
    )
    return query(
        connection,
        f"""SELECT {", ".join(columns)}
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace {joins}
            WHERE c.relkind IN ({letters}) AND {condition} ORDER BY 1, 2""",
        **pattern.values,
    )
