"""Names in literals of regclass and regtype, looked for while a statement is bound: what is not there is an error of planning, though
its value may never be asked for. What they stand for is looked up by each execution, which alone goes by the search path of its time.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.catalog.objects import UserType
from lungfish.planner.bind_state import BindState
from lungfish.planner.expressions import BoundExpression, Constant
from lungfish.sql.quoting import relation_name
from lungfish.types.sql_type import TypeKind

# Functions whose first argument is a regclass in PostgreSQL, though a text here.
OF_RELATIONS = frozenset(
    {
        "nextval", "currval", "setval", "pg_relation_size", "pg_table_size", "pg_indexes_size",
        "pg_total_relation_size", "pg_relation_filenode", "pg_sequence_last_value",
    }
)  # fmt: skip


def check_relation_argument(
    name: str, arguments: Sequence[BoundExpression], state: BindState, position: int
) -> None:
    """Raise UndefinedTable for a literal that is to name a relation of which a function tells."""
    if name in OF_RELATIONS and arguments and state.trace is None:
        first = arguments[0]
        if (
            isinstance(first, Constant)
            and first.type.kind is TypeKind.UNKNOWN
            and first.value is not None
        ):
            check_relation_name(first.value, state, position)


def check_relation_name(text: str, state: BindState, position: int) -> None:
    """Raise UndefinedTable if regclass would find nothing under that name, and as `relation_name`."""
    if text == "-" or text.isdecimal():
        return
    schema, name = relation_name(text)
    catalog, path, made = state.catalog, state.search_path, state.stored_with
    if made is not None and name == made.name:
        if schema is None or schema == catalog.namespace_name(made.namespace_oid):
            return
    if catalog.find_relation(name, schema, path) is not None:
        return
    if catalog.find_index(name, schema, path) is not None:
        return
    found = catalog.find_type(name, schema, path)
    if isinstance(found, UserType) and found.type.kind is TypeKind.RECORD:
        return
    shown = name if schema is None else f"{schema}.{name}"
    raise errors.UndefinedTable(f'relation "{shown}" does not exist').at(position)
