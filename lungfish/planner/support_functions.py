"""Functions that CREATE AGGREGATE names: found by the types that they are to be called with, which may be polymorphic.

While one is looked for, each family of polymorphic types is stood in for by a type that nothing else is: what a function makes
of that, it makes of whatever a call will bring.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lungfish import errors
from lungfish.catalog.aggregate_parts import SupportFunction
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import SqlFunction
from lungfish.functions import function_signatures
from lungfish.functions.registry import Function, Polymorphic
from lungfish.functions.resolve import select
from lungfish.planner.routine_types import CallTypes, as_argument, polymorphic
from lungfish.types.frozen import frozen
from lungfish.types.ranges import multirange_of
from lungfish.types.sql_type import VOID, SqlType, TypeKind, array_of

_ELEMENT = SqlType(TypeKind.ENUM, name="anyelement", oid=-1)
_COMPATIBLE = SqlType(TypeKind.ENUM, name="anycompatible", oid=-2)
_RANGE = SqlType(
    TypeKind.RANGE, element=_ELEMENT, name="anyrange", labels=("anymultirange",), oid=-3
)
_COMPATIBLE_RANGE = SqlType(
    TypeKind.RANGE,
    element=_COMPATIBLE,
    name="anycompatiblerange",
    labels=("anycompatiblemultirange",),
    oid=-4,
)
_STAND_INS = {
    "anyelement": _ELEMENT,
    "anynonarray": _ELEMENT,
    "anyenum": _ELEMENT,
    "anyarray": array_of(_ELEMENT),
    "anyrange": _RANGE,
    "anymultirange": multirange_of(_RANGE),
    "anycompatible": _COMPATIBLE,
    "anycompatiblenonarray": _COMPATIBLE,
    "anycompatiblearray": array_of(_COMPATIBLE),
    "anycompatiblerange": _COMPATIBLE_RANGE,
    "anycompatiblemultirange": multirange_of(_COMPATIBLE_RANGE),
}
_NAMES = {kind: name for name, kind in reversed(_STAND_INS.items())}


@frozen
class SupportCall:
    """A function as an aggregate will call it."""

    support: SupportFunction
    # What it asks for, polymorphic where it is given what is polymorphic.
    argument_types: tuple[SqlType, ...]
    result: SqlType
    is_strict: bool
    returns_set: bool


def find_support(
    name: str,
    schema: str | None,
    types: Sequence[SqlType],
    catalog: Catalog,
    search_path: Iterable[str],
) -> SupportCall | None:
    """The function of that name that takes these types; None if there is none. Raises AmbiguousFunction."""
    given = tuple(_stand_in(kind) for kind in types)
    own = [
        (_signature(routine), routine)
        for routine in catalog.find_functions(name, schema, search_path)
        if routine.kind == "function"
    ]
    routines = {id(signature): routine for signature, routine in own}
    built_in = function_signatures(name) if schema in (None, "pg_catalog") else ()
    signatures = [*built_in, *(signature for signature, _ in own)]
    try:
        found = select([each for each in signatures if _keeps_families(each, types)], given)
    except errors.AmbiguousFunction:
        shown = f"{name}({', '.join(map(str, types))})"
        raise errors.AmbiguousFunction(f"function {shown} is not unique") from None
    if found is None:
        return None
    callee = found.callee
    routine = routines.get(id(callee))
    if routine is None:
        return SupportCall(
            SupportFunction(name),
            tuple(map(_shown, found.argument_types)),
            _shown(found.result),
            callee.is_strict,
            callee.returns_set,
        )
    meanings = CallTypes([each.type for each in routine.inputs], given)
    return SupportCall(
        SupportFunction(routine.name, routine.oid),
        tuple(_shown(meanings.of(each.type)) for each in routine.inputs),
        _shown(meanings.of(routine.result)),
        routine.is_strict,
        routine.returns_set,
    )


def _signature(routine: SqlFunction) -> Function:
    return Function(routine.name, tuple(as_argument(each.type) for each in routine.inputs), VOID)


def _keeps_families(signature: Function, types: Sequence[SqlType]) -> bool:
    """Whether what is given of one polymorphic family is asked for as one of that family."""
    if len(signature.arguments) != len(types):
        return False
    for parameter, given in zip(signature.arguments, types, strict=True):
        if given.kind is TypeKind.POLYMORPHIC and isinstance(parameter, Polymorphic):
            assert given.name is not None
            is_compatible = given.name.startswith("anycompatible")
            if parameter.value.startswith("anycompatible") != is_compatible:
                return False
    return True


def _stand_in(kind: SqlType) -> SqlType:
    if kind.kind is not TypeKind.POLYMORPHIC:
        return kind
    assert kind.name is not None
    return _STAND_INS[kind.name]


def _shown(kind: SqlType) -> SqlType:
    """The type with the polymorphic one in place of what stood in for it."""
    name = _NAMES.get(kind)
    return kind if name is None else polymorphic(name)
