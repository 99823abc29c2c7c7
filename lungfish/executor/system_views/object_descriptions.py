"""pg_describe_object, and the arguments and results of functions written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog.chosen_names import domain_not_null_name
from lungfish.catalog.objects import (
    Index,
    Namespace,
    Oid,
    Rule,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.catalog.routine_texts import identity_text, result_text
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.executor.system_views.object_names import COLLATIONS, NAME_ANSWERS, format_type
from lungfish.executor.system_views.pg_relations import CHECKS_PER_DOMAIN
from lungfish.executor.system_views.routine_answers import arguments_with_defaults
from lungfish.executor.system_views.routines import casts, routine_by_oid
from lungfish.sql.quoting import quote_identifier
from lungfish.types.type_oids import PSEUDO_TYPES

# Oids of catalogs: pg_describe_object's first argument.
CLASS, TYPE, PROC, NAMESPACE, CONSTRAINT = 1259, 1247, 1255, 2615, 2606
_ATTRDEF, _REWRITE, _OPERATOR, _CAST, _LANGUAGE = 2604, 2618, 2617, 2605, 2612
_METHOD, _COLLATION, _ROLE, _TABLESPACE = 2601, 3456, 1260, 1213
_DEFAULTS_PER_TABLE = 1000
_LANGUAGES = {12: "internal", 14: "sql"}
_METHODS = {2: "heap", 403: "btree", 405: "hash"}


def _shown(asked: Asked, kind: str, oid: int) -> str:
    return str(NAME_ANSWERS[f"{kind}out"](asked, (oid,)))


def _relation(asked: Asked, oid: int, number: int = 0) -> str | None:
    item = asked.catalog.object(Oid(oid))
    found = asked.index(oid) if item is None else None
    match item:
        case Table() if item.materialized_query is not None:
            word = "materialized view"
        case Table():
            word = "table"
        case View() | SystemView():
            word = "view"
        case SequenceObject():
            word = "sequence"
        case UserType():
            word = "composite type"
        case _:
            if found is None:
                return None
            word = "index"
    name = format_type(asked, (oid, None)) if isinstance(item, UserType) else None
    shown = f"{word} {name or _shown(asked, 'regclass', oid)}"
    if not number:
        return shown
    column = _column_name(item, number)
    return None if column is None else f"column {quote_identifier(column)} of {shown}"


def _column_name(item: object, number: int) -> str | None:
    if isinstance(item, (Table, View, SystemView)):
        return next((each.name for each in item.columns if each.number == number), None)
    if isinstance(item, UserType) and 0 < number <= len(item.type.labels):
        return item.type.labels[number - 1]
    return None


def _constraint(asked: Asked, oid: int, number: int) -> str | None:
    for table in asked.catalog.tables():
        for item in table.constraints:
            if item.oid == oid:
                return f"constraint {quote_identifier(item.name)} on {_relation(asked, table.oid)}"
    found = find_domain_check(asked, oid)
    return None if found is None else f"constraint {quote_identifier(found[1])}"


def find_domain_check(asked: Asked, oid: int) -> tuple[UserType, str, str | None] | None:
    """The constraint of a domain with that oid: the domain, the constraint's name, and the text of a check; None of NOT NULL."""
    owner, number = divmod(oid, CHECKS_PER_DOMAIN)
    domain = asked.catalog.object(Oid(owner))
    if not isinstance(domain, UserType) or number > len(domain.checks):
        return None
    if not number:
        return (domain, domain_not_null_name(domain), None) if domain.is_not_null else None
    name, text = domain.checks[number - 1]
    return domain, name, text


def _default(asked: Asked, oid: int, number: int) -> str | None:
    owner, column = divmod(oid, _DEFAULTS_PER_TABLE)
    described = _relation(asked, owner, column)
    return None if described is None else f"default value for {described}"


def _rule(asked: Asked, oid: int, number: int) -> str | None:
    """A rule has an oid of its own, a view's query that of the view."""
    found = asked.catalog.object(Oid(oid))
    owner, name = (
        (found.relation_oid, quote_identifier(found.name))
        if isinstance(found, Rule)
        else (oid, "_RETURN")
    )
    described = _relation(asked, owner)
    return None if described is None else f"rule {name} on {described}"


def _cast(asked: Asked, oid: int, number: int) -> str | None:
    own = asked.catalog.object(Oid(oid))
    if isinstance(own, UserCast):
        return f"cast from {own.source} to {own.target}"
    for item in casts():
        if item.oid == oid:
            source, target = (
                format_type(asked, (each, None)) for each in (item.source, item.target)
            )
            return f"cast from {source} to {target}"
    return None


def _named(word: str, names: dict[int, str]) -> Callable[[Asked, int, int], str | None]:
    def describe(asked: Asked, oid: int, number: int) -> str | None:
        name = names.get(oid)
        return None if name is None else f"{word} {quote_identifier(name)}"

    return describe


def _written(word: str, kind: str) -> Callable[[Asked, int, int], str | None]:
    """Described as a type of names shows it; None of what it shows as a number."""

    def describe(asked: Asked, oid: int, number: int) -> str | None:
        shown = _shown(asked, kind, oid)
        return None if shown in (str(oid), "-") else f"{word} {shown}"

    return describe


_DESCRIBERS: dict[int, Callable[[Asked, int, int], str | None]] = {
    CLASS: _relation,
    TYPE: _written("type", "regtype"),
    PROC: _written("function", "regprocedure"),
    NAMESPACE: _written("schema", "regnamespace"),
    CONSTRAINT: _constraint,
    _ATTRDEF: _default,
    _REWRITE: _rule,
    _OPERATOR: _written("operator", "regoperator"),
    _CAST: _cast,
    _LANGUAGE: _named("language", _LANGUAGES),
    _METHOD: _named("access method", _METHODS),
    _COLLATION: _named("collation", COLLATIONS),
    _ROLE: _written("role", "regrole"),
    _TABLESPACE: _named("tablespace", {1663: "pg_default", 1664: "pg_global"}),
}


def _describe(asked: Asked, arguments: Sequence[Any]) -> str | None:
    catalog, oid, number = arguments
    describe = _DESCRIBERS.get(catalog)
    return None if describe is None or not oid else describe(asked, oid, number)


def catalog_of_object(item: object) -> int:
    """The oid of the catalog that lists the object."""
    match item:
        case Namespace():
            return NAMESPACE
        case UserType():
            return TYPE
        case SqlFunction():
            return PROC
        case Rule():
            return _REWRITE
        case UserOperator():
            return _OPERATOR
        case UserCast():
            return _CAST
        case _:
            assert isinstance(item, (Table, View, SequenceObject, SystemView, Index))
            return CLASS


# Functions written out.


def _own(asked: Asked, oid: int) -> SqlFunction | None:
    item = asked.catalog.object(Oid(oid))
    return item if isinstance(item, SqlFunction) else None


def _arguments(asked: Asked, arguments: Sequence[Any]) -> str | None:
    own = _own(asked, arguments[0])
    return (
        arguments_with_defaults(asked.catalog, own)
        if own is not None
        else _built_in_arguments(asked, arguments)
    )


def _identity(asked: Asked, arguments: Sequence[Any]) -> str | None:
    own = _own(asked, arguments[0])
    return identity_text(own) if own is not None else _built_in_arguments(asked, arguments)


def _built_in_arguments(asked: Asked, arguments: Sequence[Any]) -> str | None:
    routine = routine_by_oid(arguments[0])
    if routine is None:
        return None
    names = routine.parameter_names or ("",) * len(routine.arguments)
    parts = []
    for place, (name, kind) in enumerate(zip(names, routine.arguments, strict=True), 1):
        is_repeated = routine.variadic and place == len(routine.arguments)
        words = ["VARIADIC"] if is_repeated else []
        words += [quote_identifier(name)] if name else []
        parts.append(" ".join([*words, str(format_type(asked, (kind, None)))]))
    for name, kind in routine.columns:
        parts.append(f"OUT {quote_identifier(name)} {format_type(asked, (kind, None))}")
    return ", ".join(parts)


def _result(asked: Asked, arguments: Sequence[Any]) -> str | None:
    own = _own(asked, arguments[0])
    if own is not None:
        return result_text(own)
    routine = routine_by_oid(arguments[0])
    if routine is None:
        return None
    kind = PSEUDO_TYPES["record"] if len(routine.columns) > 1 else routine.result
    shown = str(format_type(asked, (kind, None)))
    return f"SETOF {shown}" if routine.returns_set else shown


DESCRIPTION_ANSWERS: dict[str, Answer] = {
    "pg_describe_object": _describe,
    "pg_get_function_arguments": _arguments,
    "pg_get_function_identity_arguments": _identity,
    "pg_get_function_result": _result,
}
