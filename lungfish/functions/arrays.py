"""Functions and operators of arrays: subscripts, sizes, building, searching, and arrays as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lungfish.errors import (
    ArraySubscriptError,
    DataError,
    FeatureNotSupported,
    InvalidParameterValue,
    NullValueNotAllowed,
    ProgramLimitExceeded,
    UndefinedFunction,
)
from lungfish.functions.array_subscripts import name_byte, slice_array, subscript
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.registry import Function, FunctionContext, Polymorphic, Volatility
from lungfish.types.array_value import EMPTY_ARRAY, ArrayValue, array_value
from lungfish.types.compare import KeyFunction, comparison_key, grouping_key
from lungfish.types.sql_type import (
    BOOLEAN,
    INTEGER,
    INTERNAL_CHAR,
    NAME,
    TEXT,
    SqlType,
    TypeKind,
    array_of,
)
from lungfish.types.text_format import format_value

ELEMENTS_MAX = 134_217_727
_ARRAY, _ELEMENT = Polymorphic.ANYARRAY, Polymorphic.ANYELEMENT
_ARRAYS, _ITEM = Polymorphic.ANYCOMPATIBLEARRAY, Polymorphic.ANYCOMPATIBLE


def _length(array: ArrayValue, dimension: int) -> int | None:
    return array.dimensions[dimension - 1] if 1 <= dimension <= len(array.dimensions) else None


def _lower(array: ArrayValue, dimension: int) -> int | None:
    return array.lower_bounds[dimension - 1] if 1 <= dimension <= len(array.dimensions) else None


def _upper(array: ArrayValue, dimension: int) -> int | None:
    lower, length = _lower(array, dimension), _length(array, dimension)
    return None if lower is None or length is None else lower + length - 1


def _dimension_count(array: ArrayValue) -> int | None:
    return len(array.dimensions) or None


def _dimensions_text(array: ArrayValue) -> str | None:
    bounds = zip(array.lower_bounds, array.dimensions, strict=True)
    return "".join(f"[{lower}:{lower + length - 1}]" for lower, length in bounds) or None


# Building


def _require_flat(array: ArrayValue) -> None:
    if len(array.dimensions) > 1:
        raise _not_flat()


def _not_flat() -> DataError:
    return DataError("argument must be empty or one-dimensional array")


def append(array: ArrayValue | None, item: Any) -> ArrayValue:
    """array || item."""
    array = array or EMPTY_ARRAY
    _require_flat(array)
    bounds = array.lower_bounds or (1,)
    return ArrayValue((*array.elements, item), (len(array.elements) + 1,), bounds)


def prepend(item: Any, array: ArrayValue | None) -> ArrayValue:
    """item || array: the lower bound stays as it is."""
    array = array or EMPTY_ARRAY
    _require_flat(array)
    bounds = array.lower_bounds or (1,)
    return ArrayValue((item, *array.elements), (len(array.elements) + 1,), bounds)


def concatenate(left: ArrayValue | None, right: ArrayValue | None) -> ArrayValue | None:
    """left || right; one may have one dimension less, and is then one more part of the other. Raises 2202E."""
    if left is None or right is None:
        return right if left is None else left
    if not left.dimensions or not right.dimensions:
        return right if not left.dimensions else left
    # Of each dimension its length and first subscript.
    one = tuple(zip(left.dimensions, left.lower_bounds, strict=True))
    other = tuple(zip(right.dimensions, right.lower_bounds, strict=True))
    elements = left.elements + right.elements
    if len(one) == len(other):
        if one[1:] != other[1:]:
            raise _incompatible("element dimensions")
        return _longer(left, elements, right.dimensions[0])
    if len(one) == len(other) + 1 and one[1:] == other:
        return _longer(left, elements, 1)
    if len(other) == len(one) + 1 and other[1:] == one:
        return _longer(right, elements, 1)
    raise _incompatible("dimensions")


def _longer(array: ArrayValue, elements: tuple[Any, ...], count: int) -> ArrayValue:
    """An array like the given one with `count` more parts along the first dimension."""
    first, *rest = array.dimensions
    return ArrayValue(elements, (first + count, *rest), array.lower_bounds)


def _incompatible(what: str) -> ArraySubscriptError:
    return ArraySubscriptError(
        "cannot concatenate incompatible arrays",
        detail=f"Arrays with differing {what} are not compatible for concatenation.",
    )


def _fill(item: Any, lengths: ArrayValue | None, *given: ArrayValue | None) -> ArrayValue:
    """array_fill: `given` are the lower bounds, where there are any. Raises 22004, 2202E, 54000."""
    bounds = given[0] if given else EMPTY_ARRAY
    if lengths is None or bounds is None:
        raise NullValueNotAllowed("dimension array or low bound array cannot be null")
    for array, name in ((lengths, "Dimension"), (bounds, "Low bound")):
        if len(array.dimensions) > 1:
            raise ArraySubscriptError(
                "wrong number of array subscripts", detail=f"{name} array must be one dimensional."
            )
        if None in array.elements:
            raise NullValueNotAllowed("dimension values cannot be null")
    if given and len(bounds) != len(lengths):
        raise ArraySubscriptError(
            "wrong number of array subscripts",
            detail="Low bound array has different size than dimensions array.",
        )
    if len(lengths) > 6:
        raise ProgramLimitExceeded(
            f"number of array dimensions ({len(lengths)}) exceeds the maximum allowed (6)"
        )
    count = 1
    for length in lengths.elements:
        count *= length
        if length < 0 or count > ELEMENTS_MAX:
            raise ProgramLimitExceeded(f"array size exceeds the maximum allowed ({ELEMENTS_MAX})")
    if not lengths.elements or not count:
        return EMPTY_ARRAY
    lower = bounds.elements or (1,) * len(lengths)
    return ArrayValue((item,) * count, tuple(lengths.elements), tuple(lower))


def _trim(array: ArrayValue, count: int) -> ArrayValue:
    length = array.dimensions[0] if array.dimensions else 0
    if not 0 <= count <= length:
        raise ArraySubscriptError(f"number of elements to trim must be between 0 and {length}")
    if count == length:
        return EMPTY_ARRAY
    size = len(array.elements) // length
    kept = length - count
    bounds = (1,) * len(array.dimensions)
    return ArrayValue(array.elements[: kept * size], (kept, *array.dimensions[1:]), bounds)


def _rows(array: ArrayValue) -> list[tuple[Any, ...]]:
    """The parts along the first dimension."""
    size = len(array.elements) // array.dimensions[0]
    return [array.elements[place : place + size] for place in range(0, len(array.elements), size)]


def _from_rows(rows: Iterable[tuple[Any, ...]], model: ArrayValue) -> ArrayValue:
    elements = tuple(item for row in rows for item in row)
    size = len(model.elements) // model.dimensions[0]
    return ArrayValue(elements, (len(elements) // size, *model.dimensions[1:]), model.lower_bounds)


def _reverse(array: ArrayValue) -> ArrayValue:
    return _from_rows(reversed(_rows(array)), array) if array.dimensions else array


def _sort(
    array: ArrayValue,
    is_descending: bool = False,
    nulls_first: bool | None = None,
    *,
    types: Sequence[SqlType],
) -> ArrayValue:
    if not array.dimensions:
        return array
    rows = _rows(array)
    first = is_descending if nulls_first is None else nulls_first
    key = _item_key(types[0])
    if len(array.dimensions) > 1:
        rows.sort(
            key=lambda row: [(item is None, None if item is None else key(item)) for item in row]
        )
        return _from_rows(reversed(rows) if is_descending else rows, array)
    nulls = [row for row in rows if row[0] is None]
    values = [row for row in rows if row[0] is not None]
    values.sort(key=lambda row: key(row[0]), reverse=is_descending)
    return _from_rows([*nulls, *values] if first else [*values, *nulls], array)


def _shuffle(context: FunctionContext, array: ArrayValue) -> ArrayValue:
    return _from_rows(_drawn(context, _rows(array)), array) if array.dimensions else array


def _sample(context: FunctionContext, array: ArrayValue, count: int) -> ArrayValue:
    length = array.dimensions[0] if array.dimensions else 0
    if not 0 <= count <= length:
        raise InvalidParameterValue(f"sample size must be between 0 and {length}")
    if not count:
        return EMPTY_ARRAY
    found = _from_rows(_drawn(context, _rows(array))[:count], array)
    return ArrayValue(found.elements, found.dimensions, (1,) * len(found.dimensions))


def _drawn(context: FunctionContext, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows in a random order (Fisher and Yates)."""
    for last in range(len(rows) - 1, 0, -1):
        other = min(int(context.random() * (last + 1)), last)
        rows[last], rows[other] = rows[other], rows[last]
    return rows


# Searching


def _require_equality(element: SqlType) -> None:
    if element.kind in (TypeKind.JSON, TypeKind.JSONPATH):
        raise UndefinedFunction(f"could not identify an equality operator for type {element}")


def _item_key(array_type: SqlType) -> KeyFunction:
    assert array_type.element is not None
    _require_equality(array_type.element)
    return comparison_key(array_type.element) or (lambda item: item)


def _null_safe_key(array_type: SqlType) -> KeyFunction:
    assert array_type.element is not None
    _require_equality(array_type.element)
    return grouping_key(array_type.element)


def _position(
    array: ArrayValue | None, item: Any, *given: int | None, types: Sequence[SqlType]
) -> int | None:
    """array_position; `given` is the subscript to start from, where there is one."""
    if array is None:
        return None
    _refuse_dimensions(array, "searching for elements")
    if not array.dimensions or (item is None and None not in array.elements):
        return None
    start = given[0] if given else array.lower_bounds[0]
    if start is None:
        raise NullValueNotAllowed("initial position must not be null")
    key = _null_safe_key(types[0])
    wanted = key(item)
    for index, element in enumerate(array.elements, array.lower_bounds[0]):
        if index >= start and key(element) == wanted:
            return index
    return None


def _positions(
    array: ArrayValue | None, item: Any, *, types: Sequence[SqlType]
) -> ArrayValue | None:
    if array is None:
        return None
    _refuse_dimensions(array, "searching for elements")
    key = _null_safe_key(types[0])
    wanted = key(item)
    lower = array.lower_bounds[0] if array.lower_bounds else 1
    found = [i for i, element in enumerate(array.elements, lower) if key(element) == wanted]
    return array_value(found)


def _refuse_dimensions(array: ArrayValue, what: str) -> None:
    if len(array.dimensions) > 1:
        raise FeatureNotSupported(f"{what} in multidimensional arrays is not supported")


def _remove(array: ArrayValue | None, item: Any, *, types: Sequence[SqlType]) -> ArrayValue | None:
    if array is None:
        return None
    if len(array.dimensions) > 1:
        raise FeatureNotSupported("removing elements from multidimensional arrays is not supported")
    key = _null_safe_key(types[0])
    wanted = key(item)
    kept = tuple(element for element in array.elements if key(element) != wanted)
    if len(kept) == len(array.elements):
        return array
    return ArrayValue(kept, (len(kept),), array.lower_bounds) if kept else EMPTY_ARRAY


def _replace(
    array: ArrayValue | None, old: Any, new: Any, *, types: Sequence[SqlType]
) -> ArrayValue | None:
    if array is None:
        return None
    key = _null_safe_key(types[0])
    wanted = key(old)
    items = tuple(new if key(element) == wanted else element for element in array.elements)
    return ArrayValue(items, array.dimensions, array.lower_bounds)


def _contains(left: ArrayValue, right: ArrayValue, *, types: Sequence[SqlType]) -> bool:
    """Whether every element of `right` is in `left`; NULL equals nothing."""
    key = _item_key(types[0])
    known = {key(item) for item in left.elements if item is not None}
    return all(item is not None and key(item) in known for item in right.elements)


def _contained(left: ArrayValue, right: ArrayValue, *, types: Sequence[SqlType]) -> bool:
    return _contains(right, left, types=types)


def _overlaps(left: ArrayValue, right: ArrayValue, *, types: Sequence[SqlType]) -> bool:
    key = _item_key(types[0])
    known = {key(item) for item in left.elements if item is not None}
    return any(item is not None and key(item) in known for item in right.elements)


# Text and rows


def _to_text(
    context: FunctionContext,
    array: ArrayValue | None,
    separator: str | None,
    null_text: str | None = None,
    *,
    types: Sequence[SqlType],
) -> str | None:
    if array is None or separator is None:
        return None
    element = types[0].element
    assert element is not None
    settings = text_settings(context)
    texts = [
        null_text if item is None else format_value(item, element, settings)
        for item in array.elements
    ]
    return separator.join(text for text in texts if text is not None)


def _split(
    text: str | None, separator: str | None, null_text: str | None = None
) -> list[Any] | None:
    if text is None:
        return None
    if not text:
        return []
    if separator is None:
        parts = list(text)
    else:
        parts = text.split(separator) if separator else [text]
    return [None if null_text is not None and part == null_text else part for part in parts]


def _split_to_array(
    text: str | None, separator: str | None, null_text: str | None = None
) -> ArrayValue | None:
    parts = _split(text, separator, null_text)
    return None if parts is None else array_value(parts)


def _unnest(array: ArrayValue) -> Iterable[Any]:
    return array.elements


def _subscripts(array: ArrayValue, dimension: int, is_reversed: bool = False) -> Iterable[int]:
    lower, upper = _lower(array, dimension), _upper(array, dimension)
    if lower is None or upper is None:
        return ()
    return range(upper, lower - 1, -1) if is_reversed else range(lower, upper + 1)


def _typed(name: str, arguments: Any, result: Any, scalar: Any, **options: Any) -> Function:
    return Function(name, arguments, result, scalar, needs_types=True, **options)


_INTEGERS = array_of(INTEGER)
_TEXTS = array_of(TEXT)

FUNCTIONS: tuple[Function, ...] = (
    Function("array_subscript", (_ARRAY, INTEGER), _ELEMENT, subscript, is_variadic=True),
    Function("array_subscript", (NAME, INTEGER), INTERNAL_CHAR, name_byte, is_variadic=True),
    Function(
        "array_slice",
        (_ARRAY, INTEGER, INTEGER),
        _ARRAY,
        slice_array,
        is_variadic=True,
    ),
    Function("array_length", (_ARRAY, INTEGER), INTEGER, _length),
    Function("array_lower", (_ARRAY, INTEGER), INTEGER, _lower),
    Function("array_upper", (_ARRAY, INTEGER), INTEGER, _upper),
    Function("array_ndims", (_ARRAY,), INTEGER, _dimension_count),
    Function("array_dims", (_ARRAY,), TEXT, _dimensions_text),
    Function("cardinality", (_ARRAY,), INTEGER, len),
    *(
        Function(name, (_ARRAYS, _ITEM), _ARRAYS, append, is_strict=False)
        for name in ("||", "array_append")
    ),
    *(
        Function(name, (_ITEM, _ARRAYS), _ARRAYS, prepend, is_strict=False)
        for name in ("||", "array_prepend")
    ),
    *(
        Function(name, (_ARRAYS, _ARRAYS), _ARRAYS, concatenate, is_strict=False)
        for name in ("||", "array_cat")
    ),
    Function("array_fill", (_ELEMENT, _INTEGERS), _ARRAY, _fill, is_strict=False),
    Function("array_fill", (_ELEMENT, _INTEGERS, _INTEGERS), _ARRAY, _fill, is_strict=False),
    Function("trim_array", (_ARRAY, INTEGER), _ARRAY, _trim),
    Function("array_reverse", (_ARRAY,), _ARRAY, _reverse),
    _typed("array_sort", (_ARRAY,), _ARRAY, _sort),
    _typed("array_sort", (_ARRAY, BOOLEAN), _ARRAY, _sort),
    _typed("array_sort", (_ARRAY, BOOLEAN, BOOLEAN), _ARRAY, _sort),
    Function(
        "array_shuffle",
        (_ARRAY,),
        _ARRAY,
        _shuffle,
        volatility=Volatility.VOLATILE,
        needs_context=True,
    ),
    Function(
        "array_sample",
        (_ARRAY, INTEGER),
        _ARRAY,
        _sample,
        volatility=Volatility.VOLATILE,
        needs_context=True,
    ),
    _typed("array_position", (_ARRAYS, _ITEM), INTEGER, _position, is_strict=False),
    _typed("array_position", (_ARRAYS, _ITEM, INTEGER), INTEGER, _position, is_strict=False),
    _typed("array_positions", (_ARRAYS, _ITEM), _INTEGERS, _positions, is_strict=False),
    _typed("array_remove", (_ARRAYS, _ITEM), _ARRAYS, _remove, is_strict=False),
    _typed("array_replace", (_ARRAYS, _ITEM, _ITEM), _ARRAYS, _replace, is_strict=False),
    _typed("@>", (_ARRAY, _ARRAY), BOOLEAN, _contains),
    _typed("<@", (_ARRAY, _ARRAY), BOOLEAN, _contained),
    _typed("&&", (_ARRAY, _ARRAY), BOOLEAN, _overlaps),
    _typed(
        "array_to_string",
        (_ARRAY, TEXT),
        TEXT,
        _to_text,
        volatility=Volatility.STABLE,
        needs_context=True,
    ),
    _typed(
        "array_to_string",
        (_ARRAY, TEXT, TEXT),
        TEXT,
        _to_text,
        volatility=Volatility.STABLE,
        needs_context=True,
        is_strict=False,
    ),
    *(
        Function("string_to_array", (TEXT,) * count, _TEXTS, _split_to_array, is_strict=False)
        for count in (2, 3)
    ),
    *(
        Function(
            "string_to_table", (TEXT,) * count, TEXT, _split, is_strict=False, returns_set=True
        )
        for count in (2, 3)
    ),
    Function("unnest", (_ARRAY,), _ELEMENT, _unnest, returns_set=True),
    Function("generate_subscripts", (_ARRAY, INTEGER), INTEGER, _subscripts, returns_set=True),
    Function(
        "generate_subscripts", (_ARRAY, INTEGER, BOOLEAN), INTEGER, _subscripts, returns_set=True
    ),
)
