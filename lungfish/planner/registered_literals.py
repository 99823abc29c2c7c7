"""Names in literals of regclass and regtype, looked for while a statement is bound: what is not there is an error of planning, though
its value may never be asked for. What they stand for is looked up by each execution, which alone goes by the search path of its time.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.catalog.objects import UserType
from lungfish.planner.bind_state import BindState
from lungfish.planner.expressions import BoundExpression, Constant
from lungfish.sql.quoting import split_name
from lungfish.types.sql_type import TypeKind

_PARTS_MAX = 3
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
    """Raise UndefinedTable if regclass would find nothing under that name, InvalidName if it is none."""
    if text == "-" or text.isdecimal():
        return
    parts = split_name(text)
    if len(parts) > _PARTS_MAX:
        # The execution says what is wrong with it.
        return
    schema = parts[-2] if len(parts) > 1 else None
    catalog, path, made = state.catalog, state.search_path, state.stored_with
    if made is not None and parts[-1] == made.name:
        if schema is None or schema == catalog.namespace_name(made.namespace_oid):
            return
    if catalog.find_relation(parts[-1], schema, path) is not None:
        return
    if catalog.find_index(parts[-1], schema, path) is not None:
        return
    found = catalog.find_type(parts[-1], schema, path)
    if isinstance(found, UserType) and found.type.kind is TypeKind.RECORD:
        return
    raise errors.UndefinedTable(f'relation "{".".join(parts)}" does not exist').at(position)
