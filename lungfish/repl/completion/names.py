"""The names that can be proposed, as the catalog has them at one moment. Fetched in a thread, over a connection of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lungfish import Connection
from lungfish.connection import RoutineFacts

_RELATIONS = """SELECT c.oid, n.nspname, c.relname, c.relkind, pg_catalog.pg_table_is_visible(c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"""
_COLUMNS = """SELECT a.attrelid, a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
    FROM pg_catalog.pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum"""
_FOREIGN_KEYS = """SELECT conrelid, conkey, confrelid, confkey FROM pg_catalog.pg_constraint WHERE contype = 'f'"""
_TYPES = """SELECT pg_catalog.format_type(t.oid, NULL) FROM pg_catalog.pg_type t
    WHERE t.typcategory <> 'A' AND t.typtype IN ('b', 'e', 'd', 'r', 'm')"""


@dataclass(frozen=True, slots=True)
class RelationName:
    """A relation with its columns as (name, type)."""

    schema: str
    name: str
    kind: str
    is_visible: bool
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class JoinPath:
    """A foreign key: columns of one relation that refer to columns of another."""

    table: str
    columns: tuple[str, ...]
    referenced_table: str
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """Everything that can be proposed."""

    relations: tuple[RelationName, ...] = ()
    schemas: tuple[str, ...] = ()
    join_paths: tuple[JoinPath, ...] = ()
    functions: Mapping[str, tuple[RoutineFacts, ...]] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def relation(self, name: str, schema: str | None = None) -> RelationName | None:
        """The relation of that name: in the schema, else where the search path finds it."""
        for each in self.relations:
            if each.name == name and (each.schema == schema if schema else each.is_visible):
                return each
        return None


def fetch_names(connection: Connection) -> Names:
    """Ask the catalog for all names."""
    columns: dict[int, list[tuple[str, str]]] = {}
    by_number: dict[tuple[int, int], str] = {}
    for oid, number, name, type_name in connection.execute(_COLUMNS).fetchall():
        columns.setdefault(oid, []).append((name, type_name))
        by_number[oid, number] = name
    relations: dict[int, RelationName] = {}
    for oid, schema, name, kind, is_visible in connection.execute(_RELATIONS).fetchall():
        found = tuple(columns.get(oid, ()))
        relations[oid] = RelationName(schema, name, kind, bool(is_visible), found)
    functions: dict[str, list[RoutineFacts]] = {}
    for routine in connection.routines():
        functions.setdefault(routine.name, []).append(routine)
    paths = [
        JoinPath(
            relations[table].name,
            tuple([by_number[table, number] for number in numbers]),
            relations[other].name,
            tuple([by_number[other, number] for number in other_numbers]),
        )
        for table, numbers, other, other_numbers in connection.execute(_FOREIGN_KEYS).fetchall()
        # Another session may have changed the catalog since the columns were asked for; the next fetch finds what is missing.
        if {table, other} <= relations.keys()
        and all((table, number) in by_number for number in numbers)
        and all((other, number) in by_number for number in other_numbers)
    ]
    return Names(
        relations=tuple(sorted(relations.values(), key=lambda each: each.name)),
        schemas=tuple(sorted({each.schema for each in relations.values()} | {"public"})),
        join_paths=tuple(paths),
        functions={name: tuple(found) for name, found in functions.items()},
        types=tuple(sorted({row[0] for row in connection.execute(_TYPES).fetchall()})),
        settings=tuple(sorted(row[0] for row in connection.execute("SHOW ALL").fetchall())),
    )
