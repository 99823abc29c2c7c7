"""Routines, their parameters, and what bodies in SQL's own form use. What a body kept as text uses nobody knows, as in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import Sequence, SqlFunction, SystemView, Table, View
from lungfish.executor.system_views.information_schema.definition import (
    NO_NAME,
    SCOPE,
    TYPE,
    FullName,
    Names,
    standard_of,
    yes_or_no,
)
from lungfish.executor.system_views.information_schema.described_types import describe_name
from lungfish.executor.system_views.information_schema.listed_routines import (
    ListedRoutine,
    listed_routines,
    specific_name,
)
from lungfish.executor.system_views.texts import parameter_default_text

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
_MODES = {"in": "IN", "out": "OUT", "inout": "INOUT", "variadic": "IN", "table": "OUT"}
_KINDS = {"f": "FUNCTION", "p": "PROCEDURE"}
_NO_SCOPE = (*NO_NAME, None)
# How many columns speak of the result's type, and of a cast of the result, which no routine has.
_RESULT_COUNT, _RESULT_CAST_COUNT = 23, 24


def _routines(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item in listed_routines(names):
        yield (
            *item.specific(names), *names.of(item), _KINDS.get(item.kind), *NO_NAME, *NO_NAME, *_result(names, item),
            "SQL" if item.language == "SQL" else "EXTERNAL", item.definition, None, item.language, "GENERAL",
            yes_or_no(is_so=item.is_immutable), "MODIFIES", None if item.is_procedure else yes_or_no(is_so=item.is_strict),
            None, "YES", 0, None, None, "DEFINER" if item.is_definer else "INVOKER", *NO_NAME, "NO", None, None, None,
            "NO", *[None] * _RESULT_CAST_COUNT,
        )  # fmt: skip


def _result(names: Names, item: ListedRoutine) -> tuple[Any, ...]:
    """The columns from data_type to dtd_identifier."""
    if item.is_procedure:
        return (None,) * _RESULT_COUNT
    shown = describe_name(names, item.result)
    return *shown.facts, *shown.udt, *_NO_SCOPE, "0"


def _parameters(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item in listed_routines(names):
        for number, each in enumerate(item.parameters, 1):
            shown = describe_name(names, each.type)
            yield (
                *item.specific(names), number, _MODES[each.mode], "NO", "NO", each.name or None, *shown.facts, *shown.udt,
                *_NO_SCOPE, str(number), parameter_default_text(context.catalog, each),
            )  # fmt: skip


def _uses(names: Names) -> Iterator[tuple[FullName, SqlFunction, object]]:
    """Each routine's specific name, the routine, and an object that it uses."""
    for item in names.catalog.objects():
        if isinstance(item, SqlFunction):
            specific = names.within(item.namespace_oid, specific_name(item.name, item.oid))
            for oid in sorted(item.depends_on):
                yield specific, item, names.catalog.object(oid)


def _used_routines(context: ExecutionContext) -> Rows:
    names = Names(context)
    for specific, _, used in _uses(names):
        if isinstance(used, SqlFunction):
            yield *specific, *names.within(used.namespace_oid, specific_name(used.name, used.oid))


def _used_sequences(context: ExecutionContext) -> Rows:
    names = Names(context)
    for specific, item, used in _uses(names):
        if isinstance(used, Sequence):
            yield *specific, *names.of(item), *names.of(used)


def _used_tables(context: ExecutionContext) -> Rows:
    names = Names(context)
    for specific, item, used in _uses(names):
        if isinstance(used, View) or (isinstance(used, Table) and not used.materialized_query):
            yield *specific, *names.of(item), *names.of(used)


ROUTINE_VIEWS: tuple[SystemView, ...] = (
    standard_of(
        12217,
        "routines",
        f"specific*, routine*, routine_type varchar, module*, udt*, {TYPE}, type_udt*, {SCOPE}, routine_body varchar,"
        " routine_definition varchar, external_name varchar, external_language varchar, parameter_style varchar,"
        " is_deterministic flag, sql_data_access varchar, is_null_call flag, sql_path varchar,"
        " schema_level_routine flag, max_dynamic_result_sets int4, is_user_defined_cast flag,"
        " is_implicitly_invocable flag, security_type varchar, to_sql_specific*, as_locator flag,"
        " created timestamptz, last_altered timestamptz, new_savepoint_level flag, is_udt_dependent flag,"
        " result_cast_from_data_type varchar, result_cast_as_locator flag, result_cast_char_max_length int4,"
        " result_cast_char_octet_length int4, result_cast_char_set*, result_cast_collation*,"
        " result_cast_numeric_precision int4, result_cast_numeric_precision_radix int4,"
        " result_cast_numeric_scale int4, result_cast_datetime_precision int4,"
        " result_cast_interval_type varchar, result_cast_interval_precision int4, result_cast_type_udt*,"
        " result_cast_scope*, result_cast_maximum_cardinality int4, result_cast_dtd_identifier",
        _routines,
    ),
    standard_of(
        12218,
        "parameters",
        "specific*, ordinal_position int4, parameter_mode varchar, is_result flag, as_locator flag, parameter_name,"
        f" {TYPE}, udt*, {SCOPE}, parameter_default varchar",
        _parameters,
    ),
    standard_of(12219, "routine_routine_usage", "specific*, routine*", _used_routines),
    standard_of(12220, "routine_sequence_usage", "specific*, routine*, sequence*", _used_sequences),
    standard_of(12221, "routine_table_usage", "specific*, routine*, table*", _used_tables),
    # Which columns of them a body uses is not kept.
    standard_of(12222, "routine_column_usage", "specific*, routine*, table*, column_name"),
)
