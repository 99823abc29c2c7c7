"""Overload resolution: which signature a call means (PostgreSQL's manual, chapter "Type Conversion").

The rules in short: a signature whose types are exactly the arguments' wins. Otherwise those remain to which every argument
has an implicit cast; of them those with the most exact matches, then with the most exact matches or preferred types; then the
literals of unknown type are given a category (strings win), and at last the type that all known arguments share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from lungfish.errors import (
    AmbiguousFunction,
    DatatypeMismatch,
    FeatureNotSupported,
    UndefinedObject,
)
from lungfish.functions.registry import ArgumentType, Polymorphic, Resolved, ResultType
from lungfish.types.coercion import (
    Category,
    can_coerce,
    category_of,
    common_type_of,
    is_preferred,
    is_same_type,
)
from lungfish.types.ranges import multirange_of
from lungfish.types.sql_type import TEXT, SqlType, TypeKind, array_of
from lungfish.types.type_oids import type_oid

_P = Polymorphic
_SIMPLE_FAMILY = (
    _P.ANYELEMENT, _P.ANYARRAY, _P.ANYNONARRAY, _P.ANYENUM, _P.ANYRANGE, _P.ANYMULTIRANGE,
)  # fmt: skip
_COMPATIBLE_FAMILY = (
    _P.ANYCOMPATIBLE, _P.ANYCOMPATIBLEARRAY, _P.ANYCOMPATIBLENONARRAY, _P.ANYCOMPATIBLERANGE, _P.ANYCOMPATIBLEMULTIRANGE,
)  # fmt: skip
_RANGES = (_P.ANYRANGE, _P.ANYCOMPATIBLERANGE)
_MULTIRANGES = (_P.ANYMULTIRANGE, _P.ANYCOMPATIBLEMULTIRANGE)


class Signature(Protocol):
    """What functions, aggregates and window functions have in common."""

    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> tuple[ArgumentType, ...]: ...
    @property
    def result(self) -> ResultType: ...


Callee = TypeVar("Callee", bound=Signature)


@dataclass(frozen=True, slots=True)
class _Candidate(Generic[Callee]):
    """A signature spread out to the number of arguments given."""

    callee: Callee
    parameters: tuple[ArgumentType, ...]
    # Values of the arguments that were left out.
    appended: tuple[Any, ...]
    is_spread: bool


# Implicit casts that somebody has made: the oids of the two types.
OwnCasts = frozenset[tuple[int, int]]


def select(
    signatures: Sequence[Callee],
    types: Sequence[SqlType],
    *,
    is_variadic: bool = False,
    casts: OwnCasts = frozenset(),
) -> Resolved[Callee] | None:
    """The signature that a call with these argument types means; None if none fits.

    `casts` count like the built-in ones.
    Raises AmbiguousFunction without a name where several fit equally, DatatypeMismatch for polymorphic types at odds.
    """
    plain = [each.base for each in types]
    candidates = _spread_candidates(signatures, types, is_variadic)
    exact = [item for item in candidates if _is_exact(item.parameters, plain)]
    if exact:
        return _resolve(exact[0], types)
    fitting = [item for item in candidates if _fits(item.parameters, types, casts)]
    if not fitting:
        return None
    if len(fitting) > 1:
        fitting = _narrow(fitting, plain, casts)
    if len(fitting) > 1:
        raise AmbiguousFunction("ambiguous")
    return _resolve(fitting[0], types)


def select_operator(
    signatures: Sequence[Callee], types: Sequence[SqlType], casts: OwnCasts = frozenset()
) -> Resolved[Callee] | None:
    """As `select`; but of two operands an unknown one is first taken to be of the other's type."""
    if len(types) == 2:
        left, right = (each.base for each in types)
        if left.kind is TypeKind.UNKNOWN and right.kind is not TypeKind.UNKNOWN:
            guess = (right, right)
        elif right.kind is TypeKind.UNKNOWN and left.kind is not TypeKind.UNKNOWN:
            guess = (left, left)
        else:
            guess = None
        if guess is not None:
            for item in signatures:
                if len(item.arguments) == 2 and _is_exact(item.arguments, guess):
                    return _resolve(_Candidate(item, item.arguments, (), False), types)
    candidates = [item for item in signatures if len(item.arguments) == len(types)]
    return select(candidates, types, casts=casts)


def _spread_candidates(
    signatures: Sequence[Callee], types: Sequence[SqlType], is_variadic: bool
) -> list[_Candidate[Callee]]:
    """Signatures that take that many arguments: with variadic ones repeated and defaults appended."""
    count = len(types)
    found: list[_Candidate[Callee]] = []
    for item in signatures:
        parameters = item.arguments
        repeats = getattr(item, "is_variadic", False)
        # Before the last argument of a function that is not variadic, VARIADIC means nothing.
        if is_variadic and repeats:
            if len(parameters) == count:
                array = (*parameters[:-1], _array_parameter(parameters[-1]))
                found.append(_Candidate(item, array, (), True))
            continue
        if repeats:
            if count >= len(parameters):
                extra = (parameters[-1],) * (count - len(parameters))
                found.append(_Candidate(item, parameters + extra, (), True))
            continue
        defaults: tuple[Any, ...] = getattr(item, "defaults", ())
        missing = len(parameters) - count
        if 0 <= missing <= len(defaults):
            appended = defaults[len(defaults) - missing :] if missing else ()
            found.append(_Candidate(item, parameters[:count], appended, False))
    return _without_duplicates(found)


def _without_duplicates(found: list[_Candidate[Callee]]) -> list[_Candidate[Callee]]:
    """Of candidates with the same types, plain ones beat variadic ones and those with defaults."""
    if len(found) < 2:
        return found
    best: dict[tuple[ArgumentType, ...], _Candidate[Callee]] = {}
    for item in found:
        other = best.get(item.parameters)
        if other is None or (other.is_spread, len(other.appended)) > (
            item.is_spread,
            len(item.appended),
        ):
            best[item.parameters] = item
    return list(best.values())


def _array_parameter(parameter: ArgumentType) -> ArgumentType:
    """The parameter that a VARIADIC array is matched with."""
    if isinstance(parameter, SqlType):
        return array_of(parameter)
    if parameter in _COMPATIBLE_FAMILY:
        return _P.ANYCOMPATIBLEARRAY
    return _P.ANYARRAY


def _is_exact(parameters: Sequence[ArgumentType], types: Sequence[SqlType]) -> bool:
    return all(
        isinstance(parameter, SqlType) and is_same_type(parameter, given)
        for parameter, given in zip(parameters, types, strict=True)
    )


def _fits(
    parameters: Sequence[ArgumentType], types: Sequence[SqlType], casts: OwnCasts = frozenset()
) -> bool:
    """Whether every argument has an implicit cast to its parameter."""
    for parameter, given in zip(parameters, types, strict=True):
        if isinstance(parameter, SqlType):
            is_own = bool(casts) and (type_oid(given.base), type_oid(parameter)) in casts
            if not is_own and not can_coerce(given, parameter):
                return False
        elif not _fits_polymorphic(parameter, given):
            return False
    return _is_consistent(parameters, types)


def _fits_polymorphic(parameter: Polymorphic, given: SqlType) -> bool:
    if given.kind is TypeKind.UNKNOWN:
        return True
    match parameter:
        case _P.ANYARRAY | _P.ANYCOMPATIBLEARRAY:
            return given.kind is TypeKind.ARRAY
        case _P.ANYNONARRAY | _P.ANYCOMPATIBLENONARRAY:
            return given.kind is not TypeKind.ARRAY
        case _P.ANYENUM:
            # A domain over an enum is none.
            return given.kind is TypeKind.ENUM and given.domain is None
        case _P.ANYRANGE | _P.ANYCOMPATIBLERANGE:
            return given.kind is TypeKind.RANGE
        case _P.ANYMULTIRANGE | _P.ANYCOMPATIBLEMULTIRANGE:
            return given.kind is TypeKind.MULTIRANGE
        case _P.RECORD:
            return given.kind is TypeKind.RECORD
    return True


def _is_consistent(parameters: Sequence[ArgumentType], types: Sequence[SqlType]) -> bool:
    """Whether one type can stand for each family of polymorphic parameters.

    A domain is a type of its own to anyelement, so int4range @> domain over int4 is not consistent; an array, range or multirange
    is what its domain is over.
    """
    element: SqlType | None = None
    compatible: list[SqlType] = []
    subtype: SqlType | None = None
    for parameter, given in zip(parameters, types, strict=True):
        if isinstance(parameter, SqlType) or given.kind is TypeKind.UNKNOWN:
            continue
        if parameter in _SIMPLE_FAMILY:
            own = _element_of(parameter, given)
            if element is not None and not is_same_type(element, own):
                return False
            element = own
        elif parameter in _COMPATIBLE_FAMILY:
            compatible.append(_element_of(parameter, given))
            if parameter in (*_RANGES, *_MULTIRANGES):
                subtype = compatible[-1]
    if element is None and _P.ANYENUM in parameters:
        # What could be of any type is not taken for an enum.
        return False
    if not compatible:
        return True
    common = common_type_of(compatible)
    # A range cannot be cast to one of another subtype.
    return common is not None and (subtype is None or is_same_type(common, subtype))


def _element_of(parameter: Polymorphic, given: SqlType) -> SqlType:
    """What a polymorphic argument says about the family's element type."""
    if parameter in (_P.ANYARRAY, _P.ANYCOMPATIBLEARRAY, *_RANGES):
        assert given.element is not None
        return given.element.unmodified
    if parameter in _MULTIRANGES:
        assert given.element is not None
        assert given.element.element is not None
        return given.element.element
    return given.unmodified


def _narrow(
    candidates: list[_Candidate[Callee]], types: Sequence[SqlType], casts: OwnCasts
) -> list[_Candidate[Callee]]:
    """PostgreSQL's rules for choosing among signatures that all fit, one after the other."""
    candidates = _most(candidates, types, _counts_as_match)
    if len(candidates) == 1:
        return candidates
    candidates = _most(candidates, types, _counts_as_match_or_preferred)
    if len(candidates) == 1:
        return candidates
    unknown = [index for index, given in enumerate(types) if given.kind is TypeKind.UNKNOWN]
    if not unknown:
        return candidates
    candidates = _by_category(candidates, unknown)
    if len(candidates) == 1 or len(unknown) == len(types):
        return candidates
    known = [given for given in types if given.kind is not TypeKind.UNKNOWN]
    if all(is_same_type(given, known[0]) for given in known):
        assumed = [known[0]] * len(types)
        fitting = [item for item in candidates if _fits(item.parameters, assumed, casts)]
        if len(fitting) == 1:
            return fitting
    return candidates


def _most(
    candidates: list[_Candidate[Callee]],
    types: Sequence[SqlType],
    counts: Callable[[ArgumentType, SqlType], bool],
) -> list[_Candidate[Callee]]:
    scores = [
        sum(
            counts(parameter, given)
            for parameter, given in zip(item.parameters, types, strict=True)
        )
        for item in candidates
    ]
    best = max(scores)
    return [item for item, score in zip(candidates, scores, strict=True) if score == best]


def _counts_as_match(parameter: ArgumentType, given: SqlType) -> bool:
    return (
        isinstance(parameter, SqlType)
        and given.kind is not TypeKind.UNKNOWN
        and is_same_type(parameter, given)
    )


def _counts_as_match_or_preferred(parameter: ArgumentType, given: SqlType) -> bool:
    if given.kind is TypeKind.UNKNOWN or not isinstance(parameter, SqlType):
        return False
    if is_same_type(parameter, given):
        return True
    return is_preferred(parameter) and category_of(parameter) is category_of(given)


def _category(parameter: ArgumentType) -> Category:
    return category_of(parameter) if isinstance(parameter, SqlType) else Category.PSEUDO


def _is_preferred_parameter(parameter: ArgumentType) -> bool:
    return isinstance(parameter, SqlType) and is_preferred(parameter)


def _by_category(
    candidates: list[_Candidate[Callee]], unknown: Sequence[int]
) -> list[_Candidate[Callee]]:
    """Give each unknown argument a category, and keep the candidates that agree with it."""
    wanted: dict[int, tuple[Category, bool]] = {}
    for index in unknown:
        found: dict[Category, bool] = {}
        for item in candidates:
            parameter = item.parameters[index]
            category = _category(parameter)
            found[category] = found.get(category, False) or _is_preferred_parameter(parameter)
        if Category.STRING in found:
            wanted[index] = (Category.STRING, found[Category.STRING])
        elif len(found) == 1:
            wanted[index] = next(iter(found.items()))
        else:
            return candidates
    kept = [
        item
        for item in candidates
        if all(
            _category(item.parameters[index]) is category
            and (not needs_preferred or _is_preferred_parameter(item.parameters[index]))
            for index, (category, needs_preferred) in wanted.items()
        )
    ]
    return kept or candidates


@dataclass(frozen=True, slots=True)
class Meanings:
    """What the polymorphic types stand for in one call."""

    element: SqlType | None
    compatible: SqlType | None
    # anyrange, and what anymultirange is made of.
    range_type: SqlType | None

    def of(self, parameter: ArgumentType, given: SqlType) -> SqlType:
        """The actual type of a parameter, or of a result."""
        if isinstance(parameter, SqlType):
            return parameter
        match parameter:
            case _P.ANY:
                return TEXT if given.kind is TypeKind.UNKNOWN else given
            case _P.ANY_OR_UNKNOWN:
                return given
            case _P.ANYARRAY:
                return _array_of(_known(self.element))
            case _P.ANYRANGE | _P.ANYCOMPATIBLERANGE:
                return _known(self.range_type)
            case _P.ANYMULTIRANGE | _P.ANYCOMPATIBLEMULTIRANGE:
                return multirange_of(_known(self.range_type))
            case _P.ANYCOMPATIBLE | _P.ANYCOMPATIBLENONARRAY:
                return _known(self.compatible)
            case _P.ANYCOMPATIBLEARRAY:
                return _array_of(_known(self.compatible))
            case _P.RECORD:
                if given.kind is TypeKind.UNKNOWN:
                    raise FeatureNotSupported(
                        "input of anonymous composite types is not implemented"
                    )
                return given
        return _known(self.element)


def _array_of(element: SqlType) -> SqlType:
    """The array type of what a polymorphic type stands for; an array has none, unless it is a domain."""
    if element.kind is TypeKind.VOID or (element.kind is TypeKind.ARRAY and element.domain is None):
        raise UndefinedObject(f"could not find array type for data type {element}")
    return array_of(element)


def _known(found: SqlType | None) -> SqlType:
    if found is None:
        raise DatatypeMismatch(
            "could not determine polymorphic type because input has type unknown"
        )
    return found


def _resolve(candidate: _Candidate[Callee], types: Sequence[SqlType]) -> Resolved[Callee]:
    """Put actual types in place of polymorphic ones."""
    parameters = candidate.parameters
    meanings = polymorphic_meanings(parameters, types)
    actual = tuple(
        meanings.of(parameter, given) for parameter, given in zip(parameters, types, strict=True)
    )
    callee = candidate.callee
    appended = candidate.appended
    if appended:
        rest = callee.arguments[len(parameters) :]
        actual += tuple(meanings.of(parameter, TEXT) for parameter in rest)
    result = callee.result
    if isinstance(result, (SqlType, Polymorphic)):
        return Resolved(callee, actual, meanings.of(result, TEXT), appended)
    return Resolved(callee, actual, result(actual), appended)


def polymorphic_meanings(parameters: Sequence[ArgumentType], types: Sequence[SqlType]) -> Meanings:
    """What the arguments say about the polymorphic types. Raises DatatypeMismatch where they say too little."""
    element = range_type = None
    compatible: list[SqlType] = []
    is_element_asked = is_compatible_asked = False
    for parameter, given in zip(parameters, types, strict=True):
        if isinstance(parameter, SqlType):
            continue
        is_known = given.kind is not TypeKind.UNKNOWN
        if parameter in _SIMPLE_FAMILY:
            is_element_asked = True
            if is_known:
                element = _element_of(parameter, given)
            if is_known and parameter in (_P.ANYRANGE, _P.ANYMULTIRANGE):
                range_type = given.base if parameter is _P.ANYRANGE else given.element
        elif parameter in _COMPATIBLE_FAMILY:
            if is_known and parameter in (*_RANGES, *_MULTIRANGES):
                range_type = given.base if parameter in _RANGES else given.element
            is_compatible_asked = True
            if is_known:
                compatible.append(_element_of(parameter, given))
    if is_element_asked:
        _known(element)
    common = None
    if is_compatible_asked:
        common = (common_type_of(compatible) if compatible else None) or TEXT
    return Meanings(element, common, range_type)
