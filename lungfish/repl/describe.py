r"""The `\d` family: what exists, asked of the system views through the connection like any other query."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lungfish import Connection, errors
from lungfish.repl.formats import ResultText

_SYSTEM_SCHEMAS = "('pg_catalog', 'information_schema', 'lungfish')"
_KINDS = {"r": "table", "v": "view", "m": "materialized view", "i": "index", "S": "sequence"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """psql's pattern `schema.name` with `*` and `?`: LIKE patterns, and whether system objects are wanted too."""

    schema: str = "%"
    name: str = "%"
    has_system: bool = False

    @classmethod
    def parse(cls, text: str, *, has_system: bool = False) -> Pattern:
        """Read a pattern; parts in double quotes keep their case and characters."""
        parts = re.findall(r'"(?:[^"]|"")*"|[^."]+', text)
        likes = [_like(part) for part in parts[-2:]]
        if not likes:
            return cls(has_system=has_system)
        if len(likes) == 1:
            return cls("%", likes[0], has_system or likes[0].startswith(("pg\\_", "pg_")))
        return cls(likes[0], likes[1], True)


def _like(part: str) -> str:
    is_quoted = part.startswith('"')
    text = part[1:-1].replace('""', '"') if is_quoted else part.lower()
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped if is_quoted else escaped.replace("*", "%").replace("?", "_")


def query(connection: Connection, sql: str, **values: object) -> ResultText:
    """Run a query; its result as text."""
    cursor = connection.execute(sql, values or None)
    description = cursor.description or []
    return ResultText(
        tuple([column.name for column in description]),
        tuple([str(column.type_code) for column in description]),
        cursor.fetch_text(),
    )


def list_relations(connection: Connection, kinds: str, pattern: Pattern) -> ResultText:
    r"""\dt and its kin: relations of these kinds (pg_class.relkind letters)."""
    letters = ", ".join(f"'{kind}'" for kind in kinds)
    cases = " ".join(f"WHEN '{kind}' THEN '{word}'" for kind, word in _KINDS.items())
    table = ', x.tablename AS "Table"' if kinds == "i" else ""
    indexes = (
        "LEFT JOIN pg_catalog.pg_indexes x ON x.schemaname = n.nspname AND x.indexname = c.relname"
        if kinds == "i"
        else ""
    )
    return query(
        connection,
        f"""SELECT n.nspname AS "Schema", c.relname AS "Name", CASE c.relkind {cases} END AS "Type"{table}
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace {indexes}
            WHERE c.relkind IN ({letters}) AND n.nspname LIKE :schema AND c.relname LIKE :name
              AND (:has_system OR n.nspname NOT IN {_SYSTEM_SCHEMAS})
            ORDER BY 1, 2""",
        schema=pattern.schema,
        name=pattern.name,
        has_system=pattern.has_system,
    )


def list_schemas(connection: Connection, pattern: Pattern) -> ResultText:
    r"""\dn."""
    return query(
        connection,
        f"""SELECT nspname AS "Name" FROM pg_catalog.pg_namespace
            WHERE nspname LIKE :name AND (:has_system OR (nspname NOT IN {_SYSTEM_SCHEMAS} AND nspname NOT LIKE 'pg\\_%')) ORDER BY 1""",
        name=pattern.name,
        has_system=pattern.has_system,
    )


@dataclass(frozen=True, slots=True)
class Description:
    r"""What \d NAME shows of one relation: a titled table, and lines below it."""

    title: str
    columns: ResultText
    footers: tuple[str, ...]


def describe(connection: Connection, text: str) -> list[Description]:
    r"""\d NAME: every relation that matches, each with columns, indexes and constraints.

    Raises: UndefinedTable where nothing matches.
    """
    pattern = Pattern.parse(text, has_system=True)
    found = query(
        connection,
        """SELECT c.oid, n.nspname, c.relname, c.relkind
           FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname LIKE :schema AND c.relname LIKE :name ORDER BY 2, 3""",
        schema=pattern.schema,
        name=pattern.name,
    )
    if not found.rows:
        raise errors.UndefinedTable(f'Did not find any relation named "{text}".')
    return [_describe_one(connection, *map(str, row)) for row in found.rows]


def _describe_one(
    connection: Connection, oid: str, schema: str, name: str, kind: str
) -> Description:
    title = f'{_KINDS.get(kind, "relation").capitalize()} "{schema}.{name}"'
    if kind == "S":
        return Description(title, _sequence(connection, schema, name), ())
    if kind == "i":
        return Description(title, _index(connection, schema, name), ())
    columns = _columns(connection, oid, schema, name)
    if kind != "r":
        return Description(title, columns, ())
    footers = [
        *_section("Indexes:", _index_lines(connection, oid, schema, name)),
        *_section("Check constraints:", _constraint_lines(connection, oid, "c")),
        *_section("Foreign-key constraints:", _constraint_lines(connection, oid, "f")),
        *_section("Referenced by:", _referencing_lines(connection, oid)),
    ]
    return Description(title, columns, tuple(footers))


def _section(title: str, lines: list[str]) -> list[str]:
    return [title, *[f"    {line}" for line in lines]] if lines else []


def _columns(connection: Connection, oid: str, schema: str, name: str) -> ResultText:
    return query(
        connection,
        """SELECT a.attname AS "Column", pg_catalog.format_type(a.atttypid, a.atttypmod) AS "Type",
             CASE WHEN a.attnotnull THEN 'not null' ELSE '' END AS "Nullable",
             CASE WHEN a.attidentity = 'a' THEN 'generated always as identity'
                  WHEN a.attidentity = 'd' THEN 'generated by default as identity'
                  WHEN a.attgenerated <> '' THEN 'generated always as (' || i.generation_expression || ') stored'
                  ELSE coalesce(i.column_default, '') END AS "Default"
           FROM pg_catalog.pg_attribute a
           LEFT JOIN information_schema.columns i
             ON i.table_schema = :schema AND i.table_name = :name AND i.column_name = a.attname
           WHERE a.attrelid = :oid AND a.attnum > 0 ORDER BY a.attnum""",
        oid=int(oid),
        schema=schema,
        name=name,
    )


def _index_lines(connection: Connection, oid: str, schema: str, name: str) -> list[str]:
    indexes = query(
        connection,
        """SELECT x.indexname, x.indexdef, c.contype
           FROM pg_catalog.pg_indexes x
           LEFT JOIN pg_catalog.pg_constraint c
             ON c.conrelid = :oid AND c.conname = x.indexname AND c.contype IN ('p', 'u')
           WHERE x.schemaname = :schema AND x.tablename = :name
           ORDER BY c.contype = 'p' DESC NULLS LAST, 1""",
        oid=int(oid),
        schema=schema,
        name=name,
    )
    words = {"p": "PRIMARY KEY, ", "u": "UNIQUE CONSTRAINT, "}
    lines = []
    for index_name, definition, kind in indexes.rows:
        method = str(definition).partition(" USING ")[2]
        unique = "UNIQUE, " if str(definition).startswith("CREATE UNIQUE") else ""
        lines.append(f'"{index_name}" {words.get(str(kind), unique)}{method}')
    return lines


def _constraint_lines(connection: Connection, oid: str, kind: str) -> list[str]:
    """The checks (c) or foreign keys (f) of a table, each as it would be written."""
    constraints = query(
        connection,
        """SELECT conname, pg_catalog.pg_get_constraintdef(oid, true) FROM pg_catalog.pg_constraint
           WHERE conrelid = :oid AND contype = :kind ORDER BY 1""",
        oid=int(oid),
        kind=kind,
    )
    return [f'"{name}" {definition}' for name, definition in constraints.rows]


def _referencing_lines(connection: Connection, oid: str) -> list[str]:
    constraints = query(
        connection,
        """SELECT t.relname, c.conname, pg_catalog.pg_get_constraintdef(c.oid, true)
           FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
           WHERE c.confrelid = :oid AND c.contype = 'f' ORDER BY 1, 2""",
        oid=int(oid),
    )
    return [
        f'TABLE "{table}" CONSTRAINT "{name}" {definition}'
        for table, name, definition in constraints.rows
    ]


def _sequence(connection: Connection, schema: str, name: str) -> ResultText:
    return query(
        connection,
        """SELECT data_type AS "Type", start_value AS "Start", min_value AS "Minimum", max_value AS "Maximum",
             increment_by AS "Increment", CASE WHEN cycle THEN 'yes' ELSE 'no' END AS "Cycles?", cache_size AS "Cache"
           FROM pg_catalog.pg_sequences WHERE schemaname = :schema AND sequencename = :name""",
        schema=schema,
        name=name,
    )


def _index(connection: Connection, schema: str, name: str) -> ResultText:
    return query(
        connection,
        """SELECT tablename AS "Table", indexdef AS "Definition" FROM pg_catalog.pg_indexes
           WHERE schemaname = :schema AND indexname = :name""",
        schema=schema,
        name=name,
    )
