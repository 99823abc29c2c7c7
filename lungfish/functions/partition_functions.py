"""Functions about partitions. What they answer is made where the catalog is known: executor/system_views/partition_answers.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish.functions.registry import (
    Function,
    FunctionContext,
    Polymorphic,
    Volatility,
    record_of,
)
from lungfish.types.sql_type import BOOLEAN, INTEGER, OID, TEXT, SqlType
from lungfish.types.type_oids import registered_type

_REGCLASS = registered_type("regclass")
_TREE_COLUMNS = (
    ("relid", _REGCLASS),
    ("parentrelid", _REGCLASS),
    ("isleaf", BOOLEAN),
    ("level", INTEGER),
)

_TREE = record_of(_TREE_COLUMNS)


def _function(name: str, argument: SqlType, result: SqlType, **options: Any) -> Function:
    def ask(context: FunctionContext, *values: Any) -> Any:
        return context.ask_catalog(name, values)

    return Function(
        name, (argument,), result, ask, volatility=Volatility.STABLE, needs_context=True, **options
    )


def _satisfies(context: FunctionContext, *values: Any, types: Sequence[SqlType]) -> bool:
    oid, modulus, remainder, *key = values
    if oid is None or modulus is None or remainder is None:
        return False
    asked = (oid, modulus, remainder, tuple(key), tuple(types[3:]))
    return bool(context.ask_catalog("satisfies_hash_partition", asked))


PARTITION_FUNCTIONS: tuple[Function, ...] = (
    _function("pg_get_partkeydef", OID, TEXT),
    _function("pg_get_partition_constraintdef", OID, TEXT),
    _function("pg_partition_root", _REGCLASS, _REGCLASS),
    _function(
        "pg_partition_ancestors",
        _REGCLASS,
        _REGCLASS,
        returns_set=True,
        output_columns=(("relid", _REGCLASS),),
    ),
    _function(
        "pg_partition_tree", _REGCLASS, _TREE, returns_set=True, output_columns=_TREE_COLUMNS
    ),
    Function(
        "satisfies_hash_partition",
        (OID, INTEGER, INTEGER, Polymorphic.ANY),
        BOOLEAN,
        _satisfies,
        volatility=Volatility.STABLE,
        is_strict=False,
        is_variadic=True,
        needs_context=True,
        needs_types=True,
    ),
)
