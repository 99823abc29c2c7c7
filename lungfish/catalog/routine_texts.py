"""The parts of CREATE FUNCTION as text, for the dump, `\\df` and the functions about functions."""

from __future__ import annotations

from collections.abc import Callable

from lungfish.catalog.aggregate_parts import SupportFunction
from lungfish.catalog.objects import RoutineParameter, SqlFunction
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.types.sql_type import SqlType

TypeText = Callable[[SqlType], str]
DefaultText = Callable[[RoutineParameter], str | None]

_WORDS = {"in": "", "out": "OUT ", "inout": "INOUT ", "variadic": "VARIADIC "}


def _written(parameter: RoutineParameter) -> str | None:
    return parameter.default


def arguments_text(
    function: SqlFunction, type_text: TypeText = str, default_text: DefaultText = _written
) -> str:
    """The parameters as CREATE FUNCTION takes them, those of TABLE left out (pg_get_function_arguments)."""
    shown = []
    for each in function.all_parameters:
        if each.mode == "table":
            continue
        # With IN only where a procedure's outputs stand beside it, as PostgreSQL has it.
        word = "IN " if function.kind == "procedure" and each.mode == "in" else _WORDS[each.mode]
        default = default_text(each)
        tail = "" if default is None else f" DEFAULT {default}"
        shown.append(f"{word}{_named(each, type_text)}{tail}")
    return ", ".join(shown)


def identity_text(function: SqlFunction, type_text: TypeText = str) -> str:
    """The parameters by which the routine is named (pg_get_function_identity_arguments)."""
    return arguments_text(function, type_text, lambda parameter: None)


def result_text(function: SqlFunction, type_text: TypeText = str) -> str | None:
    """What the function returns (pg_get_function_result); None for a procedure."""
    if function.kind == "procedure":
        return None
    columns = [each for each in function.all_parameters if each.mode == "table"]
    if columns:
        return f"TABLE({', '.join(_named(each, type_text) for each in columns)})"
    result = function.result
    is_row = bool(result.fields) and result.name is None
    shown = "record" if is_row else type_text(result)
    return f"SETOF {shown}" if function.returns_set else shown


def _named(parameter: RoutineParameter, type_text: TypeText) -> str:
    shown = type_text(parameter.type)
    return f"{quote_identifier(parameter.name)} {shown}" if parameter.name else shown


_OPTION_WORDS: dict[str, Callable[[str], str]] = {
    "parallel": lambda text: f"PARALLEL {text.upper()}",
    "leakproof": lambda text: "LEAKPROOF" if text == "true" else "NOT LEAKPROOF",
    "security": lambda text: f"SECURITY {text.upper()}",
    "cost": lambda text: f"COST {text}",
    "rows": lambda text: f"ROWS {text}",
}


def definition_text(name: str, function: SqlFunction, type_text: TypeText = str) -> str:
    """The whole statement that makes the function or procedure, under the given name."""
    lines = [f"CREATE {function.kind.upper()} {name}({arguments_text(function, type_text)})"]
    result = result_text(function, type_text)
    if result is not None:
        lines[0] += f" RETURNS {result}"
    words = ["LANGUAGE sql"]
    if function.kind == "function":
        words.append(function.volatility.upper())
        if function.is_strict:
            words.append("STRICT")
    words += [_OPTION_WORDS[option](text) for option, text in function.options]
    lines.append(f"    {' '.join(words)}")
    lines += [
        f"    SET {quote_identifier(setting)} TO {quote_literal(value)}"
        for setting, value in function.settings
    ]
    if function.is_standard:
        lines.append(f"BEGIN ATOMIC\n{function.body.rstrip().rstrip(';')};\nEND")
    else:
        lines.append(f"    AS {quote_literal(function.body)}")
    return "\n".join(lines)


def aggregate_text(
    name: str,
    function: SqlFunction,
    type_text: TypeText,
    support_text: Callable[[SupportFunction], str],
) -> str:
    """CREATE AGGREGATE, under the given name."""
    parts = function.aggregate
    assert parts is not None, "only for aggregates"
    options = [
        f"SFUNC = {support_text(parts.transition)}",
        f"STYPE = {type_text(parts.state)}",
    ]
    if parts.final is not None:
        options.append(f"FINALFUNC = {support_text(parts.final)}")
    if parts.has_extra:
        options.append("FINALFUNC_EXTRA")
    if parts.initial is not None:
        options.append(f"INITCOND = {quote_literal(parts.initial)}")
    options += [
        f"{option.upper()} = {text}" for option, text in (*parts.options, *function.options)
    ]
    inputs = arguments_text(function, type_text) or "*"
    return f"CREATE AGGREGATE {name}({inputs}) ({', '.join(options)})"
