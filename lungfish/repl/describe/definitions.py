r"""What made an object: \sf, \sv, and .schema."""

from __future__ import annotations

from lungfish import Connection, errors
from lungfish.connection import RoutineFacts
from lungfish.repl.describe.query import rows_of
from lungfish.repl.input.words import unquote_name
from lungfish.sql.quoting import quote_qualified


def function_definition(connection: Connection, text: str) -> str:
    """The CREATE FUNCTION of a function in SQL, named with or without its argument types.

    Raises UndefinedFunction, AmbiguousFunction.
    """
    name, has_arguments, arguments = text.strip().partition("(")
    parts = unquote_name(name.strip()).split(".")
    found = [
        each
        for each in connection.routines()
        if each.body is not None
        and each.name == parts[-1]
        and (len(parts) == 1 or each.schema == parts[0])
    ]
    if has_arguments:
        wanted = _types(arguments.rpartition(")")[0])
        found = [each for each in found if _types(each.arguments) == wanted]
    if not found:
        raise errors.UndefinedFunction(f'function "{text}" does not exist')
    if len(found) > 1:
        raise errors.AmbiguousFunction(f'more than one function named "{text}"')
    return _create_function(found[0])


def _types(arguments: str) -> list[str]:
    """The types of arguments, each with or without a name before it."""
    return [each.strip().rpartition(" ")[2] for each in arguments.split(",") if each.strip()]


def _create_function(routine: RoutineFacts) -> str:
    word = "PROCEDURE" if routine.kind == "proc" else "FUNCTION"
    head = f"CREATE OR REPLACE {word} {quote_qualified(routine.schema, routine.name)}({routine.arguments})"
    traits = [routine.volatility.upper()] if routine.volatility != "volatile" else []
    traits += ["STRICT"] if routine.is_strict else []
    lines = [head, *([f" RETURNS {routine.result}"] if routine.result else []), " LANGUAGE sql"]
    lines += [f" {' '.join(traits)}"] if traits else []
    if routine.is_standard:
        return "\n".join([*lines, f"BEGIN ATOMIC\n{routine.body};\nEND"])
    return "\n".join([*lines, f"AS $function${routine.body}$function$"])


def view_definition(connection: Connection, text: str) -> str:
    """The CREATE VIEW of a view. Raises UndefinedTable."""
    parts = unquote_name(text.strip()).split(".")
    found = rows_of(
        connection,
        """SELECT n.nspname, c.relname, pg_catalog.pg_get_viewdef(c.oid, true),
             upper(substring(pg_catalog.array_to_string(c.reloptions, ',') FROM 'check_option=([a-z]+)')) FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('v', 'm') AND c.relname = :name
             AND (n.nspname = :schema OR (:schema = '' AND pg_catalog.pg_table_is_visible(c.oid)))""",
        name=parts[-1],
        schema=parts[0] if len(parts) > 1 else "",
    )
    if not found:
        raise errors.UndefinedTable(f'relation "{text}" does not exist')
    schema, name, definition, check = found[0]
    tail = f"\n WITH {check} CHECK OPTION" if check else ""
    return (
        f"CREATE OR REPLACE VIEW {quote_qualified(schema, name)} AS\n{definition.rstrip(';')}{tail}"
    )
