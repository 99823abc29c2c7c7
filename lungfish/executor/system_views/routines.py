"""What the registry of functions holds, numbered: the rows that pg_proc, pg_operator, pg_aggregate and pg_cast are made of.

PostgreSQL's numbers of its own functions are a list in its sources. Ours are the places of the signatures in order, so they stand for
as long as a version does, and nothing stored may rely on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from lungfish.catalog.objects import (
    INFORMATION_SCHEMA_OID,
    LUNGFISH_OID,
    PG_CATALOG_OID,
    Oid,
    SqlFunction,
)
from lungfish.executor.system_views.type_functions import type_functions
from lungfish.functions import AGGREGATES, FUNCTIONS, WINDOW_FUNCTIONS, operator_functions
from lungfish.functions.parameter_names import first_signature
from lungfish.functions.registry import (
    Aggregate,
    Function,
    Polymorphic,
    WindowFunction,
)
from lungfish.types.cast_table import CONVERSIONS
from lungfish.types.coercion import CastContext, cast_context
from lungfish.types.sql_type import SqlType, TypeKind, array_of
from lungfish.types.type_oids import BUILT_IN, PSEUDO_TYPES, type_oid

FIRST_ROUTINE_OID = 1000
# Results that follow from the arguments' types in a way that a pseudo-type can say.
_FOLLOWING = {
    "enum_range": "anyarray", "information_schema._pg_expandarray": "record", "multirange": "anymultirange", "range_agg": "anymultirange", "range_merge": "anyrange",
    "unnest": "anyrange",
}  # fmt: skip
# Kinds whose values are the same internally, so that a cast between them does nothing.
_SAME_FORM = (
    (TypeKind.TEXT, TypeKind.VARCHAR),
    (TypeKind.BIT, TypeKind.VARBIT),
    (TypeKind.OID, TypeKind.REGISTERED),
)

BUILT_IN_SCHEMAS = {
    "pg_catalog": PG_CATALOG_OID, "lungfish": LUNGFISH_OID, "information_schema": INFORMATION_SCHEMA_OID,
}  # fmt: skip
Argument = SqlType | Polymorphic


@dataclass(frozen=True, slots=True)
class Routine:
    """A function as pg_proc has it. `kind`: f, a or w."""

    oid: Oid
    name: str
    namespace_oid: Oid
    kind: str
    arguments: tuple[int, ...]
    result: int
    volatility: str = "i"
    is_strict: bool = False
    returns_set: bool = False
    # The oid of the type that the last argument repeats; 0: none does.
    variadic: int = 0
    default_count: int = 0
    parameter_names: tuple[str, ...] = ()
    # Names and types of the columns of a set of rows.
    columns: tuple[tuple[str, int], ...] = ()
    # The text of a function in SQL.
    body: str | None = None
    # Of an aggregate: how many arguments stand before WITHIN GROUP; -1 where there is none.
    direct_count: int = -1


@dataclass(frozen=True, slots=True)
class OperatorFacts:
    """An operator as pg_operator has it; `left` is 0 of a prefix operator."""

    oid: Oid
    symbol: str
    left: int
    right: int
    result: int
    # The function under a name of its own that does the same; 0 where there is none.
    function_oid: int


@dataclass(frozen=True, slots=True)
class CastFacts:
    """A cast as pg_cast has it. `method`: f by a function, b nothing is done, i through text."""

    oid: Oid
    source: int
    target: int
    context: str
    method: str
    function_oid: int = 0


def argument_oid(kind: object) -> int:
    """The oid of an argument's type, a pseudo-type's too."""
    if isinstance(kind, SqlType):
        return type_oid(kind)
    if kind is Polymorphic.ANY_OR_UNKNOWN:
        kind = Polymorphic.ANY
    return PSEUDO_TYPES[kind.value] if isinstance(kind, Polymorphic) else PSEUDO_TYPES["any"]


def _result_oid(item: Function | Aggregate | WindowFunction) -> int:
    if isinstance(item.result, (SqlType, Polymorphic)):
        return argument_oid(item.result)
    return PSEUDO_TYPES[_FOLLOWING.get(item.name, "any")]


def split_schema(name: str) -> tuple[Oid, str]:
    """The schema and the bare name of a function as the registry has it."""
    schema, _, bare = name.rpartition(".")
    return BUILT_IN_SCHEMAS[schema or "pg_catalog"], bare


def _is_symbol(name: str) -> bool:
    return not (name[0].isalpha() or name[0] == "_")


def _key(item: Function | Aggregate | WindowFunction) -> tuple[str, tuple[int, ...]]:
    return item.name, tuple([argument_oid(kind) for kind in item.arguments])


@cache
def built_in_routines() -> tuple[Routine, ...]:
    """All functions, aggregates and window functions, and the functions that are called as casts: int8(x)."""
    found: dict[tuple[str, tuple[int, ...]], Routine] = {}
    for function in sorted(FUNCTIONS, key=_key):
        if not _is_symbol(function.name):
            made = _function(function)
            found.setdefault((made.name, made.arguments), made)
    for made in (*map(_aggregate, AGGREGATES), *map(_window_function, WINDOW_FUNCTIONS)):
        found.setdefault((made.name, made.arguments), made)
    for source, target in sorted(CONVERSIONS, key=lambda pair: (pair[0].name, pair[1].name)):
        if _is_called(source, target):
            source_oid, target_oid = BUILT_IN[source][0], BUILT_IN[target][0]
            made = Routine(
                Oid(0), BUILT_IN[target][2], PG_CATALOG_OID, "f", (source_oid,), target_oid,
                is_strict=True,
            )  # fmt: skip
            found.setdefault((made.name, made.arguments), made)
    for item in type_functions():
        made = Routine(
            Oid(0), item.name, PG_CATALOG_OID, "f", item.arguments, item.result, "s" if item.is_stable else "i",
            item.is_strict,
        )  # fmt: skip
        found.setdefault((made.name, made.arguments), made)
    return tuple(
        [
            replace(item, oid=Oid(number))
            for number, item in enumerate(found.values(), FIRST_ROUTINE_OID)
        ]
    )


@cache
def type_function(name: str) -> int:
    """The oid of one of the functions that `type_functions` lists; 0 for no name."""
    return next((int(item.oid) for item in built_in_routines() if item.name == name), 0)


def _is_called(source: TypeKind, target: TypeKind) -> bool:
    """Whether a cast between the kinds is done by a function of the target's name."""
    if source not in BUILT_IN or target not in BUILT_IN or TypeKind.UNKNOWN in (source, target):
        return False
    if (source, target) in _SAME_FORM or (target, source) in _SAME_FORM:
        return False
    return {source, target} != {TypeKind.JSON, TypeKind.JSONB}


def _function(item: Function) -> Routine:
    namespace, bare = split_schema(item.name)
    arguments = [argument_oid(kind) for kind in item.arguments]
    variadic = 0
    if item.is_variadic:
        last = item.arguments[-1]
        variadic = arguments[-1]
        if isinstance(last, SqlType):
            arguments[-1] = type_oid(array_of(last))
    names = first_signature(item.name, len(arguments))
    return Routine(
        Oid(0), bare, namespace, "f", tuple(arguments), _result_oid(item),
        item.volatility.value[0], item.is_strict, item.returns_set, variadic, len(item.defaults), names,
        tuple([(name, type_oid(kind)) for name, kind in item.output_columns]),
    )  # fmt: skip


def _aggregate(item: Aggregate) -> Routine:
    arguments = tuple([argument_oid(kind) for kind in item.arguments])
    direct = len(arguments) if item.is_ordered_set else -1
    variadic = arguments[-1] if item.is_variadic else 0
    return Routine(
        Oid(0),
        item.name,
        PG_CATALOG_OID,
        "a",
        arguments,
        _result_oid(item),
        variadic=variadic,
        direct_count=direct,
    )


def _window_function(item: WindowFunction) -> Routine:
    arguments = tuple([argument_oid(kind) for kind in item.arguments])
    return Routine(
        Oid(0), item.name, PG_CATALOG_OID, "w", arguments, _result_oid(item), is_strict=bool(arguments),
        default_count=len(item.defaults),
    )  # fmt: skip


def own_routine(item: SqlFunction) -> Routine:
    """A function that a user has made."""
    return Routine(
        item.oid, item.name, item.namespace_oid, item.kind[0], tuple([type_oid(kind) for kind in item.parameter_types]),
        type_oid(item.result), item.volatility[0], item.is_strict, item.returns_set,
        parameter_names=item.parameter_names, body=item.body,
    )  # fmt: skip


def own_routines(objects: Iterable[object]) -> list[Routine]:
    """The functions among a catalog's objects."""
    return [own_routine(item) for item in objects if isinstance(item, SqlFunction)]


@cache
def _routines_by_oid() -> dict[int, Routine]:
    return {item.oid: item for item in built_in_routines()}


def routine_by_oid(oid: int) -> Routine | None:
    """The built-in function with that oid."""
    return _routines_by_oid().get(oid)


@cache
def operators() -> tuple[OperatorFacts, ...]:
    """All operators."""
    # The same implementation under a name: int4pl for + of integers.
    named: dict[tuple[object, object, tuple[int, ...]], int] = {}
    by_signature = {(item.name, item.arguments): item.oid for item in built_in_routines()}
    for item in (*operator_functions.FUNCTIONS, *FUNCTIONS):
        if not _is_symbol(item.name):
            name, arguments = _key(item)
            oid = by_signature.get((name, arguments))
            if oid is not None:
                named.setdefault((item.scalar, item.vector, arguments), oid)
    found: dict[tuple[str, tuple[int, ...]], OperatorFacts] = {}
    symbols = [item for item in FUNCTIONS if _is_symbol(item.name)]
    for number, item in enumerate(sorted(symbols, key=_key), FIRST_ROUTINE_OID):
        symbol, arguments = _key(item)
        left = arguments[0] if len(arguments) == 2 else 0
        function = named.get((item.scalar, item.vector, arguments), 0)
        found.setdefault(
            (symbol, arguments),
            OperatorFacts(Oid(number), symbol, left, arguments[-1], _result_oid(item), function),
        )
    return tuple(found.values())


_CONTEXTS = {CastContext.IMPLICIT: "i", CastContext.ASSIGNMENT: "a", CastContext.EXPLICIT: "e"}


_JSON = (TypeKind.JSON, TypeKind.JSONB)
_TEXTS = (TypeKind.TEXT, TypeKind.VARCHAR)
# Casts that leave the bytes as they are, in PostgreSQL.
_ALIKE = (
    (TypeKind.INTEGER, TypeKind.OID),
    (TypeKind.OID, TypeKind.INTEGER),
    (TypeKind.TEXT, TypeKind.CHAR),
    (TypeKind.VARCHAR, TypeKind.CHAR),
)


@cache
def casts() -> tuple[CastFacts, ...]:
    """All casts between different built-in types that do not simply go through text."""
    called = {
        (item.arguments, item.result): item.oid
        for item in built_in_routines()
        if item.kind == "f" and len(item.arguments) == 1
    }
    found: list[CastFacts] = []
    for source, source_facts in BUILT_IN.items():
        for target, target_facts in BUILT_IN.items():
            if (source, target) not in CONVERSIONS or TypeKind.UNKNOWN in (source, target):
                continue
            context = cast_context(SqlType(source), SqlType(target))
            if context is None or (source in _JSON and target in _TEXTS):
                # PostgreSQL has no row for a cast that goes through text in any case.
                continue
            method, function = "b", 0
            if (source, target) in _ALIKE:
                pass
            elif _is_called(source, target):
                method, function = "f", called[(source_facts[0],), target_facts[0]]
            elif {source, target} == {TypeKind.JSON, TypeKind.JSONB}:
                method = "i"
            number = Oid(FIRST_ROUTINE_OID + len(found))
            found.append(
                CastFacts(
                    number, source_facts[0], target_facts[0], _CONTEXTS[context], method, function
                )
            )
    return tuple(found)
