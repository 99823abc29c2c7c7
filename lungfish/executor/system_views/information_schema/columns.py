"""Columns of relations, attributes of composite types, domains, and the elements of arrays among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import Column, Oid, Sequence, SystemView, UserType, View
from lungfish.executor.system_views.asked import is_composite
from lungfish.executor.system_views.information_schema.definition import (
    LENGTHS,
    NO_NAME,
    NUMBERS,
    SCOPE,
    TIMES,
    TYPE,
    FullName,
    Names,
    standard_of,
    yes_or_no,
)
from lungfish.executor.system_views.information_schema.described_types import (
    DescribedType,
    collation_name,
    describe,
    describe_column,
    describe_name,
    is_array,
    is_built_in,
    true_type,
)
from lungfish.executor.system_views.information_schema.listed_routines import listed_routines
from lungfish.executor.system_views.information_schema.relations import Relation, listed_relations
from lungfish.executor.system_views.pg_operator_classes import collation_of
from lungfish.executor.system_views.texts import default_text, domain_default_text
from lungfish.executor.system_views.updatability import is_column_updatable
from lungfish.types.sql_type import SqlType

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
_NO_SCOPE = (*NO_NAME, None)


def _columns(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item in listed_relations(context.catalog):
        for column in item.columns:
            yield _column(names, item, column)


def _column(names: Names, item: Relation, column: Column) -> tuple[Any, ...]:
    shown = describe_column(names, column)
    default, generation = _texts(names, item, column)
    return (
        *names.of(item), column.name, column.number, default,
        yes_or_no(is_so=not is_not_null(names, column.is_not_null, column.type)), shown.data_type, *shown.lengths,
        *shown.numbers, *shown.times, *NO_NAME, *shown.collation, *_domain_of(names, column), *shown.udt, *_NO_SCOPE,
        str(column.number), "NO", *_identity(names, column), "NEVER" if column.generated is None else "ALWAYS",
        generation, yes_or_no(is_so=is_column_updatable(item.oid, column.number, names.catalog)),
    )  # fmt: skip


def _texts(names: Names, item: Relation, column: Column) -> tuple[str | None, str | None]:
    """The column's default and its generation expression."""
    if column.identity is not None or isinstance(item, SystemView):
        return None, None
    shown = item.as_table if isinstance(item, View) else item
    text = default_text(names.catalog, shown, column, names.search_path)
    return (text, None) if column.generated is None else (None, text)


def is_not_null(names: Names, is_declared: bool, kind: SqlType) -> bool:
    """Whether a value of the type cannot be null there."""
    domain = names.catalog.object(Oid(kind.domain_oid)) if kind.domain is not None else None
    return is_declared or (isinstance(domain, UserType) and domain.is_not_null)


def _domain_of(names: Names, column: Column) -> tuple[str | None, str | None, str | None]:
    if column.type.domain is None:
        return NO_NAME
    return describe_name(names, column.type).udt


def _identity(names: Names, column: Column) -> tuple[str | None, ...]:
    """Whether it is one, how, and what its sequence does."""
    sequence = None
    if column.identity is not None and column.sequence_oid is not None:
        sequence = names.catalog.object(column.sequence_oid)
    if column.identity is None or not isinstance(sequence, Sequence):
        return "NO", None, None, None, None, None, "NO"
    return (
        "YES", column.identity.upper(), str(sequence.start), str(sequence.increment), str(sequence.maximum),
        str(sequence.minimum), yes_or_no(is_so=sequence.is_cycle),
    )  # fmt: skip


def _composites(names: Names) -> Iterator[tuple[UserType, list[Column]]]:
    """The free-standing composite types with their attributes."""
    for item in names.catalog.objects():
        if isinstance(item, UserType) and is_composite(item):
            pairs = zip(item.type.labels, item.type.fields, strict=True)
            yield item, [Column(name, kind, at) for at, (name, kind) in enumerate(pairs, 1)]


def _attributes(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item, columns in _composites(names):
        for column in columns:
            # Unlike a column, an attribute of a domain is said to be of the domain.
            shown = describe(names, true_type(names, column.type), column)
            named = describe_name(names, column.type)
            is_nullable = not is_not_null(names, False, column.type)
            yield (
                *names.of(item), column.name, column.number, None, yes_or_no(is_so=is_nullable), named.data_type,
                *shown.facts[1:], *named.udt, *_NO_SCOPE, str(column.number), "NO",
            )  # fmt: skip


def _user_defined_types(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item, _ in _composites(names):
        yield *names.of(item), "STRUCTURED", "YES", *[None] * 24


def domains(names: Names) -> Iterator[tuple[UserType, Column]]:
    """The domains, each with a column of the type beneath."""
    for item in names.catalog.objects():
        if isinstance(item, UserType) and item.base is not None:
            yield item, Column(item.name, item.base, 1, collation=item.collation)


def _domains(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item, value in domains(names):
        shown = describe(names, value.type, value)
        if is_array(value.type) and is_built_in(names, value.type):
            # Of a domain the array is named.
            shown = replace(shown, data_type=str(value.type.unmodified))
        elif is_array(value.type):
            shown = replace(shown, data_type="USER-DEFINED")
        default = domain_default_text(names.catalog, item)
        yield *names.of(item), *shown.facts, default, *shown.udt, *_NO_SCOPE, "1"


def _element_types(context: ExecutionContext) -> Rows:
    names = Names(context)
    for owner, what, number, column in _typed_places(names):
        kind = column.type
        if is_array(kind) and kind.element is not None:
            # A routine's types have no collation.
            collation = (
                NO_NAME if what == "ROUTINE" else collation_name(names, collation_of(column))
            )
            shown = describe_name(names, kind.element)
            facts = DescribedType(shown.data_type, shown.udt, collation=collation).facts
            yield *owner, what, str(number), *facts, *shown.udt, *_NO_SCOPE, f"a{number}"


def _typed_places(names: Names) -> Iterator[tuple[FullName, str, int, Column]]:
    """Whatever has a type: its owner, what that is, and the number of the place in it."""
    for item in listed_relations(names.catalog):
        for column in item.columns:
            yield names.of(item), "TABLE", column.number, column
    for composite, columns in _composites(names):
        for column in columns:
            yield names.of(composite), "USER-DEFINED TYPE", column.number, column
    for domain, value in domains(names):
        yield names.of(domain), "DOMAIN", 1, value
    for routine in listed_routines(names):
        for number, kind in routine.places():
            yield routine.specific(names), "ROUTINE", number, Column("", kind, number)


def _type_privileges(context: ExecutionContext) -> Rows:
    names = Names(context)
    for owner, what, number, _ in _typed_places(names):
        yield *owner, what, str(number)
    for routine in listed_routines(names):
        if routine.is_procedure:
            yield *routine.specific(names), "ROUTINE", None


COLUMN_VIEWS: tuple[SystemView, ...] = (
    standard_of(
        12203,
        "columns",
        "table*, column_name, ordinal_position int4, column_default varchar, is_nullable flag, data_type varchar,"
        f" {LENGTHS}, {NUMBERS}, {TIMES}, character_set*, collation*, domain*, udt*, {SCOPE},"
        " is_self_referencing flag, is_identity flag, identity_generation varchar, identity_start varchar,"
        " identity_increment varchar, identity_maximum varchar, identity_minimum varchar, identity_cycle flag,"
        " is_generated varchar, generation_expression varchar, is_updatable flag",
        _columns,
    ),
    standard_of(
        12212,
        "attributes",
        "udt*, attribute_name, ordinal_position int4, attribute_default varchar, is_nullable flag,"
        f" {TYPE}, attribute_udt*, {SCOPE}, is_derived_reference_attribute flag",
        _attributes,
    ),
    standard_of(
        12213,
        "user_defined_types",
        "user_defined_type*, user_defined_type_category varchar, is_instantiable flag, is_final flag,"
        " ordering_form varchar, ordering_category varchar, ordering_routine*, reference_type varchar,"
        f" {TYPE}, source_dtd_identifier, ref_dtd_identifier",
        _user_defined_types,
    ),
    standard_of(
        12214, "domains", f"domain*, {TYPE}, domain_default varchar, udt*, {SCOPE}", _domains
    ),
    standard_of(
        12215,
        "element_types",
        f"object*, object_type varchar, collection_type_identifier, {TYPE}, udt*, {SCOPE}",
        _element_types,
    ),
    standard_of(
        12216,
        "data_type_privileges",
        "object*, object_type varchar, dtd_identifier",
        _type_privileges,
    ),
)
