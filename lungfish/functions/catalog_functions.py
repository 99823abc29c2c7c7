"""Functions about the catalog: definitions written back as SQL, names of oids and oids of names, visibility, comments.

What they answer is made above, where the catalog is known: `executor/system_views/catalog_answers.py`.
"""

from __future__ import annotations

from typing import Any

from lungfish.functions.registry import Function, FunctionContext, Volatility, record_of
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    NAME,
    OID,
    OIDVECTOR,
    SMALLINT,
    TEXT,
    SqlType,
    array_of,
)
from lungfish.types.type_oids import REGISTERED, registered_type


def _function(
    name: str,
    arguments: tuple[SqlType, ...],
    result: SqlType,
    volatility: Volatility = Volatility.STABLE,
) -> Function:
    def ask(context: FunctionContext, *values: Any) -> Any:
        return context.ask_catalog(name, values)

    return Function(name, arguments, result, ask, volatility=volatility, needs_context=True)


_REGCLASS, _REGTYPE = registered_type("regclass"), registered_type("regtype")
# Objects of which some are hidden behind others of the same name.
VISIBLE = (
    "collation", "conversion", "function", "opclass", "operator", "opfamily", "statistics_obj", "ts_config", "ts_dict",
    "ts_parser", "ts_template",
)  # fmt: skip
_SEQUENCE_COLUMNS = (
    ("start_value", BIGINT), ("minimum_value", BIGINT), ("maximum_value", BIGINT), ("increment", BIGINT),
    ("cycle_option", BOOLEAN), ("cache_size", BIGINT), ("data_type", OID),
)  # fmt: skip

_IDENTITY_COLUMNS = (("type", TEXT), ("schema", TEXT), ("name", TEXT), ("identity", TEXT))

_DEFINITIONS: tuple[tuple[str, tuple[SqlType, ...], SqlType], ...] = (
    ("pg_get_viewdef", (OID,), TEXT),
    ("pg_get_functiondef", (OID,), TEXT),
    ("pg_get_function_sqlbody", (OID,), TEXT),
    ("pg_get_viewdef", (OID, BOOLEAN), TEXT),
    ("pg_get_viewdef", (OID, INTEGER), TEXT),
    ("pg_get_viewdef", (TEXT,), TEXT),
    ("pg_get_viewdef", (TEXT, BOOLEAN), TEXT),
    ("pg_relation_is_updatable", (_REGCLASS, BOOLEAN), INTEGER),
    ("pg_column_is_updatable", (_REGCLASS, SMALLINT, BOOLEAN), BOOLEAN),
    ("pg_get_constraintdef", (OID,), TEXT),
    ("pg_get_constraintdef", (OID, BOOLEAN), TEXT),
    ("pg_get_indexdef", (OID,), TEXT),
    ("pg_get_indexdef", (OID, INTEGER, BOOLEAN), TEXT),
    ("pg_get_expr", (TEXT, OID), TEXT),
    ("pg_get_expr", (TEXT, OID, BOOLEAN), TEXT),
    ("pg_get_serial_sequence", (TEXT, TEXT), TEXT),
    ("pg_get_userbyid", (OID,), NAME),
    ("pg_get_triggerdef", (OID,), TEXT),
    ("pg_get_triggerdef", (OID, BOOLEAN), TEXT),
    ("pg_get_ruledef", (OID,), TEXT),
    ("pg_get_ruledef", (OID, BOOLEAN), TEXT),
    ("pg_get_statisticsobjdef", (OID,), TEXT),
    ("pg_get_statisticsobjdef_columns", (OID,), TEXT),
    ("pg_table_is_visible", (OID,), BOOLEAN),
    ("pg_type_is_visible", (OID,), BOOLEAN),
    ("pg_is_other_temp_schema", (OID,), BOOLEAN),
    ("pg_my_temp_schema", (), OID),
    ("pg_relation_is_publishable", (_REGCLASS,), BOOLEAN),
    ("pg_tablespace_location", (OID,), TEXT),
    ("pg_get_function_arg_default", (OID, INTEGER), TEXT),
    ("pg_get_replica_identity_index", (_REGCLASS,), _REGCLASS),
    ("pg_get_statisticsobjdef_expressions", (OID,), array_of(TEXT)),
    ("pg_filenode_relation", (OID, OID), _REGCLASS),
    ("pg_indexam_has_property", (OID, TEXT), BOOLEAN),
    ("pg_index_has_property", (_REGCLASS, TEXT), BOOLEAN),
    ("pg_index_column_has_property", (_REGCLASS, INTEGER, TEXT), BOOLEAN),
    ("oidvectortypes", (OIDVECTOR,), TEXT),
    ("pg_describe_object", (OID, OID, INTEGER), TEXT),
    ("pg_get_function_arguments", (OID,), TEXT),
    ("pg_get_function_identity_arguments", (OID,), TEXT),
    ("pg_get_function_result", (OID,), TEXT),
    ("pg_basetype", (_REGTYPE,), _REGTYPE),
    ("pg_relation_filenode", (_REGCLASS,), OID),
    ("row_security_active", (TEXT,), BOOLEAN),
    ("row_security_active", (OID,), BOOLEAN),
    ("pg_sequence_last_value", (_REGCLASS,), BIGINT),
    ("obj_description", (OID, NAME), TEXT),
    ("obj_description", (OID,), TEXT),
    ("shobj_description", (OID, NAME), TEXT),
    ("col_description", (OID, INTEGER), TEXT),
)

_SIZES = ("pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_total_relation_size")

CATALOG_FUNCTIONS: tuple[Function, ...] = (
    *(_function(name, arguments, result) for name, arguments, result in _DEFINITIONS),
    *(_function(name, (_REGCLASS,), BIGINT, Volatility.VOLATILE) for name in _SIZES),
    _function("pg_relation_size", (_REGCLASS, TEXT), BIGINT, Volatility.VOLATILE),
    *(
        _function(f"pg_{what}_size", (named_by,), BIGINT, Volatility.VOLATILE)
        for what in ("database", "tablespace")
        for named_by in (NAME, OID)
    ),
    *(_function(f"pg_{kind}_is_visible", (OID,), BOOLEAN) for kind in VISIBLE),
    Function(
        "pg_sequence_parameters",
        (OID,),
        record_of(_SEQUENCE_COLUMNS),
        lambda context, oid: [context.ask_catalog("pg_sequence_parameters", (oid,))],
        volatility=Volatility.STABLE,
        needs_context=True,
        returns_set=True,
        output_columns=_SEQUENCE_COLUMNS,
    ),
    Function(
        "pg_identify_object",
        (OID, OID, INTEGER),
        record_of(_IDENTITY_COLUMNS),
        lambda context, *address: [context.ask_catalog("pg_identify_object", address)],
        volatility=Volatility.STABLE,
        needs_context=True,
        returns_set=True,
        output_columns=_IDENTITY_COLUMNS,
    ),
    # A null modifier is no modifier.
    Function(
        "format_type",
        (OID, INTEGER),
        TEXT,
        lambda context, oid, modifier: context.ask_catalog("format_type", (oid, modifier)),
        volatility=Volatility.STABLE,
        is_strict=False,
        needs_context=True,
    ),
    *(_function(f"to_{name}", (TEXT,), registered_type(name)) for name in REGISTERED),
    _function("to_regtypemod", (TEXT,), INTEGER),
)
