"""Functions, operators, aggregates and window functions: one visible table of each, and how a call finds its entry.

`resolve_function`, `resolve_operator`, `resolve_aggregate` and `resolve_window` are the doors; `registry.py` says what an entry
is. A family of functions has its own module with its own table; `FUNCTIONS` lists them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from lungfish.errors import (
    AmbiguousFunction,
    DatatypeMismatch,
    Error,
    FeatureNotSupported,
    UndefinedFunction,
)
from lungfish.functions import (
    access_lists,
    advisory_locks,
    aggregate_steps,
    aggregates_collections,
    aggregates_count,
    aggregates_extreme,
    aggregates_folded,
    aggregates_json,
    aggregates_statistics,
    aggregates_sum,
    arithmetic,
    arrays,
    binary_send,
    binary_strings,
    bit_operators,
    catalog_functions,
    catalog_rows,
    comparison,
    comparison_dates,
    datetime_make,
    datetime_now,
    datetime_operators,
    datetime_parts,
    datetime_truncate,
    encodings,
    enums,
    hash_functions,
    identifiers,
    input_checks,
    interval_math,
    json_access,
    json_build,
    json_edit,
    json_path_functions,
    json_populate,
    like,
    log_positions,
    math_functions,
    operator_functions,
    order_functions,
    partition_functions,
    privilege_functions,
    quoting,
    ranges,
    regexp_functions,
    seeded_random,
    series,
    server_functions,
    sizes,
    storage_functions,
    strings,
    system_information,
    to_char_dates,
    to_char_numbers,
    to_date,
    to_number,
    trigonometry,
    uuids,
    window_functions,
)
from lungfish.functions.absent_names import is_absent_name
from lungfish.functions.absent_signatures import absent_signatures, is_absent
from lungfish.functions.cast_functions import CAST_FUNCTIONS
from lungfish.functions.ranges import constructors_of
from lungfish.functions.registry import Aggregate, Function, Polymorphic, Resolved, WindowFunction
from lungfish.functions.resolve import Signature, select, select_operator
from lungfish.types.sql_type import SqlType

FUNCTIONS: tuple[Function, ...] = (
    *comparison.FUNCTIONS,
    *comparison_dates.FUNCTIONS,
    *arithmetic.FUNCTIONS,
    *math_functions.FUNCTIONS,
    *seeded_random.FUNCTIONS,
    *aggregate_steps.FUNCTIONS,
    *operator_functions.FUNCTIONS,
    *order_functions.FUNCTIONS,
    *trigonometry.FUNCTIONS,
    *strings.FUNCTIONS,
    *like.FUNCTIONS,
    *quoting.FUNCTIONS,
    *regexp_functions.FUNCTIONS,
    *binary_strings.FUNCTIONS,
    *binary_send.FUNCTIONS,
    *encodings.FUNCTIONS,
    *bit_operators.FUNCTIONS,
    *interval_math.FUNCTIONS,
    *datetime_operators.FUNCTIONS,
    *datetime_parts.FUNCTIONS,
    *datetime_truncate.FUNCTIONS,
    *datetime_make.FUNCTIONS,
    *datetime_now.FUNCTIONS,
    *to_char_dates.FUNCTIONS,
    *to_char_numbers.FUNCTIONS,
    *to_date.FUNCTIONS,
    *to_number.FUNCTIONS,
    *series.FUNCTIONS,
    *arrays.FUNCTIONS,
    *enums.FUNCTIONS,
    *ranges.FUNCTIONS,
    *uuids.FUNCTIONS,
    *json_access.FUNCTIONS,
    *json_build.FUNCTIONS,
    *json_edit.FUNCTIONS,
    *json_path_functions.FUNCTIONS,
    *json_populate.FUNCTIONS,
    *identifiers.FUNCTIONS,
    *hash_functions.FUNCTIONS,
    *sizes.FUNCTIONS,
    *system_information.SYSTEM_FUNCTIONS,
    *server_functions.FUNCTIONS,
    *storage_functions.STORAGE_FUNCTIONS,
    *log_positions.FUNCTIONS,
    *catalog_functions.CATALOG_FUNCTIONS,
    *catalog_rows.FUNCTIONS,
    *access_lists.FUNCTIONS,
    *privilege_functions.PRIVILEGE_FUNCTIONS,
    *input_checks.INPUT_FUNCTIONS,
    *partition_functions.PARTITION_FUNCTIONS,
    *advisory_locks.ADVISORY_LOCK_FUNCTIONS,
)
AGGREGATES: tuple[Aggregate, ...] = (
    *aggregates_count.AGGREGATES,
    *aggregates_sum.AGGREGATES,
    *aggregates_extreme.AGGREGATES,
    *aggregates_folded.FOLDED_AGGREGATES,
    *aggregates_collections.COLLECTION_AGGREGATES,
    *ranges.AGGREGATES,
    *aggregates_json.JSON_AGGREGATES,
    *aggregates_statistics.STATISTICAL_AGGREGATES,
)
WINDOW_FUNCTIONS: tuple[WindowFunction, ...] = window_functions.WINDOW_FUNCTIONS

__all__ = [
    "AGGREGATES",
    "FUNCTIONS",
    "WINDOW_FUNCTIONS",
    "function_names",
    "has_aggregate",
    "has_function",
    "has_window_function",
    "resolve_aggregate",
    "resolve_constructor",
    "resolve_function",
    "resolve_operator",
    "resolve_window",
]

_Entry = TypeVar("_Entry", bound=Signature)


def _by_name(entries: Iterable[_Entry]) -> dict[str, tuple[_Entry, ...]]:
    found: dict[str, list[_Entry]] = {}
    for entry in entries:
        found.setdefault(entry.name, []).append(entry)
    return {name: tuple(items) for name, items in found.items()}


_FUNCTIONS = _by_name(FUNCTIONS)
_AGGREGATES = _by_name(AGGREGATES)
_WINDOW_FUNCTIONS = _by_name(WINDOW_FUNCTIONS)


def has_function(name: str) -> bool:
    """Whether a plain function (or an operator) has that name."""
    return name in _FUNCTIONS


def function_signatures(name: str) -> tuple[Function, ...]:
    """The plain and set-returning functions of that name."""
    return _FUNCTIONS.get(name, ())


def callable_signatures(name: str) -> tuple[Function, ...]:
    """All that takes part in choosing what a call of that name means: casts called as functions, too, and what is then refused."""
    return (
        *_FUNCTIONS.get(name, ()),
        *CAST_FUNCTIONS.get(name, ()),
        *absent_signatures(name),
    )


def aggregate_signatures(name: str) -> tuple[Aggregate, ...]:
    """The aggregates of that name."""
    return _AGGREGATES.get(name, ())


def window_signatures(name: str) -> tuple[WindowFunction, ...]:
    """The window functions (other than aggregates) of that name."""
    return _WINDOW_FUNCTIONS.get(name, ())


def has_aggregate(name: str) -> bool:
    """Whether an aggregate has that name."""
    return name in _AGGREGATES


def returns_set(name: str) -> bool:
    """Whether a function of that name gives several rows."""
    return any(each.returns_set for each in _FUNCTIONS.get(name, ()))


def has_window_function(name: str) -> bool:
    """Whether a window function (other than an aggregate) has that name."""
    return name in _WINDOW_FUNCTIONS


def function_names() -> tuple[str, ...]:
    """All names of functions, aggregates and window functions, for hints."""
    names = {*_FUNCTIONS, *_AGGREGATES, *_WINDOW_FUNCTIONS}
    return tuple(sorted(name for name in names if name[0].isalpha()))


def resolve_function(
    name: str, types: Sequence[SqlType], *, is_variadic: bool = False, position: int = -1
) -> Resolved[Function]:
    """The function that a call means. Raises 42883, 42725. `is_variadic`: the last argument was given as VARIADIC array.

    It may be one of `cast_functions.py`. One that only PostgreSQL has is refused with 0A000.
    """
    entries = callable_signatures(name)
    if not entries and is_absent_name(name):
        raise FeatureNotSupported(f"function {name} is not supported").at(position)
    found = _resolve(entries, name, types, is_variadic, position)
    if is_absent(found.callee):
        shown = ", ".join(str(kind) for kind in found.argument_types)
        raise FeatureNotSupported(f"function {name}({shown}) is not supported").at(position)
    return found


def resolve_constructor(
    made: SqlType, types: Sequence[SqlType], *, is_variadic: bool = False, position: int = -1
) -> Resolved[Function]:
    """The function that makes values of a user's range or multirange type. Raises 42883, 42725."""
    return _resolve(constructors_of(made), made.name or "", types, is_variadic, position)


def resolve_aggregate(
    name: str,
    types: Sequence[SqlType],
    *,
    is_star: bool = False,
    is_variadic: bool = False,
    position: int = -1,
) -> Resolved[Aggregate]:
    """The aggregate that a call means; `is_star` for count(*). Raises 42883, 42725."""
    entries = _AGGREGATES.get(name, ())
    if is_star:
        entries = tuple(entry for entry in entries if entry.takes_star)
    elif not types:
        entries = tuple(entry for entry in entries if not entry.takes_star)
    return _resolve(entries, name, types, is_variadic, position)


def resolve_window(
    name: str, types: Sequence[SqlType], *, position: int = -1
) -> Resolved[WindowFunction]:
    """The window function that a call means. Raises 42883, 42725."""
    return _resolve(_WINDOW_FUNCTIONS.get(name, ()), name, types, False, position)


def resolve_operator(
    symbol: str, types: Sequence[SqlType], *, position: int = -1
) -> Resolved[Function]:
    """The operator for one operand (prefix) or two. Raises 42883, 42725."""
    entries = (*_FUNCTIONS.get(symbol, ()), *absent_signatures(symbol))
    shown = " ".join(_with_symbol(symbol, types))
    try:
        found = select_operator(entries, types)
    except AmbiguousFunction as error:
        raise AmbiguousFunction(
            f"operator is not unique: {shown}",
            hint="Could not choose a best candidate operator. You might need to add explicit type casts.",
        ).at(position) from error
    except Error as error:
        raise error.at(position)  # noqa: B904 - the same error, its place added.
    if found is None:
        raise UndefinedFunction(
            f"operator does not exist: {shown}",
            hint="No operator matches the given name and argument types."
            " You might need to add explicit type casts."
            if len(types) == 2
            else "No operator matches the given name and argument type."
            " You might need to add an explicit type cast.",
        ).at(position)
    if is_absent(found.callee):
        shown = " ".join(_with_symbol(symbol, found.argument_types))
        raise FeatureNotSupported(f"operator {shown} is not supported").at(position)
    return found


def _with_symbol(symbol: str, types: Sequence[SqlType]) -> list[str]:
    names = [str(item.unmodified) for item in types]
    return [symbol, *names] if len(names) == 1 else [names[0], symbol, names[1]]


def _resolve(
    entries: Sequence[_Entry],
    name: str,
    types: Sequence[SqlType],
    is_variadic: bool,
    position: int,
) -> Resolved[_Entry]:
    shown = f"{name}({', '.join(str(item.unmodified) for item in types)})"
    try:
        found = select(entries, types, is_variadic=is_variadic)
    except AmbiguousFunction as error:
        raise AmbiguousFunction(
            f"function {shown} is not unique",
            hint="Could not choose a best candidate function. You might need to add explicit type casts.",
        ).at(position) from error
    except Error as error:
        raise error.at(position)  # noqa: B904 - the same error, its place added.
    if found is None:
        if is_variadic and any(_takes_any(entry, len(types)) for entry in entries):
            raise DatatypeMismatch("VARIADIC argument must be an array").at(position)
        raise UndefinedFunction(
            f"function {shown} does not exist",
            hint="No function matches the given name and argument types."
            " You might need to add explicit type casts.",
        ).at(position)
    return found


def _takes_any(entry: _Entry, count: int) -> bool:
    """Whether it may be called with that many arguments, the last ones of whatever types."""
    return (
        isinstance(entry, Function)
        and entry.is_variadic
        and entry.arguments[-1] is Polymorphic.ANY
        and count >= len(entry.arguments)
    )
