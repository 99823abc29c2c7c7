"""What the functions of `functions/catalog_functions.py` answer, from the catalog as the statement sees it.

An oid that nothing has gives null, as in PostgreSQL; a name that nothing has raises where PostgreSQL raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog import Catalog
from lungfish.catalog.catalog import PG_TEMP_OID
from lungfish.catalog.objects import (
    Oid,
    Rule,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import UndefinedColumn
from lungfish.executor.system_views.access_texts import ACCESS_ANSWERS
from lungfish.executor.system_views.asked import Answer, Asked, is_composite
from lungfish.executor.system_views.index_properties import INDEX_PROPERTY_ANSWERS
from lungfish.executor.system_views.object_descriptions import (
    CLASS,
    CONSTRAINT,
    DESCRIPTION_ANSWERS,
    catalog_of_object,
    find_domain_check,
)
from lungfish.executor.system_views.object_facts import FACT_ANSWERS
from lungfish.executor.system_views.object_identities import IDENTITY_ANSWERS
from lungfish.executor.system_views.object_names import (
    NAME_ANSWERS,
    format_type,
    qualified,
    role_name,
)
from lungfish.executor.system_views.partition_answers import PARTITION_ANSWERS, key_text
from lungfish.executor.system_views.pg_relations import STATISTICS_CATALOG
from lungfish.executor.system_views.pg_rewrite import rule_definition
from lungfish.executor.system_views.pg_statistics import STATISTICS_ANSWERS
from lungfish.executor.system_views.privileges import PRIVILEGE_ANSWERS
from lungfish.executor.system_views.routine_answers import ROUTINE_ANSWERS
from lungfish.executor.system_views.texts import (
    column_list,
    constraint_definition,
    domain_check_text,
    index_definition,
    index_key,
    pretty_text,
    view_definition,
)
from lungfish.executor.system_views.updatability import changes_allowed, is_column_updatable
from lungfish.planner import Deparsing
from lungfish.sql.quoting import quote_identifier
from lungfish.types.type_oids import own_element_oid, type_of_oid


def answer(
    name: str, arguments: Sequence[Any], catalog: Catalog, search_path: tuple[str, ...]
) -> Any:
    """The answer of the function of that name."""
    return _ANSWERS[name](Asked(catalog, search_path), arguments)


# Definitions.


def _view_definition(asked: Asked, arguments: Sequence[Any]) -> str | None:
    """The second argument is whether to be pretty, or the length of a line, which is pretty too."""
    oid = arguments[0]
    if isinstance(oid, str):
        named = asked.relation(oid)
        oid = None if isinstance(named, tuple) else named.oid
    found = None if oid is None else asked.catalog.object(Oid(oid))
    if not isinstance(found, View) and not (isinstance(found, Table) and found.materialized_query):
        return None
    option = arguments[1] if len(arguments) > 1 else False
    wrap_column = 0 if isinstance(option, bool) else option
    how = Deparsing(asked.search_path, option is not False, wrap_column)
    return view_definition(asked.catalog, found, how)


def _rule_definition(asked: Asked, arguments: Sequence[Any]) -> str | None:
    is_pretty = len(arguments) > 1 and bool(arguments[1])
    found = asked.catalog.object(Oid(arguments[0]))
    if isinstance(found, Rule):
        is_visible = is_pretty and bool(_is_table_visible(asked, (found.relation_oid,)))
        return rule_definition(asked.catalog, found, is_visible=is_visible)
    query = _view_definition(asked, arguments)
    if query is None or not isinstance(found, (View, Table)):
        return None
    name = quote_identifier(found.name)
    if not (is_pretty and _is_table_visible(asked, arguments)):
        schema = asked.catalog.namespace_name(found.namespace_oid)
        name = f"{quote_identifier(schema)}.{name}"
    return f'CREATE RULE "_RETURN" AS\n    ON SELECT TO {name} DO INSTEAD {query}'


def _constraint_definition(asked: Asked, arguments: Sequence[Any]) -> str | None:
    for table in asked.catalog.tables():
        for item in table.constraints:
            if item.oid == arguments[0]:
                how = Deparsing(asked.search_path, len(arguments) > 1 and bool(arguments[1]))
                return constraint_definition(asked.catalog, table, item, how=how)
    found = find_domain_check(asked, arguments[0])
    if found is None:
        return None
    domain, _, text = found
    if text is None:
        return "NOT NULL"
    how = Deparsing(asked.search_path, len(arguments) > 1 and bool(arguments[1]))
    return domain_check_text(asked.catalog, domain, text, how)


def _partition_key(asked: Asked, arguments: Sequence[Any]) -> str | None:
    return key_text(asked.catalog, arguments, asked.search_path)


def _index_definition(asked: Asked, arguments: Sequence[Any]) -> str | None:
    found = asked.index(arguments[0])
    if found is None:
        return None
    table, index = found
    how = Deparsing(asked.search_path, len(arguments) > 2 and bool(arguments[2]))
    if len(arguments) == 1 or not arguments[1]:
        return index_definition(asked.catalog, table, index, how=how)
    if arguments[1] > len(index.columns):
        included = index.include[arguments[1] - len(index.columns) - 1 :][:1]
        return column_list(table, included) if included else ""
    return index_key(
        asked.catalog, table, index.columns[arguments[1] - 1], with_order=False, how=how
    )


def _expression(asked: Asked, arguments: Sequence[Any]) -> str:
    """The system views hold expressions as texts in the plain form."""
    text: str = arguments[0]
    if len(arguments) < 3 or not arguments[2]:
        return text
    table = asked.catalog.object(Oid(arguments[1]))
    over = table if isinstance(table, Table) else None
    return pretty_text(asked.catalog, over, text, asked.search_path)


def _serial_sequence(asked: Asked, arguments: Sequence[Any]) -> str | None:
    table = asked.relation(arguments[0])
    position = table.column_position(arguments[1]) if isinstance(table, Table) else None
    if not isinstance(table, Table) or position is None:
        raise UndefinedColumn(
            f'column "{arguments[1]}" of relation "{arguments[0]}" does not exist'
        )
    column = table.columns[position]
    for sequence in asked.catalog.owned_sequences(table.oid):
        if sequence.owner_column == column.number:
            return qualified(asked.catalog, sequence)
    return None


# Visibility and comments.


def _is_table_visible(asked: Asked, arguments: Sequence[Any]) -> bool | None:
    item = asked.catalog.object(Oid(arguments[0]))
    if isinstance(item, (Table, View, SequenceObject, SystemView)):
        return asked.is_visible(item.name, item.namespace_oid, item.oid)
    if isinstance(item, UserType) and is_composite(item):
        return _is_type_visible(asked, arguments)
    found = asked.index(arguments[0])
    if found is None:
        return None
    visible = asked.catalog.find_index(found[1].name, None, asked.search_path)
    return visible is not None and visible[1].oid == arguments[0]


def _is_type_visible(asked: Asked, arguments: Sequence[Any]) -> bool | None:
    if type_of_oid(arguments[0]) is not None:
        return True
    element = own_element_oid(arguments[0])
    item = asked.catalog.object(Oid(arguments[0] if element is None else element))
    if not isinstance(item, UserType):
        return None
    found = asked.catalog.find_type(item.name, None, asked.search_path)
    return found is not None and found.oid == item.oid


def _comment(asked: Asked, arguments: Sequence[Any]) -> str | None:
    oid = arguments[0]
    wanted = None
    if len(arguments) > 1:
        listed = asked.catalog.find_relation(arguments[1], "pg_catalog")
        wanted = -1 if listed is None else listed.oid
    item = asked.catalog.object(Oid(oid))
    if item is not None and not isinstance(item, SystemView):
        return item.comment if wanted in (None, catalog_of_object(item)) else None
    found = asked.index(oid)
    if found is not None:
        return found[1].comment if wanted in (None, CLASS) else None
    for table in asked.catalog.tables():
        for constraint in table.constraints:
            if constraint.oid == oid and wanted in (None, CONSTRAINT):
                return constraint.comment
        for declared in table.statistics:
            if declared.oid == oid and wanted in (None, STATISTICS_CATALOG):
                return declared.comment
    of_domain = find_domain_check(asked, oid)
    if of_domain is not None and wanted in (None, CONSTRAINT):
        return dict(of_domain[0].check_comments).get(of_domain[1])
    return None


def _shared_comment(asked: Asked, arguments: Sequence[Any]) -> str | None:
    """Of what all databases of a server would share, roles have comments."""
    oid, listed_in = arguments
    role = asked.catalog.authority.role_of_oid(oid)
    return None if role is None or listed_in != "pg_authid" else role.comment


def _column_comment(asked: Asked, arguments: Sequence[Any]) -> str | None:
    item = asked.catalog.object(Oid(arguments[0]))
    if isinstance(item, (Table, View)):
        for column in item.columns:
            if column.number == arguments[1]:
                return column.comment
    return None


def _of_partitions(find: Callable[[Catalog, Sequence[Any]], Any]) -> Answer:
    return lambda asked, arguments: find(asked.catalog, arguments)


_ANSWERS: dict[str, Answer] = {
    "pg_get_viewdef": _view_definition,
    **ROUTINE_ANSWERS,
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
    "pg_get_userbyid": role_name,
    # There are no triggers.
    "pg_get_triggerdef": lambda asked, arguments: None,
    "pg_get_ruledef": _rule_definition,
    "pg_table_is_visible": _is_table_visible,
    "pg_type_is_visible": _is_type_visible,
    "pg_is_other_temp_schema": lambda asked, arguments: False,
    "pg_my_temp_schema": lambda asked, arguments: (
        int(PG_TEMP_OID) if asked.catalog.temporaries() else 0
    ),
    "pg_relation_is_publishable": lambda asked, arguments: False,
    "obj_description": _comment,
    "shobj_description": _shared_comment,
    "col_description": _column_comment,
    "format_type": format_type,
    **NAME_ANSWERS,
    **ACCESS_ANSWERS,
    **PRIVILEGE_ANSWERS,
    **DESCRIPTION_ANSWERS,
    **FACT_ANSWERS,
    **INDEX_PROPERTY_ANSWERS,
    **IDENTITY_ANSWERS,
    **STATISTICS_ANSWERS,
    **{name: _of_partitions(find) for name, find in PARTITION_ANSWERS.items()},
    "pg_get_partkeydef": _partition_key,
}
