"""pg_proc, pg_operator, pg_aggregate, pg_cast and pg_language: what can be called, made of the registry of functions.

Nothing here is PostgreSQL's list: a row is there because the function is. What PostgreSQL says of its C functions and Lungfish has
not (the transition functions of aggregates, estimators of operators) is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.aggregate_parts import AggregateParts, SupportFunction
from lungfish.catalog.authority import Authority
from lungfish.catalog.objects import PG_CATALOG_OID, SqlFunction, SystemView
from lungfish.executor.system_views.access_texts import access_text
from lungfish.executor.system_views.definition import catalog_of
from lungfish.executor.system_views.own_operators import own_cast_rows, own_operator_rows
from lungfish.executor.system_views.pg_relations import OWNER_OID, array
from lungfish.executor.system_views.routines import (
    OperatorFacts,
    Routine,
    built_in_routines,
    casts,
    operators,
)
from lungfish.types.sql_type import TypeKind
from lungfish.types.type_oids import BUILT_IN, PSEUDO_TYPES, type_oid

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
INTERNAL_LANGUAGE, SQL_LANGUAGE = 12, 14
# What PostgreSQL says where nothing better is known: rows of a set, and the cost of a function in SQL.
_SET_ROWS, _SQL_COST = 1000.0, 100.0

# Which operator is the same with its operands changed round, and which is its contrary.
_COMMUTATORS = {
    "=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<=", "+": "+", "*": "*", "&": "&", "|": "|", "#": "#",
    "&&": "&&", "-|-": "-|-", "@>": "<@", "<@": "@>",
}  # fmt: skip
_NEGATORS = {
    "=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "~~": "!~~", "!~~": "~~", "~~*": "!~~*",
    "!~~*": "~~*", "~": "!~", "!~": "~", "~*": "!~*", "!~*": "~*",
}  # fmt: skip


def _functions(context: ExecutionContext) -> Rows:
    for item in built_in_routines():
        yield _function(item, context.catalog.authority)
    for own in context.catalog.objects():
        if isinstance(own, SqlFunction):
            yield _own_function(own, context.catalog.authority)


_MODES = {"in": "i", "out": "o", "inout": "b", "variadic": "v", "table": "t"}


def _own_function(item: SqlFunction, authority: Authority) -> tuple[Any, ...]:
    """A routine in SQL, of a user's."""
    parameters = item.all_parameters
    options = dict(item.options)
    language, cost, source = SQL_LANGUAGE, _SQL_COST, "" if item.is_standard else item.body
    if item.aggregate is not None:
        language, cost, source = INTERNAL_LANGUAGE, 1.0, "aggregate_dummy"
    modes = [_MODES[each.mode] for each in parameters]
    names = [each.name for each in parameters]
    defaults = [each.default for each in parameters if each.default is not None]
    is_plain = all(mode == "i" for mode in modes)
    variadic = 0
    if item.is_variadic:
        array_type = item.parameter_types[-1]
        variadic = (
            PSEUDO_TYPES["any"] if array_type.element is None else type_oid(array_type.element)
        )
        if array_type.kind is TypeKind.POLYMORPHIC:
            is_compatible = array_type.name == "anycompatiblearray"
            variadic = PSEUDO_TYPES["anycompatible" if is_compatible else "anyelement"]
    return (
        item.oid, item.name, item.namespace_oid, authority.owner_of("function", item.oid), language, float(options.get("cost", cost)),
        float(options.get("rows", _SET_ROWS)) if item.returns_set else 0.0, variadic, 0, item.kind[0],
        options.get("security") == "definer", options.get("leakproof") == "true", item.is_strict, item.returns_set,
        item.volatility[0], options.get("parallel", "unsafe")[0], len(item.parameter_types), len(defaults),
        type_oid(item.result), array([type_oid(kind) for kind in item.parameter_types], lower=0),
        None if is_plain else array([type_oid(each.type) for each in parameters]), None if is_plain else array(modes),
        array(names) if any(names) else None, ", ".join(defaults) or None, None,
        source, None, item.body if item.is_standard else None,
        array([f"{name}={value}" for name, value in item.settings]) if item.settings else None,
        access_text(authority, authority.kept_items("function", item.oid)),
    )  # fmt: skip


def _function(item: Routine, authority: Authority) -> tuple[Any, ...]:
    names = item.parameter_names if any(item.parameter_names) else ()
    modes: list[str] = []
    all_types: list[int] = []
    if item.columns:
        modes = [*"i" * len(item.arguments), *"o" * len(item.columns)]
        all_types = [*item.arguments, *(kind for _, kind in item.columns)]
        names = (
            *(names or ("",) * len(item.arguments)),
            *(name for name, _ in item.columns),
        )
    elif item.variadic:
        modes = [*"i" * (len(item.arguments) - 1), "v"]
        all_types = list(item.arguments)
    return (
        item.oid, item.name, item.namespace_oid, OWNER_OID, INTERNAL_LANGUAGE,
        1.0, _SET_ROWS if item.returns_set else 0.0, item.variadic, 0, item.kind, False, False,
        item.is_strict, item.returns_set, item.volatility, "s", len(item.arguments),
        item.default_count, item.result, array(item.arguments, lower=0), array(all_types) if all_types else None,
        array(modes) if modes else None, array(names) if names else None, None, None,
        item.name, None, None, None, access_text(authority, authority.kept_items("function", item.oid)),
    )  # fmt: skip


def _aggregates(context: ExecutionContext) -> Rows:
    for item in built_in_routines():
        if item.kind == "a":
            is_ordered = item.direct_count >= 0
            yield (
                item.oid, "o" if is_ordered else "n", max(item.direct_count, 0), 0, 0, 0, 0, 0, 0, 0, 0, False, False,
                "r", "r", 0, 0, 0, 0, 0, None, None,
            )  # fmt: skip
    for own in context.catalog.objects():
        if isinstance(own, SqlFunction) and own.aggregate is not None:
            yield _own_aggregate(own, own.aggregate)


def _own_aggregate(item: SqlFunction, parts: AggregateParts) -> tuple[Any, ...]:
    kept = dict(parts.options)
    modify = kept.get("finalfunc_modify", "read_only")
    return (
        item.oid, "n", 0, _support_oid(parts.transition), _support_oid(parts.final), 0, 0, 0, 0, 0, 0, parts.has_extra,
        False, {"read_only": "r", "shareable": "s"}.get(modify, "w"), "r", 0, type_oid(parts.state),
        int(kept.get("sspace", 0)), 0, 0, parts.initial, None,
    )  # fmt: skip


def _support_oid(support: SupportFunction | None) -> int:
    """The oid of one of an aggregate's functions; of a built-in one the first of that name."""
    if support is None:
        return 0
    if support.oid:
        return support.oid
    return next((int(item.oid) for item in built_in_routines() if item.name == support.name), 0)


def _operators(context: ExecutionContext) -> Rows:
    known = {(item.symbol, item.left, item.right): item.oid for item in operators()}
    for item in operators():
        is_equality = item.symbol == "=" and item.left != 0
        yield (
            item.oid, item.symbol, PG_CATALOG_OID, OWNER_OID, "b" if item.left else "l", is_equality, is_equality,
            item.left, item.right, item.result, _commutator(item, known), _negator(item, known), item.function_oid, 0, 0,
        )  # fmt: skip
    yield from own_operator_rows(context)


def _commutator(item: OperatorFacts, known: dict[tuple[str, int, int], Any]) -> int:
    symbol = _COMMUTATORS.get(item.symbol)
    if symbol is None or not item.left:
        return 0
    return int(known.get((symbol, item.right, item.left), 0))


def _negator(item: OperatorFacts, known: dict[tuple[str, int, int], Any]) -> int:
    symbol = _NEGATORS.get(item.symbol)
    if symbol is None or item.result != BUILT_IN[TypeKind.BOOLEAN][0]:
        return 0
    return int(known.get((symbol, item.left, item.right), 0))


def _casts(context: ExecutionContext) -> Rows:
    for item in casts():
        yield item.oid, item.source, item.target, item.function_oid, item.context, item.method
    yield from own_cast_rows(context)


def _languages(context: ExecutionContext) -> Rows:
    authority = context.catalog.authority
    for oid, name in ((INTERNAL_LANGUAGE, "internal"), (SQL_LANGUAGE, "sql")):
        shown = access_text(authority, authority.kept_items("language", oid))
        owner = authority.owner_of("language", oid)
        yield oid, name, owner, False, oid == SQL_LANGUAGE, 0, 0, 0, shown


ROUTINE_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        1255,
        "pg_proc",
        "oid oid, proname name, pronamespace oid, proowner oid, prolang oid, procost float4, prorows float4,"
        " provariadic oid, prosupport regproc, prokind char, prosecdef bool, proleakproof bool, proisstrict bool,"
        " proretset bool, provolatile char, proparallel char, pronargs int2, pronargdefaults int2, prorettype oid,"
        " proargtypes oidvector, proallargtypes oid[], proargmodes char[], proargnames text[], proargdefaults tree,"
        " protrftypes oid[], prosrc text, probin text, prosqlbody tree, proconfig text[], proacl acl",
        _functions,
    ),
    catalog_of(
        2600,
        "pg_aggregate",
        "aggfnoid regproc, aggkind char, aggnumdirectargs int2, aggtransfn regproc, aggfinalfn regproc,"
        " aggcombinefn regproc, aggserialfn regproc, aggdeserialfn regproc, aggmtransfn regproc,"
        " aggminvtransfn regproc, aggmfinalfn regproc, aggfinalextra bool, aggmfinalextra bool,"
        " aggfinalmodify char, aggmfinalmodify char, aggsortop oid, aggtranstype oid, aggtransspace int4,"
        " aggmtranstype oid, aggmtransspace int4, agginitval text, aggminitval text",
        _aggregates,
    ),
    catalog_of(
        2617,
        "pg_operator",
        "oid oid, oprname name, oprnamespace oid, oprowner oid, oprkind char, oprcanmerge bool, oprcanhash bool,"
        " oprleft oid, oprright oid, oprresult oid, oprcom oid, oprnegate oid, oprcode regproc, oprrest regproc,"
        " oprjoin regproc",
        _operators,
    ),
    catalog_of(
        2605,
        "pg_cast",
        "oid oid, castsource oid, casttarget oid, castfunc oid, castcontext char, castmethod char",
        _casts,
    ),
    catalog_of(
        2612,
        "pg_language",
        "oid oid, lanname name, lanowner oid, lanispl bool, lanpltrusted bool, lanplcallfoid oid, laninline oid,"
        " lanvalidator oid, lanacl acl",
        _languages,
    ),
)
