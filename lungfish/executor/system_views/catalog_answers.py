"""What the functions of `functions/catalog_functions.py` answer, from the catalog as the statement sees it.

An oid that nothing has gives null, as in PostgreSQL; a name that nothing has raises where PostgreSQL raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog import Catalog
from lungfish.catalog.catalog import PG_TEMP_OID, Relation
from lungfish.catalog.objects import (
    Index,
    Namespace,
    Oid,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import FeatureNotSupported, UndefinedColumn, UndefinedObject, UndefinedTable
from lungfish.executor.system_views.partition_answers import PARTITION_ANSWERS
from lungfish.executor.system_views.texts import (
    column_list,
    constraint_definition,
    index_definition,
    index_key,
)
from lungfish.executor.system_views.updatability import changes_allowed, is_column_updatable
from lungfish.planner import resolve_type_name
from lungfish.sql import parse_one
from lungfish.sql.ast.expressions import Cast
from lungfish.sql.ast.queries import Query, Select
from lungfish.sql.quoting import quote_identifier
from lungfish.types.type_oids import type_of_oid, type_oid, with_modifier

_PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')
_OWNER_OID = 10
Answer = Callable[["_Asked", Sequence[Any]], Any]


class _Asked:
    """The catalog and the search path of the statement that asks."""

    def __init__(self, catalog: Catalog, search_path: tuple[str, ...]) -> None:
        self.catalog = catalog
        self.search_path = search_path

    def relation(self, name: str) -> Relation | tuple[Table, Index]:
        """What regclass finds under a name. Raises UndefinedTable."""
        parts = split_name(name)
        schema = parts[-2] if len(parts) > 1 else None
        found = self.catalog.find_relation(parts[-1], schema, self.search_path)
        if found is not None:
            return found
        index = self.catalog.find_index(parts[-1], schema, self.search_path)
        if index is not None:
            return index
        raise UndefinedTable(f'relation "{name}" does not exist')

    def index(self, oid: int) -> tuple[Table, Index] | None:
        """The index with that oid."""
        for table in self.catalog.tables():
            for index in table.indexes:
                if index.oid == oid:
                    return table, index
        return None

    def is_visible(self, name: str, namespace_oid: Oid, oid: int) -> bool:
        """Whether the bare name means the object."""
        found = self.catalog.find_relation(name, None, self.search_path)
        return found is not None and found.oid == oid and found.namespace_oid == namespace_oid


def answer(
    name: str, arguments: Sequence[Any], catalog: Catalog, search_path: tuple[str, ...]
) -> Any:
    """The answer of the function of that name."""
    return _ANSWERS[name](_Asked(catalog, search_path), arguments)


# All but brackets: quoted texts and names, and every other character.
_BRACKETS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[^()'"]""")


def split_name(text: str) -> list[str]:
    """The parts of a qualified name as SQL reads it."""
    return [
        part[1:-1].replace('""', '"') if part.startswith('"') else part.strip().lower()
        for part in _PART.findall(text)
    ]


# Definitions.


def _view_definition(asked: _Asked, arguments: Sequence[Any]) -> str | None:
    if isinstance(arguments[0], str):
        raise FeatureNotSupported(
            "pg_get_viewdef of a name is not supported",
            hint=f"Use pg_get_viewdef('{arguments[0]}'::regclass).",
        )
    found = asked.catalog.object(Oid(arguments[0]))
    if isinstance(found, View) or (isinstance(found, Table) and found.materialized_query):
        return f"{found.query};"
    return None


def _constraint_definition(asked: _Asked, arguments: Sequence[Any]) -> str | None:
    for table in asked.catalog.tables():
        for item in table.constraints:
            if item.oid == arguments[0]:
                is_pretty = len(arguments) > 1 and bool(arguments[1])
                return constraint_definition(asked.catalog, table, item, is_pretty=is_pretty)
    return None


def _index_definition(asked: _Asked, arguments: Sequence[Any]) -> str | None:
    found = asked.index(arguments[0])
    if found is None:
        return None
    table, index = found
    if len(arguments) == 1 or not arguments[1]:
        is_pretty = len(arguments) > 2 and bool(arguments[2])
        return index_definition(asked.catalog, table, index, is_pretty=is_pretty)
    if arguments[1] > len(index.columns):
        included = index.include[arguments[1] - len(index.columns) - 1 :][:1]
        return column_list(table, included) if included else ""
    return index_key(asked.catalog, table, index.columns[arguments[1] - 1], with_order=False)


def _expression(asked: _Asked, arguments: Sequence[Any]) -> str:
    """The system views hold expressions as texts; the pretty form is without the parentheses around the whole."""
    text: str = arguments[0]
    is_pretty = len(arguments) > 2 and arguments[2]
    return text[1:-1] if is_pretty and _is_enclosed(text) else text


def _is_enclosed(text: str) -> bool:
    """Whether the first parenthesis is closed by the last one. Quoted texts are passed over."""
    if not text.startswith("("):
        return False
    depth = 0
    for place, token in enumerate(_BRACKETS.sub("", text)):
        depth += 1 if token == "(" else -1
        if depth == 0:
            return place == len(_BRACKETS.sub("", text)) - 1
    return False


def _serial_sequence(asked: _Asked, arguments: Sequence[Any]) -> str | None:
    table = asked.relation(arguments[0])
    position = table.column_position(arguments[1]) if isinstance(table, Table) else None
    if not isinstance(table, Table) or position is None:
        raise UndefinedColumn(
            f'column "{arguments[1]}" of relation "{arguments[0]}" does not exist'
        )
    column = table.columns[position]
    for sequence in asked.catalog.owned_sequences(table.oid):
        if sequence.owner_column == column.number:
            return _qualified(asked.catalog, sequence)
    return None


def _qualified(catalog: Catalog, item: SequenceObject | Table | View | SystemView) -> str:
    schema = quote_identifier(catalog.namespace_name(item.namespace_oid))
    return f"{schema}.{quote_identifier(item.name)}"


# Names of oids.


def _relation_in(asked: _Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    if text.isdecimal():
        return int(text)
    found = asked.relation(text)
    return int(found[1].oid if isinstance(found, tuple) else found.oid)


def _relation_out(asked: _Asked, arguments: Sequence[Any]) -> str:
    oid = arguments[0]
    if not oid:
        return "-"
    item = asked.catalog.object(Oid(oid))
    if isinstance(item, (Table, View, SequenceObject, SystemView)):
        if asked.is_visible(item.name, item.namespace_oid, oid):
            return quote_identifier(item.name)
        return _qualified(asked.catalog, item)
    found = asked.index(oid)
    if found is None:
        return str(oid)
    schema = asked.catalog.namespace_name(found[0].namespace_oid)
    name = quote_identifier(found[1].name)
    visible = asked.catalog.find_index(found[1].name, None, asked.search_path)
    is_same = visible is not None and visible[1].oid == oid
    return name if is_same else f"{quote_identifier(schema)}.{name}"


def _type_in(asked: _Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    if text.isdecimal():
        return int(text)
    statement = parse_one(f"SELECT NULL::{text}").statement
    assert isinstance(statement, Query)
    assert isinstance(statement.body, Select)
    cast = statement.body.items[0].expression
    assert isinstance(cast, Cast)
    return type_oid(resolve_type_name(cast.type_name, asked.catalog, asked.search_path))


def _type_out(asked: _Asked, arguments: Sequence[Any]) -> str:
    if not arguments[0]:
        return "-"
    name = _format_type(asked, (arguments[0], None))
    return str(arguments[0]) if name in (None, "???") else str(name)


def _format_type(asked: _Asked, arguments: Sequence[Any]) -> str | None:
    oid, modifier = arguments
    if oid is None:
        return None
    built_in = type_of_oid(oid)
    if built_in is not None:
        return str(with_modifier(built_in, -1 if modifier is None else modifier))
    item = asked.catalog.object(Oid(oid))
    return quote_identifier(item.name) if isinstance(item, UserType) else "???"


def _namespace_in(asked: _Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    if text.isdecimal():
        return int(text)
    found = asked.catalog.namespace(split_name(text)[0])
    if found is None:
        raise UndefinedObject(f'schema "{text}" does not exist')
    return int(found.oid)


def _namespace_out(asked: _Asked, arguments: Sequence[Any]) -> str:
    found = asked.catalog.object(Oid(arguments[0]))
    return quote_identifier(found.name) if isinstance(found, Namespace) else str(arguments[0])


def _role_in(asked: _Asked, arguments: Sequence[Any]) -> int:
    if arguments[0] in ("lungfish", str(_OWNER_OID)):
        return _OWNER_OID
    raise UndefinedObject(f'role "{arguments[0]}" does not exist')


def _role_name(asked: _Asked, arguments: Sequence[Any]) -> str:
    if arguments[0] == _OWNER_OID:
        return "lungfish"
    return f"unknown (OID={arguments[0]})"


def _or_none(look_up: Answer) -> Answer:
    """to_regclass and its kin: null where the cast would raise."""

    def find(asked: _Asked, arguments: Sequence[Any]) -> Any:
        try:
            return look_up(asked, arguments)
        except (UndefinedTable, UndefinedObject):
            return None

    return find


# Visibility and comments.


def _is_table_visible(asked: _Asked, arguments: Sequence[Any]) -> bool | None:
    item = asked.catalog.object(Oid(arguments[0]))
    if isinstance(item, (Table, View, SequenceObject, SystemView)):
        return asked.is_visible(item.name, item.namespace_oid, item.oid)
    found = asked.index(arguments[0])
    if found is None:
        return None
    visible = asked.catalog.find_index(found[1].name, None, asked.search_path)
    return visible is not None and visible[1].oid == arguments[0]


def _is_type_visible(asked: _Asked, arguments: Sequence[Any]) -> bool | None:
    if type_of_oid(arguments[0]) is not None:
        return True
    item = asked.catalog.object(Oid(arguments[0]))
    if not isinstance(item, UserType):
        return None
    found = asked.catalog.find_type(item.name, None, asked.search_path)
    return found is not None and found.oid == item.oid


def _comment(asked: _Asked, arguments: Sequence[Any]) -> str | None:
    item = asked.catalog.object(Oid(arguments[0]))
    if isinstance(item, (Namespace, Table, View, SequenceObject, UserType, SqlFunction)):
        return item.comment
    found = asked.index(arguments[0])
    if found is not None:
        return found[1].comment
    for table in asked.catalog.tables():
        for constraint in table.constraints:
            if constraint.oid == arguments[0]:
                return constraint.comment
    return None


def _column_comment(asked: _Asked, arguments: Sequence[Any]) -> str | None:
    item = asked.catalog.object(Oid(arguments[0]))
    if isinstance(item, (Table, View)):
        for column in item.columns:
            if column.number == arguments[1]:
                return column.comment
    return None


def _yes(asked: _Asked, arguments: Sequence[Any]) -> bool:
    return True


def _has_privilege(asked: _Asked, arguments: Sequence[Any]) -> bool:
    """There is one user, who may do everything; but what is asked about must be there."""
    if isinstance(arguments[0], str):
        asked.relation(arguments[0])
    return True


def _of_partitions(find: Callable[[Catalog, Sequence[Any]], Any]) -> Answer:
    """An answer about a relation, which may be given by its name."""

    def found(asked: _Asked, arguments: Sequence[Any]) -> Any:
        first = arguments[0]
        oid = _relation_in(asked, (first,)) if isinstance(first, str) else first
        return find(asked.catalog, (oid, *arguments[1:]))

    return found


_ANSWERS: dict[str, Answer] = {
    "pg_get_viewdef": _view_definition,
    "pg_relation_is_updatable": lambda asked, arguments: changes_allowed(
        Oid(arguments[0]), asked.catalog
    ),
    "pg_column_is_updatable": lambda asked, arguments: is_column_updatable(
        Oid(arguments[0]), arguments[1], asked.catalog
    ),
    "pg_get_constraintdef": _constraint_definition,
    "pg_get_indexdef": _index_definition,
    "pg_get_expr": _expression,
    "pg_get_serial_sequence": _serial_sequence,
    "pg_get_userbyid": _role_name,
    # There are no triggers, rules and extended statistics.
    "pg_get_triggerdef": lambda asked, arguments: None,
    "pg_get_ruledef": lambda asked, arguments: None,
    "pg_get_statisticsobjdef_columns": lambda asked, arguments: None,
    "pg_table_is_visible": _is_table_visible,
    "pg_type_is_visible": _is_type_visible,
    "pg_function_is_visible": _yes,
    "pg_collation_is_visible": _yes,
    "pg_opclass_is_visible": _yes,
    "pg_operator_is_visible": _yes,
    "pg_is_other_temp_schema": lambda asked, arguments: False,
    "pg_my_temp_schema": lambda asked, arguments: (
        int(PG_TEMP_OID) if asked.catalog.temporaries() else 0
    ),
    "pg_relation_is_publishable": lambda asked, arguments: False,
    "pg_encoding_to_char": lambda asked, arguments: "UTF8" if arguments[0] == 6 else "",
    "obj_description": _comment,
    "shobj_description": lambda asked, arguments: None,
    "col_description": _column_comment,
    "has_table_privilege": _has_privilege,
    "has_schema_privilege": _yes,
    "has_database_privilege": _yes,
    "format_type": _format_type,
    "regclassin": _relation_in,
    "regclassout": _relation_out,
    "regtypein": _type_in,
    "regtypeout": _type_out,
    "regnamespacein": _namespace_in,
    "regnamespaceout": _namespace_out,
    "regrolein": _role_in,
    "regroleout": _role_name,
    "to_regclass": _or_none(_relation_in),
    "to_regtype": _or_none(_type_in),
    "to_regnamespace": _or_none(_namespace_in),
    "to_regrole": _or_none(_role_in),
    **{name: _of_partitions(find) for name, find in PARTITION_ANSWERS.items()},
}
