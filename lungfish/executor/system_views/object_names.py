"""Names of objects and their oids: what regclass, regproc and their kin read and show, and format_type.

`...in` is how a text is read and raises where nothing has that name; `...out` is how an oid is shown: as its number where it is
nothing's, and as a dash where it is 0. `to_reg...` reads too, and answers null instead of raising.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lungfish.catalog import Catalog
from lungfish.catalog.objects import (
    Namespace,
    Oid,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import (
    AmbiguousFunction,
    InvalidName,
    InvalidSchemaName,
    InvalidTextRepresentation,
    SyntaxError,
    UndefinedFunction,
    UndefinedObject,
    UndefinedTable,
)
from lungfish.executor.system_views.asked import Answer, Asked, is_composite
from lungfish.executor.system_views.own_operators import (
    named_operators,
    operator_by_oid,
    operator_schema,
)
from lungfish.executor.system_views.routines import (
    BUILT_IN_SCHEMAS,
    Routine,
    built_in_routines,
    own_routine,
    own_routines,
    routine_by_oid,
)
from lungfish.planner import resolve_type_name
from lungfish.sql import parse_one
from lungfish.sql.ast.expressions import Cast
from lungfish.sql.ast.queries import Query, Select
from lungfish.sql.quoting import qualified_name, quote_identifier, split_name
from lungfish.types.collations import COLLATION_OIDS
from lungfish.types.parse_numbers import parse_oid
from lungfish.types.sql_type import SqlType
from lungfish.types.type_oids import (
    PSEUDO_TYPES,
    own_element_oid,
    type_modifier,
    type_of_oid,
    type_oid,
    with_modifier,
)

COLLATIONS = {oid: name for name, oid in COLLATION_OIDS.items()}
_PSEUDO_NAMES = {oid: name for name, oid in PSEUDO_TYPES.items()}


def _number(text: str) -> int | None:
    """The oid that a text gives as a number or a dash; None of a name."""
    if text == "-":
        return 0
    return parse_oid(text) if text.isascii() and text.isdecimal() else None


def qualified(catalog: Catalog, item: SequenceObject | Table | View | SystemView) -> str:
    """A relation's name with its schema."""
    schema = quote_identifier(catalog.namespace_name(item.namespace_oid))
    return f"{schema}.{quote_identifier(item.name)}"


# Relations.


def _relation_in(asked: Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    number = _number(text)
    if number is not None:
        return number
    found = asked.relation(text)
    return int(found[1].oid if isinstance(found, tuple) else found.oid)


def _relation_out(asked: Asked, arguments: Sequence[Any]) -> str:
    oid = arguments[0]
    if not oid:
        return "-"
    item = asked.catalog.object(Oid(oid))
    if isinstance(item, (Table, View, SequenceObject, SystemView)):
        if asked.is_visible(item.name, item.namespace_oid, oid):
            return quote_identifier(item.name)
        return qualified(asked.catalog, item)
    if isinstance(item, UserType) and is_composite(item):
        return str(format_type(asked, (oid, None)))
    found = asked.index(oid)
    if found is None:
        return str(oid)
    schema = asked.catalog.namespace_name(found[0].namespace_oid)
    name = quote_identifier(found[1].name)
    visible = asked.catalog.find_index(found[1].name, None, asked.search_path)
    is_same = visible is not None and visible[1].oid == oid
    return name if is_same else f"{quote_identifier(schema)}.{name}"


# Types.


def named_type(asked: Asked, text: str) -> SqlType:
    """The type that a text names. Raises what the parser and the binder raise."""
    statement = parse_one(f"SELECT NULL::{text}").statement
    assert isinstance(statement, Query)
    assert isinstance(statement.body, Select)
    alias = statement.body.items[0].alias
    if alias is not None:
        raise SyntaxError(f'syntax error at or near "{alias}"')
    cast = statement.body.items[0].expression
    if not isinstance(cast, Cast):
        raise InvalidName("invalid type name")
    return resolve_type_name(cast.type_name, asked.catalog, asked.search_path)


def _type_in(asked: Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    number = _number(text)
    if number is not None:
        return number
    bare = text.strip().removeprefix("pg_catalog.")
    pseudo = PSEUDO_TYPES.get(bare.strip('"'))
    return type_oid(named_type(asked, text)) if pseudo is None else pseudo


def _type_modifier(asked: Asked, arguments: Sequence[Any]) -> int:
    return type_modifier(named_type(asked, arguments[0]))


def _type_out(asked: Asked, arguments: Sequence[Any]) -> str:
    if not arguments[0]:
        return "-"
    name = format_type(asked, (arguments[0], None))
    return str(arguments[0]) if name in (None, "???") else str(name)


def format_type(asked: Asked, arguments: Sequence[Any]) -> str | None:
    """The name of a type by its oid and modifier."""
    oid, modifier = arguments
    if oid is None:
        return None
    if not oid:
        return "-"
    built_in = type_of_oid(oid)
    if built_in is not None:
        return str(with_modifier(built_in, -1 if modifier is None else modifier))
    pseudo = _PSEUDO_NAMES.get(oid)
    if pseudo is not None:
        return quote_identifier(pseudo)
    item = asked.catalog.object(Oid(oid))
    if isinstance(item, UserType):
        visible = asked.catalog.find_type(item.name, None, asked.search_path)
        name = quote_identifier(item.name)
        if visible is not None and visible.oid == item.oid:
            return name
        return f"{quote_identifier(asked.catalog.namespace_name(item.namespace_oid))}.{name}"
    if isinstance(item, (Table, View, SystemView)):
        return _relation_out(asked, (oid,))
    element = own_element_oid(oid)
    if element is not None and asked.catalog.object(Oid(element)) is not None:
        return f"{format_type(asked, (element, None))}[]"
    return "???"


# Functions.


def _routines(asked: Asked, text: str) -> list[Routine]:
    """The functions that a name stands for, those of the first schema that has any."""
    said, name = qualified_name(text)
    schemas = asked.schemas() if said is None else [said]
    found: list[Routine] = []
    for schema in schemas:
        namespace = BUILT_IN_SCHEMAS.get(schema)
        if namespace is not None:
            found += [
                each
                for each in built_in_routines()
                if each.name == name and each.namespace_oid == namespace
            ]
            continue
        found += [own_routine(each) for each in asked.catalog.find_functions(name, schema)]
    return found


def _routine(asked: Asked, oid: int) -> Routine | None:
    item = asked.catalog.object(Oid(oid))
    return own_routine(item) if isinstance(item, SqlFunction) else routine_by_oid(oid)


def _function_in(asked: Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    number = _number(text)
    if number is not None:
        return number
    found = _routines(asked, text)
    if not found:
        raise UndefinedFunction(f'function "{text}" does not exist')
    if len(found) > 1:
        raise AmbiguousFunction(f'more than one function named "{text}"')
    return found[0].oid


def _function_out(asked: Asked, arguments: Sequence[Any]) -> str:
    oid = arguments[0]
    if not oid:
        return "-"
    routine = _routine(asked, oid)
    if routine is None:
        return str(oid)
    name = quote_identifier(routine.name)
    is_plain = [each.oid for each in _routines(asked, name)] == [oid]
    return name if is_plain else _in_schema(asked, routine.namespace_oid, name)


def _in_schema(asked: Asked, namespace_oid: Oid, name: str) -> str:
    return f"{quote_identifier(asked.catalog.namespace_name(namespace_oid))}.{name}"


_SIGNATURE = re.compile(r'((?:"(?:[^"]|"")*"|[^"(])*)\((.*)\)\s*$', re.DOTALL)


def _signature(asked: Asked, text: str) -> tuple[str, tuple[int, ...]]:
    """The name and the oids of the arguments' types of a text like `abs(integer)`; 0 for NONE."""
    if "(" not in text:
        raise InvalidTextRepresentation("expected a left parenthesis")
    found = _SIGNATURE.match(text)
    if found is None:
        raise InvalidTextRepresentation("expected a right parenthesis")
    types = [part.strip() for part in _split_arguments(found.group(2))]
    oids = [0 if part.lower() == "none" else _type_in(asked, (part,)) for part in types if part]
    return found.group(1).strip(), tuple(oids)


def _split_arguments(text: str) -> Iterator[str]:
    """The parts between commas outside of brackets and quotes."""
    depth, is_quoted, start = 0, False, 0
    for place, letter in enumerate(text):
        if letter == '"':
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "," and not depth:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _procedure_in(asked: Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    number = _number(text)
    if number is not None:
        return number
    name, types = _signature(asked, text)
    for routine in _routines(asked, name):
        if routine.arguments == types:
            return routine.oid
    raise UndefinedFunction(f'function "{text}" does not exist')


def _procedure_out(asked: Asked, arguments: Sequence[Any]) -> str:
    oid = arguments[0]
    if not oid:
        return "-"
    routine = _routine(asked, oid)
    if routine is None:
        return str(oid)
    name = quote_identifier(routine.name)
    types = ",".join([str(format_type(asked, (each, None))) for each in routine.arguments])
    visible = [each.oid for each in _routines(asked, name) if each.arguments == routine.arguments]
    shown = name if visible[:1] == [oid] else _in_schema(asked, routine.namespace_oid, name)
    return f"{shown}({types})"


# Operators.


def _operator_in(asked: Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    if text.isascii() and text.isdecimal():
        return parse_oid(text)
    found = named_operators(asked, text)
    if not found:
        raise UndefinedFunction(f"operator does not exist: {text}")
    if len(found) > 1:
        raise AmbiguousFunction(f"more than one operator named {text}")
    return found[0].oid


def _operator_out(asked: Asked, arguments: Sequence[Any]) -> str:
    found = operator_by_oid(asked, arguments[0])
    if found is None:
        return str(arguments[0])
    symbol = found.symbol
    if [each.oid for each in named_operators(asked, symbol)] == [found.oid]:
        return symbol
    return f"{quote_identifier(operator_schema(asked, found.oid))}.{symbol}"


def _typed_operator_in(asked: Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    if text.isascii() and text.isdecimal():
        return parse_oid(text)
    symbol, types = _signature(asked, text)
    if len(types) == 1:
        raise InvalidTextRepresentation(
            "missing argument", hint="Use NONE to denote the missing argument of a unary operator."
        )
    if len(types) != 2:
        raise InvalidTextRepresentation(
            "too many arguments", hint="Provide two argument types for operator."
        )
    for each in named_operators(asked, symbol):
        if (each.left, each.right) == types:
            return each.oid
    raise UndefinedFunction(f"operator does not exist: {text}")


def _typed_operator_out(asked: Asked, arguments: Sequence[Any]) -> str:
    found = operator_by_oid(asked, arguments[0])
    if found is None:
        return str(arguments[0])
    symbol = found.symbol
    if found.oid not in [each.oid for each in named_operators(asked, symbol)]:
        symbol = f"{quote_identifier(operator_schema(asked, found.oid))}.{symbol}"
    left = str(format_type(asked, (found.left, None))) if found.left else "NONE"
    return f"{symbol}({left},{format_type(asked, (found.right, None))})"


# Schemas, roles, collations.


def _one_part(text: str) -> str:
    parts = split_name(text)
    if len(parts) != 1:
        raise InvalidName("invalid name syntax")
    return parts[0]


def _namespace_in(asked: Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    number = _number(text)
    if number is not None:
        return number
    name = _one_part(text)
    found = asked.catalog.namespace(name)
    if found is None:
        raise InvalidSchemaName(f'schema "{name}" does not exist')
    return int(found.oid)


def _namespace_out(asked: Asked, arguments: Sequence[Any]) -> str:
    if not arguments[0]:
        return "-"
    found = asked.catalog.object(Oid(arguments[0]))
    return quote_identifier(found.name) if isinstance(found, Namespace) else str(arguments[0])


def _role_in(asked: Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    number = _number(text)
    if number is not None:
        return number
    name = _one_part(text)
    found = asked.catalog.authority.role(name)
    if found is None:
        raise UndefinedObject(f'role "{name}" does not exist')
    return found.oid


def _role_out(asked: Asked, arguments: Sequence[Any]) -> str:
    found = asked.catalog.authority.role_of_oid(arguments[0])
    if found is not None:
        return quote_identifier(found.name)
    return str(arguments[0]) if arguments[0] else "-"


def role_name(asked: Asked, arguments: Sequence[Any]) -> str:
    """pg_get_userbyid: never null."""
    found = asked.catalog.authority.role_of_oid(arguments[0])
    return f"unknown (OID={arguments[0]})" if found is None else found.name


def _collation_in(asked: Asked, arguments: Sequence[Any]) -> int:
    text = arguments[0]
    number = _number(text)
    if number is not None:
        return number
    schema, name = qualified_name(text)
    for oid, known in COLLATIONS.items():
        if known == name and schema in (None, "pg_catalog"):
            return oid
    shown = name if schema is None else f"{schema}.{name}"
    raise UndefinedObject(f'collation "{shown}" for encoding "UTF8" does not exist')


def _collation_out(asked: Asked, arguments: Sequence[Any]) -> str:
    if not arguments[0]:
        return "-"
    name = COLLATIONS.get(arguments[0])
    return str(arguments[0]) if name is None else quote_identifier(name)


_NOT_FOUND = (
    AmbiguousFunction,
    InvalidName,
    InvalidSchemaName,
    UndefinedFunction,
    UndefinedObject,
    UndefinedTable,
)


def _or_none(look_up: Answer) -> Answer:
    """to_regclass and its kin: null where the cast finds nothing; what is no name at all raises here too."""

    def find(asked: Asked, arguments: Sequence[Any]) -> Any:
        try:
            return look_up(asked, arguments)
        except _NOT_FOUND:
            return None

    return find


_NAMES: dict[str, tuple[Answer, Answer]] = {
    "regclass": (_relation_in, _relation_out),
    "regtype": (_type_in, _type_out),
    "regproc": (_function_in, _function_out),
    "regprocedure": (_procedure_in, _procedure_out),
    "regoper": (_operator_in, _operator_out),
    "regoperator": (_typed_operator_in, _typed_operator_out),
    "regnamespace": (_namespace_in, _namespace_out),
    "regrole": (_role_in, _role_out),
    "regcollation": (_collation_in, _collation_out),
}

NAME_ANSWERS: dict[str, Callable[[Asked, Sequence[Any]], Any]] = {
    **{f"{name}in": read for name, (read, _) in _NAMES.items()},
    **{f"{name}out": show for name, (_, show) in _NAMES.items()},
    **{f"to_{name}": _or_none(read) for name, (read, _) in _NAMES.items()},
    "to_regtypemod": _or_none(_type_modifier),
}

__all__ = [
    "COLLATIONS",
    "NAME_ANSWERS",
    "format_type",
    "named_type",
    "own_routines",
    "qualified",
    "role_name",
]
