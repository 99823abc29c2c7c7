"""CREATE [OR REPLACE] FUNCTION and PROCEDURE, of routines in SQL: what their parameters say, and what may not change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from lungfish.catalog.objects import (
    INPUT_MODES,
    OUTPUT_MODES,
    Namespace,
    Oid,
    RoutineParameter,
    SqlFunction,
)
from lungfish.errors import (
    DuplicateFunction,
    InvalidFunctionDefinition,
    InvalidParameterValue,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_functions import signature_text
from lungfish.planner import check_default, check_routine, objects_of_body, resolve_routine_type
from lungfish.planner.routine_types import is_foreign, is_polymorphic
from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.routines import CreateFunction, FunctionParameter, RoutineSetting
from lungfish.sql.unparse_queries import unparse_expression
from lungfish.types.sql_type import VOID, SqlType, TypeKind


def create_function(context: DdlContext, statement: CreateFunction) -> str:
    """Run CREATE [OR REPLACE] FUNCTION or PROCEDURE; answers the command tag."""
    namespace = context.namespace_for(statement.name)
    parameters = read_parameters(context, statement.parameters, is_procedure=statement.is_procedure)
    result, returns_set = _result(context, statement, parameters)
    _check_polymorphic(parameters, result, statement.position)
    if statement.is_standard and any(
        is_polymorphic(each.type) for each in parameters if each.mode in INPUT_MODES
    ):
        raise InvalidFunctionDefinition(
            "SQL function with unquoted function body cannot have polymorphic arguments",
            position=statement.position,
        )
    if not returns_set and "rows" in dict(statement.options):
        raise InvalidParameterValue(
            "ROWS is not applicable when function does not return a set",
            position=statement.position,
        )
    inputs = [each for each in parameters if each.mode in INPUT_MODES]
    kind = "procedure" if statement.is_procedure else "function"
    function = SqlFunction(
        context.change.new_oid(),
        statement.name.name,
        namespace.oid,
        tuple(each.type for each in inputs),
        tuple(each.name for each in inputs),
        result,
        statement.body,
        volatility=statement.volatility,
        is_strict=statement.is_strict,
        parameters=parameters,
        returns_set=returns_set,
        kind=kind,
        is_standard=statement.is_standard,
        search_path=context.search_path,
        settings=routine_settings(context, (), statement.settings),
        options=statement.options,
    )
    existing = existing_routine(context, function, namespace)
    if existing is not None:
        _check_replacement(existing, function, statement)
        function = replace(function, oid=existing.oid, comment=existing.comment)
    # It is there before its body is looked at, which may call it.
    context.change.put(function)
    called: frozenset[Oid] = frozenset()
    if context.runner.checks_function_bodies or statement.is_standard:
        called = check_routine(function, context.catalog, context.search_path)
    if statement.is_standard:
        used = objects_of_body(function, context.catalog, context.search_path)
        context.change.put(replace(function, depends_on=(used | called) - {function.oid}))
    return f"CREATE {kind.upper()}"


def routine_settings(
    context: DdlContext, known: Sequence[tuple[str, str]], changes: Sequence[RoutineSetting]
) -> tuple[tuple[str, str], ...]:
    """The settings of a routine after SET and RESET."""
    found = dict(known)
    for change in changes:
        if change.name == "all":
            found.clear()
        elif change.is_current:
            found[change.name] = context.runner.setting(change.name)
        elif change.values:
            found[change.name] = context.runner.checked_setting(
                change.name, ", ".join(change.values)
            )
        else:
            found.pop(change.name, None)
    return tuple(found.items())


# Parameters.


def read_parameters(
    context: DdlContext, items: Sequence[FunctionParameter], *, is_procedure: bool = False
) -> tuple[RoutineParameter, ...]:
    """The parameters with their types; what PostgreSQL's interpret_function_parameter_list refuses is refused."""
    found: list[RoutineParameter] = []
    has_default = has_variadic = False
    for item in items:
        kind = _type_of(
            context, item.type_name, _AN_ARGUMENT if item.mode in INPUT_MODES else "return type"
        )
        _check_name(item, found)
        is_input = item.mode in INPUT_MODES
        if has_variadic and (is_input or is_procedure):
            what = "parameter" if is_procedure else "input parameter"
            raise _invalid(f"VARIADIC parameter must be the last {what}", item)
        if item.mode == "variadic":
            has_variadic = True
            _check_variadic(kind, item)
        default = None
        if item.default is not None:
            if not is_input:
                raise _invalid("only input parameters can have default values", item)
            check_default(item.default, kind, context.catalog, context.search_path)
            default = unparse_expression(item.default)
            has_default = True
        elif has_default and is_input:
            raise _invalid(
                "input parameters after one with a default value must also have defaults", item
            )
        elif has_default and is_procedure:
            raise _invalid(
                "procedure OUT parameters cannot appear after one with a default value", item
            )
        found.append(RoutineParameter(item.name or "", kind, item.mode, default))
    return tuple(found)


_AN_ARGUMENT = "have arguments of type"


def _type_of(context: DdlContext, name: TypeName, what: str) -> SqlType:
    if is_foreign(name):
        shown = '"any"' if name.name == "any" else name.name
        raise InvalidFunctionDefinition(
            f"SQL functions cannot {what} {shown}", position=name.position
        )
    if name.is_setof and what == _AN_ARGUMENT:
        raise InvalidFunctionDefinition(
            "functions cannot accept set arguments", position=name.position
        )
    found = resolve_routine_type(name, context.catalog, context.search_path).unmodified
    if name.column_of:
        shown = ".".join((*name.column_of, name.name))
        context.runner.notice(f"type reference {shown}%TYPE converted to {found}")
    is_row = found.kind is TypeKind.RECORD and not found.fields and found.name is None
    if (found.kind is TypeKind.VOID or is_row) and what == _AN_ARGUMENT:
        raise InvalidFunctionDefinition(
            f"SQL functions cannot {what} {found}", position=name.position
        )
    return found


def _check_name(item: FunctionParameter, before: Sequence[RoutineParameter]) -> None:
    if not item.name:
        return
    is_in, is_out = item.mode in ("in", "variadic"), item.mode in ("out", "table")
    for other in before:
        if other.name != item.name:
            continue
        # An input and an output may share a name.
        if (is_in and other.mode in ("out", "table")) or (
            is_out and other.mode in ("in", "variadic")
        ):
            continue
        raise _invalid(f'parameter name "{item.name}" used more than once', item)


def _check_variadic(kind: SqlType, item: FunctionParameter) -> None:
    is_array = kind.kind is TypeKind.ARRAY or (
        kind.kind is TypeKind.POLYMORPHIC and kind.name in ("anyarray", "anycompatiblearray")
    )
    if not is_array:
        raise _invalid("VARIADIC parameter must be an array", item)


def _invalid(message: str, item: FunctionParameter) -> InvalidFunctionDefinition:
    return InvalidFunctionDefinition(message, position=item.position)


# The result.


def _result(
    context: DdlContext, statement: CreateFunction, parameters: Sequence[RoutineParameter]
) -> tuple[SqlType, bool]:
    """The result's type, and whether it is a set."""
    required = _required(parameters, is_procedure=statement.is_procedure)
    name = statement.result
    if statement.is_procedure:
        return (VOID if required is None else required), False
    if name is None:
        if required is None:
            raise InvalidFunctionDefinition(
                "function result type must be specified", position=statement.position
            )
        return required, False
    given = _type_of(context, name, "return type")
    if required is None:
        return given, name.is_setof
    if required.kind is TypeKind.RECORD and required.name is None:
        is_same = given.kind is TypeKind.RECORD and not given.fields
    else:
        is_same = given == required
    if not is_same:
        shown = required if required.name or not required.fields else "record"
        raise InvalidFunctionDefinition(
            f"function result type must be {shown} because of OUT parameters",
            position=statement.position,
        )
    return required, name.is_setof


def _required(parameters: Sequence[RoutineParameter], *, is_procedure: bool) -> SqlType | None:
    """What the output parameters make the result; None where there are none."""
    outputs = [each for each in parameters if each.mode in OUTPUT_MODES]
    if not outputs:
        return None
    if len(outputs) == 1 and not is_procedure:
        return outputs[0].type
    return SqlType(
        TypeKind.RECORD,
        labels=tuple(each.name or f"column{number}" for number, each in enumerate(outputs, 1)),
        fields=tuple(each.type for each in outputs),
    )


_FAMILIES = (
    ("anyrange", "anymultirange"),
    ("anycompatiblerange", "anycompatiblemultirange"),
    ("anyelement", "anyarray", "anynonarray", "anyenum", "anyrange", "anymultirange"),
    ("anycompatible", "anycompatiblearray", "anycompatiblenonarray", "anycompatiblerange",
     "anycompatiblemultirange"),
)  # fmt: skip


def _check_polymorphic(
    parameters: Sequence[RoutineParameter], result: SqlType, position: int
) -> None:
    """Raise InvalidFunctionDefinition where the arguments of a call could not say what the result is."""
    given = {each.type.name for each in parameters if each.mode in INPUT_MODES}
    wanted = [result, *result.fields] if is_polymorphic(result) else []
    for kind in wanted:
        if kind.kind is TypeKind.POLYMORPHIC:
            require_determined(given, kind, "cannot determine result data type", position)


def require_determined(
    given: Collection[str | None], kind: SqlType, problem: str, position: int = -1
) -> None:
    """Raise InvalidFunctionDefinition unless parameters of the given types' names say what a polymorphic type is."""
    family = next(names for names in _FAMILIES if kind.name in names)
    if not set(given) & set(family):
        *first, last = family
        shown = f"{', '.join(first)}{',' if len(first) > 1 else ''} or {last}"
        raise InvalidFunctionDefinition(
            problem,
            detail=f"A result of type {kind} requires at least one input of type {shown}.",
            position=position,
        )


# What is there already.


def existing_routine(
    context: DdlContext, function: SqlFunction, namespace: Namespace
) -> SqlFunction | None:
    """The routine of the same name and parameters that is there already."""
    for item in context.catalog.find_functions(function.name, namespace.name):
        if item.parameter_types == function.parameter_types:
            return item
    return None


def _check_replacement(old: SqlFunction, new: SqlFunction, statement: CreateFunction) -> None:
    """What OR REPLACE may not change (PostgreSQL's ProcedureCreate)."""
    position = statement.position
    if not statement.or_replace:
        raise DuplicateFunction(
            f'function "{new.name}" already exists with same argument types', position=position
        )
    if old.kind != new.kind:
        raise WrongObjectType(
            "cannot change routine kind",
            position=position,
            detail=f'"{new.name}" is a {old.kind}.',
        )
    hint = f"Use DROP {old.kind.upper()} {signature_text(old)} first."
    old_row, new_row = old.result, new.result
    if old.returns_set != new.returns_set or not _is_same_result(old_row, new_row):
        is_row = _is_anonymous(old_row) and _is_anonymous(new_row)
        raise InvalidFunctionDefinition(
            "cannot change return type of existing function",
            position=position,
            detail="Row type defined by OUT parameters is different." if is_row else None,
            hint=hint,
        )
    for one, other in zip(old.inputs, new.inputs, strict=True):
        if one.name and one.name != other.name:
            raise InvalidFunctionDefinition(
                f'cannot change name of input parameter "{one.name}"', position=position, hint=hint
            )
        if one.default is not None and other.default is None:
            raise InvalidFunctionDefinition(
                "cannot remove parameter defaults from existing function",
                position=position,
                hint=hint,
            )


def _is_anonymous(kind: SqlType) -> bool:
    return kind.kind is TypeKind.RECORD and kind.name is None


def _is_same_result(old: SqlType, new: SqlType) -> bool:
    if old.oid or new.oid:
        return old.oid == new.oid and old.kind is new.kind
    return old == new
