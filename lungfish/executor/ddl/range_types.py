"""CREATE TYPE AS RANGE: a range type over a subtype, and the multirange type that comes with it.

The two have oids side by side, so that each can be made of the other (`types/ranges.py: multirange_of`). A subtype's order is that
of its default B-tree; `subtype_diff` only helps PostgreSQL's GiST to choose pages, so it is checked and then not kept.
"""

from __future__ import annotations

from lungfish.catalog.objects import Namespace, Oid, UserType
from lungfish.errors import (
    DependentObjectsStillExist,
    DuplicateObject,
    FeatureNotSupported,
    SyntaxError,
    UndefinedFunction,
    UndefinedObject,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import refuse_taken_type
from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.type_definitions import CreateRange
from lungfish.types.collations import collation_of_type, find_collation
from lungfish.types.ranges import multirange_of
from lungfish.types.sql_type import DOUBLE, SqlType, TypeKind

_UNORDERED = frozenset({TypeKind.JSON, TypeKind.JSONPATH})
# PostgreSQL's own functions that may be a subtype_diff, with their subtypes.
_DIFFERENCES = {
    "float8mi": TypeKind.DOUBLE,
    "int4range_subdiff": TypeKind.INTEGER,
    "int8range_subdiff": TypeKind.BIGINT,
    "numrange_subdiff": TypeKind.NUMERIC,
    "daterange_subdiff": TypeKind.DATE,
    "tsrange_subdiff": TypeKind.TIMESTAMP,
    "tstzrange_subdiff": TypeKind.TIMESTAMPTZ,
}


def create_range(context: DdlContext, statement: CreateRange) -> str:
    """Run CREATE TYPE ... AS RANGE; answers the command tag."""
    namespace = context.namespace_for(statement.name)
    refuse_taken_type(context, namespace, statement.name)
    options = _options(statement)
    subtype = _subtype(context, statement, options)
    _check_helpers(context, options, subtype)
    multirange, multirange_namespace = _multirange_name(context, statement, options, namespace)
    oid = _oid_of_two(context)
    name = statement.name.name
    range_type = SqlType(
        TypeKind.RANGE, element=subtype, name=name, labels=(multirange.name,), oid=oid
    )
    context.change.put(UserType(oid, name, namespace.oid, range_type))
    context.change.put(
        UserType(Oid(oid + 1), multirange.name, multirange_namespace.oid, multirange_of(range_type))
    )
    return "CREATE TYPE"


def _oid_of_two(context: DdlContext) -> Oid:
    """An oid whose next one is free as well."""
    first = context.change.new_oid()
    while (second := context.change.new_oid()) != first + 1:
        first = second
    return first


def _options(statement: CreateRange) -> dict[str, TypeName]:
    found: dict[str, TypeName] = {}
    for name, value in statement.options:
        if name not in _OPTIONS:
            raise SyntaxError(f'type attribute "{name}" not recognized', position=value.position)
        if name in found:
            raise SyntaxError("conflicting or redundant options", position=value.position)
        found[name] = value
    return found


_OPTIONS = frozenset(
    {
        "subtype",
        "subtype_opclass",
        "collation",
        "canonical",
        "subtype_diff",
        "multirange_type_name",
    }
)


def _subtype(context: DdlContext, statement: CreateRange, options: dict[str, TypeName]) -> SqlType:
    if "subtype" not in options:
        raise SyntaxError('type attribute "subtype" is required', position=statement.position)
    subtype = context.runner.resolve_type(options["subtype"])
    if subtype.kind in _UNORDERED:
        raise UndefinedObject(
            f'data type {subtype} has no default operator class for access method "btree"',
            hint="You must specify an operator class for the range type or define a default operator class"
            " for the subtype.",
        )
    if subtype.domain is not None:
        raise FeatureNotSupported("a range over a domain is not supported")
    return subtype


def _check_helpers(context: DdlContext, options: dict[str, TypeName], subtype: SqlType) -> None:
    """Look at the functions and the collation that the options name. Raises 42883, 42704, 0A000."""
    if "canonical" in options:
        raise FeatureNotSupported(
            "a canonical function of a range type is not supported",
            position=options["canonical"].position,
        )
    collation = options.get("collation")
    if collation is not None:
        parts = (
            (collation.name,) if collation.schema is None else (collation.schema, collation.name)
        )
        find_collation(parts, context.catalog.has_namespace, collation.position)
        if collation_of_type(subtype) is None:
            raise WrongObjectType(
                "range collation specified but subtype does not support collation"
            )
    difference = options.get("subtype_diff")
    if difference is not None and not _is_difference(context, difference, subtype):
        raise UndefinedFunction(
            f"function {difference.name}({subtype}, {subtype}) does not exist",
            position=difference.position,
        )


def _is_difference(context: DdlContext, name: TypeName, subtype: SqlType) -> bool:
    if _DIFFERENCES.get(name.name) is subtype.kind:
        return True
    return any(
        each.parameter_types == (subtype, subtype) and each.result == DOUBLE
        for each in context.catalog.find_functions(name.name, name.schema, context.search_path)
    )


def _multirange_name(
    context: DdlContext, statement: CreateRange, options: dict[str, TypeName], beside: Namespace
) -> tuple[ObjectName, Namespace]:
    """The multirange type's name and place: as told, or made of the range type's name."""
    told = options.get("multirange_type_name")
    if told is not None:
        name = ObjectName(told.name, told.schema, told.position)
        namespace = context.namespace_for(name)
        refuse_taken_type(context, namespace, name)
        return name, namespace
    own = statement.name.name
    made = own.replace("range", "multirange", 1) if "range" in own else f"{own}_multirange"
    name = ObjectName(made, statement.name.schema, statement.name.position)
    try:
        refuse_taken_type(context, beside, name)
    except DuplicateObject as error:
        error.detail = f'Failed while creating a multirange type for type "{own}".'
        error.hint = 'You can manually specify a multirange type name using the "multirange_type_name" attribute.'
        raise
    return name, beside


def range_of(context: DdlContext, multirange: UserType) -> UserType | None:
    """The range type that a multirange type came with; None for any other type."""
    if multirange.type.kind is not TypeKind.MULTIRANGE or multirange.base is not None:
        return None
    found = context.catalog.object(Oid(multirange.oid - 1))
    return found if isinstance(found, UserType) else None


def multirange_with(context: DdlContext, item: UserType) -> UserType | None:
    """The multirange type that came with a range type; None for any other type."""
    if item.type.kind is not TypeKind.RANGE or item.base is not None:
        return None
    found = context.catalog.object(Oid(item.oid + 1))
    return found if isinstance(found, UserType) else None


def refuse_multirange_alone(context: DdlContext, item: UserType, going: frozenset[Oid]) -> None:
    """Raise 2BP01 for a multirange type that is to be dropped without its range type."""
    own = range_of(context, item)
    if own is not None and own.oid not in going:
        raise DependentObjectsStillExist(
            f"cannot drop type {item.name} because type {own.name} requires it",
            hint=f"You can drop type {own.name} instead.",
        )


def refuse_renaming(item: UserType) -> None:
    """Raise 0A000 for a range or multirange type: the functions that make its values would keep the old name."""
    if item.base is None and item.type.kind in (TypeKind.RANGE, TypeKind.MULTIRANGE):
        raise FeatureNotSupported("renaming a range type is not supported")
