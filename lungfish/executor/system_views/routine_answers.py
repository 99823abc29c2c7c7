"""The functions that write a user's routine back: pg_get_functiondef and its kin. Of built-in functions most answer NULL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from lungfish.catalog import Catalog
from lungfish.catalog.names import qualified
from lungfish.catalog.objects import Oid, SqlFunction
from lungfish.catalog.routine_texts import arguments_text, result_text
from lungfish.errors import FeatureNotSupported, WrongObjectType
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.executor.system_views.routines import routine_by_oid
from lungfish.executor.system_views.texts import parameter_default_text
from lungfish.sql.quoting import quote_identifier, quote_literal


def arguments_with_defaults(catalog: Catalog, item: SqlFunction) -> str:
    """The parameters with their defaults as they are read, whatever they were written like."""
    return arguments_text(item, default_text=partial(parameter_default_text, catalog))


def _answer(text: Callable[[SqlFunction], str | None]) -> Answer:
    def ask(asked: Asked, arguments: Sequence[Any]) -> str | None:
        found = asked.catalog.object(Oid(arguments[0]))
        return text(found) if isinstance(found, SqlFunction) else None

    return ask


def _definition(asked: Asked, arguments: Sequence[Any]) -> str | None:
    """CREATE OR REPLACE in PostgreSQL's layout."""
    item = asked.catalog.object(Oid(arguments[0]))
    if not isinstance(item, SqlFunction):
        built_in = routine_by_oid(arguments[0])
        if built_in is None:
            return None
        if built_in.kind == "a":
            raise WrongObjectType(f'"{built_in.name}" is an aggregate function')
        raise FeatureNotSupported("writing a built-in function back is not supported")
    if item.kind == "aggregate":
        raise WrongObjectType(f'"{item.name}" is an aggregate function')
    name = qualified(asked.catalog, item)
    lines = [
        f"CREATE OR REPLACE {item.kind.upper()} {name}({arguments_with_defaults(asked.catalog, item)})"
    ]
    result = result_text(item)
    if result is not None:
        lines.append(f" RETURNS {result}")
    lines.append(" LANGUAGE sql")
    traits = _traits(item)
    if traits:
        lines.append(f" {' '.join(traits)}")
    lines += [f" SET {quote_identifier(key)} TO {quote_literal(to)}" for key, to in item.settings]
    if item.is_standard:
        lines.append(_standard_body(item) or "")
    else:
        lines.append(f"AS ${item.kind}${item.body}${item.kind}$")
    return "\n".join([*lines, ""])


def _traits(item: SqlFunction) -> list[str]:
    options = dict(item.options)
    traits = [] if item.volatility == "volatile" else [item.volatility.upper()]
    if "parallel" in options and options["parallel"] != "unsafe":
        traits.append(f"PARALLEL {options['parallel'].upper()}")
    if item.is_strict:
        traits.append("STRICT")
    if options.get("security") == "definer":
        traits.append("SECURITY DEFINER")
    if options.get("leakproof") == "true":
        traits.append("LEAKPROOF")
    if options.get("cost", "100") != "100":
        traits.append(f"COST {options['cost']}")
    if options.get("rows", "1000") != "1000":
        traits.append(f"ROWS {options['rows']}")
    return traits


def _standard_body(item: SqlFunction) -> str | None:
    """Raises FeatureNotSupported: PostgreSQL writes the statements anew from what they were understood to mean."""
    if not item.is_standard:
        return None
    raise FeatureNotSupported("writing the body of an SQL-standard routine back is not supported")


def _default(asked: Asked, arguments: Sequence[Any]) -> str | None:
    """The default of a parameter, by its place among all of them; null of one that is given out."""
    oid, number = arguments
    item = asked.catalog.object(Oid(oid))
    if not isinstance(item, SqlFunction):
        return None
    if not 0 < number <= len(item.parameters):
        return None
    return parameter_default_text(asked.catalog, item.parameters[number - 1])


ROUTINE_ANSWERS: dict[str, Answer] = {
    "pg_get_functiondef": _definition,
    "pg_get_function_arg_default": _default,
    "pg_get_function_sqlbody": _answer(_standard_body),
}
