"""CREATE [OR REPLACE] AGGREGATE: the functions that its states go through, and what must fit together (PostgreSQL's AggregateCreate)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish.catalog.aggregate_parts import AggregateParts
from lungfish.catalog.objects import INPUT_MODES, Oid, SqlFunction
from lungfish.errors import (
    DatatypeMismatch,
    DuplicateFunction,
    FeatureNotSupported,
    InvalidFunctionDefinition,
    SyntaxError,
    UndefinedFunction,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.functions import existing_routine, read_parameters, require_determined
from lungfish.planner import SupportCall, find_support, resolve_routine_type
from lungfish.planner.routine_types import is_foreign, is_polymorphic
from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.routines import AggregateOption, CreateAggregate, FunctionParameter
from lungfish.sql.quoting import quote_literal
from lungfish.types.coercion import can_coerce, is_binary_coercible
from lungfish.types.sql_type import SqlType, TypeKind

# Other names of options, from times when there were two transition functions.
_OLD_NAMES = {"sfunc1": "sfunc", "stype1": "stype", "initcond1": "initcond"}
# What is kept and changes no result.
_KEPT = frozenset({"sspace", "finalfunc_modify", "combinefunc", "sortop"})
# What makes an aggregate other than a plain one, or speaks of states that only functions in C have.
_REFUSED = frozenset(
    {"msfunc", "minvfunc", "mstype", "msspace", "mfinalfunc", "mfinalfunc_extra", "mfinalfunc_modify", "minitcond",
     "hypothetical", "serialfunc", "deserialfunc"}
)  # fmt: skip
_OTHERS = frozenset(
    {"sfunc", "stype", "finalfunc", "finalfunc_extra", "initcond", "basetype", "parallel"}
)


def create_aggregate(context: DdlContext, statement: CreateAggregate) -> str:
    """Run CREATE AGGREGATE; answers the command tag."""
    namespace = context.namespace_for(statement.name)
    options = _options(context, statement)
    inputs = _inputs(statement, options)
    parameters = read_parameters(context, inputs)
    for name in ("stype", "sfunc"):
        if name not in options:
            raise InvalidFunctionDefinition(f"aggregate {name} must be specified")
    types = tuple(each.type for each in parameters)
    parts, result, uses = _parts(context, options, types)
    made = SqlFunction(
        context.change.new_oid(),
        statement.name.name,
        namespace.oid,
        types,
        tuple(each.name for each in parameters),
        result,
        "",
        volatility="immutable",
        parameters=parameters,
        kind="aggregate",
        search_path=context.search_path,
        depends_on=uses,
        options=_parallel(options),
        aggregate=parts,
    )
    existing = existing_routine(context, made, namespace)
    if existing is not None:
        _check_replacement(existing, made, statement)
        made = replace(made, oid=existing.oid, comment=existing.comment)
    context.change.put(made)
    return "CREATE AGGREGATE"


# What the statement says.


def _options(context: DdlContext, statement: CreateAggregate) -> dict[str, AggregateOption]:
    found: dict[str, AggregateOption] = {}
    for option in statement.options:
        name = _OLD_NAMES.get(option.name, option.name)
        if name in _REFUSED:
            raise FeatureNotSupported(
                f"{name} of CREATE AGGREGATE is not supported", position=option.position
            )
        if name in _KEPT or name in _OTHERS:
            found[name] = option
        else:
            context.runner.notice(f'aggregate attribute "{option.name}" not recognized')
    return found


def _inputs(
    statement: CreateAggregate, options: dict[str, AggregateOption]
) -> tuple[FunctionParameter, ...]:
    """The parameters, of the old form too."""
    base = options.get("basetype")
    if statement.parameters is not None:
        if base is not None:
            raise InvalidFunctionDefinition(
                "basetype is redundant with aggregate input type specification"
            )
        for each in statement.parameters:
            if each.mode not in INPUT_MODES:
                raise FeatureNotSupported("aggregates cannot have output arguments")
            if each.type_name.is_setof:
                raise InvalidFunctionDefinition(
                    "aggregates cannot accept set arguments", position=each.position
                )
        return statement.parameters
    if base is None:
        raise InvalidFunctionDefinition("aggregate input type must be specified")
    if (base.text or "").lower() == "any":
        return ()
    return (FunctionParameter(None, _type_name(base), "in", None, base.position),)


def _type_name(option: AggregateOption) -> TypeName:
    if option.type_name is not None:
        return option.type_name
    return TypeName(option.text or "", position=option.position)


def _parallel(options: dict[str, AggregateOption]) -> tuple[tuple[str, str], ...]:
    if "parallel" not in options:
        return ()
    word = (options["parallel"].text or "").lower()
    if word not in ("safe", "restricted", "unsafe"):
        raise SyntaxError('parameter "parallel" must be SAFE, RESTRICTED, or UNSAFE')
    return (("parallel", word),)


# Its functions.


def _parts(
    context: DdlContext, options: dict[str, AggregateOption], types: tuple[SqlType, ...]
) -> tuple[AggregateParts, SqlType, frozenset[Oid]]:
    """The parts, the result's type, and the oids of the user's functions among them."""
    state = _state_type(context, options["stype"])
    names = [kind.name for kind in types]
    if is_polymorphic(state):
        require_determined(names, state, "cannot determine transition data type")
    initial = options["initcond"].text if "initcond" in options else None
    transition = _support(context, options["sfunc"], (state, *types))
    if transition.result != state:
        raise DatatypeMismatch(
            f"return type of transition function {transition.support.name} is not {state}"
        )
    if transition.is_strict and initial is None:
        if not types or not is_binary_coercible(types[0], state):
            raise InvalidFunctionDefinition(
                "must not omit initial value when transition function is strict"
                " and transition type is not compatible with input type"
            )
    has_extra = "finalfunc_extra" in options and options["finalfunc_extra"].text != "false"
    final = _final(context, options, (state, *(types if has_extra else ())), has_extra=has_extra)
    _check_combine(context, options, state)
    result = state if final is None else final.result
    if is_polymorphic(result):
        require_determined(names, result, "cannot determine result data type")
    if initial is not None and not is_polymorphic(state):
        context.runner.query_assigned(f"SELECT {quote_literal(initial)}::{state}")
    kept = tuple((name, options[name].text or "") for name in sorted(_KEPT) if name in options)
    parts = AggregateParts(
        transition.support,
        state,
        None if final is None else final.support,
        has_extra=has_extra,
        initial=initial,
        options=kept,
    )
    oids = {transition.support.oid, 0 if final is None else final.support.oid} - {0}
    return parts, result, frozenset(Oid(oid) for oid in oids)


def _state_type(context: DdlContext, option: AggregateOption) -> SqlType:
    name = _type_name(option)
    if is_foreign(name):
        if name.name == "internal":
            raise FeatureNotSupported(
                "an aggregate whose state is internal is not supported", position=option.position
            )
        raise InvalidFunctionDefinition(
            f"aggregate transition data type cannot be {name.name}", position=option.position
        )
    found = resolve_routine_type(name, context.catalog, context.search_path).unmodified
    if found.kind is TypeKind.VOID or (found.kind is TypeKind.RECORD and not found.fields):
        raise InvalidFunctionDefinition(
            f"aggregate transition data type cannot be {found}", position=option.position
        )
    return found


def _final(
    context: DdlContext,
    options: dict[str, AggregateOption],
    types: tuple[SqlType, ...],
    *,
    has_extra: bool,
) -> SupportCall | None:
    if "finalfunc" not in options:
        return None
    found = _support(context, options["finalfunc"], types)
    if has_extra and found.is_strict:
        raise InvalidFunctionDefinition(
            "final function with extra arguments must not be declared STRICT"
        )
    return found


def _check_combine(
    context: DdlContext, options: dict[str, AggregateOption], state: SqlType
) -> None:
    """A combining function is looked for and never called: states are never put together."""
    if "combinefunc" not in options:
        return
    found = _support(context, options["combinefunc"], (state, state))
    if found.result != state:
        raise DatatypeMismatch(
            f"return type of combine function {found.support.name} is not {state}"
        )


def _support(context: DdlContext, option: AggregateOption, types: Sequence[SqlType]) -> SupportCall:
    """The function of that name for these types, which it must take as they are."""
    name = _type_name(option)
    found = find_support(name.name, name.schema, types, context.catalog, context.search_path)
    if found is None:
        shown = f"{name.name}({', '.join(map(str, types))})"
        raise UndefinedFunction(f"function {shown} does not exist")
    shown = f"{name.name}({', '.join(map(str, found.argument_types))})"
    if found.returns_set:
        raise DatatypeMismatch(f"function {shown} returns a set")
    for given, wanted in zip(types, found.argument_types, strict=True):
        if given == wanted or is_polymorphic(wanted) or is_binary_coercible(given, wanted):
            continue
        assert can_coerce(given, wanted), "it was found for these types"
        raise DatatypeMismatch(f"function {shown} requires run-time type coercion")
    return found


def _check_replacement(old: SqlFunction, new: SqlFunction, statement: CreateAggregate) -> None:
    if not statement.or_replace:
        raise DuplicateFunction(f'function "{new.name}" already exists with same argument types')
    if old.kind != "aggregate":
        raise WrongObjectType("cannot change routine kind", detail=f'"{old.name}" is a {old.kind}.')
    if old.result != new.result:
        raise InvalidFunctionDefinition(
            "cannot change return type of existing function",
            hint=f"Use DROP AGGREGATE {old.name}({','.join(map(str, old.parameter_types))}) first.",
        )
