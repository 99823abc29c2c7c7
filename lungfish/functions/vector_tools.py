"""Between Arrow arguments and NumPy: how vector forms take their arguments apart and put results together.

An argument is an array of the batch's length or a scalar. `operands` answers NumPy arrays (a scalar becomes an array of
length one, which NumPy spreads) with what is null; `result_vector` makes the answer. If all arguments were scalars, so is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.types.batch import Vector
from lungfish.types.compute import pc
from lungfish.types.numerics import validity
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import build_vector, to_values

Argument: TypeAlias = pa.Array | pa.Scalar
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Operands:
    """Arguments as NumPy arrays (nulls filled with 0) of one length or of length one."""

    arrays: tuple[Numbers, ...]
    # Where all arguments are valid; None where everything is.
    valid: Mask | None
    is_scalar: bool


def as_vector(argument: Argument) -> Vector:
    """An array as it is, a scalar as an array of length one."""
    if isinstance(argument, pa.Scalar):
        return pa.array([None], argument.type) if not argument.is_valid else pa.repeat(argument, 1)
    return argument


def numbers_of(vector: Vector) -> Numbers:
    """The values of an array of numbers or booleans, with 0 for nulls; dates and times as their integers."""
    arrow_type = vector.type
    if pa.types.is_timestamp(arrow_type) or pa.types.is_time64(arrow_type):
        vector = vector.view(pa.int64())
    elif pa.types.is_date32(arrow_type):
        vector = vector.view(pa.int32())
    if vector.null_count:
        vector = vector.fill_null(False if pa.types.is_boolean(vector.type) else 0)
    numbers: Numbers = vector.to_numpy(zero_copy_only=False)
    return numbers


def operands(arguments: Sequence[Argument]) -> Operands:
    """Take arguments of numeric Arrow types apart."""
    vectors = [as_vector(argument) for argument in arguments]
    is_scalar = all(isinstance(argument, pa.Scalar) for argument in arguments)
    return Operands(
        tuple(numbers_of(vector) for vector in vectors), joint_validity(vectors), is_scalar
    )


def joint_validity(vectors: Sequence[Vector]) -> Mask | None:
    """Where all vectors are valid, or None where nothing is null."""
    valid: Mask | None = None
    for vector in vectors:
        if vector.null_count:
            own = validity(vector)
            valid = own if valid is None else valid & own
    return valid


def result_vector(
    numbers: Numbers, valid: Mask | None, *, is_scalar: bool, arrow_type: pa.DataType | None = None
) -> Argument:
    """An Arrow array of the numbers, null where not `valid`."""
    mask = None
    if valid is not None:
        mask = ~valid
        if len(mask) != len(numbers):
            mask = np.broadcast_to(mask, numbers.shape)
    array = pa.array(numbers, mask=mask)
    if arrow_type is not None and array.type != arrow_type:
        array = array.view(arrow_type) if _is_disguised(arrow_type) else array.cast(arrow_type)
    return array[0] if is_scalar else array


def _is_disguised(arrow_type: pa.DataType) -> bool:
    return bool(
        pa.types.is_timestamp(arrow_type)
        or pa.types.is_date32(arrow_type)
        or pa.types.is_time64(arrow_type)
    )


def row_count_of(arguments: Sequence[Argument]) -> int | None:
    """The batch's length, or None if all arguments are scalars."""
    for argument in arguments:
        if not isinstance(argument, pa.Scalar):
            return len(argument)
    return None


def map_rows(
    scalar: Callable[..., Any],
    arguments: Sequence[Argument],
    types: Sequence[SqlType],
    result: SqlType,
) -> Argument:
    """A strict scalar form applied to each row: how a vector form is made where speed is not to be had."""
    count = row_count_of(arguments)
    columns = []
    for argument, sql_type in zip(arguments, types, strict=True):
        if isinstance(argument, pa.Scalar):
            columns.append(
                to_values(as_vector(argument), sql_type) * (1 if count is None else count)
            )
        else:
            columns.append(to_values(argument, sql_type))
    values = [None if None in row else scalar(*row) for row in zip(*columns, strict=True)]
    built = build_vector(values, result)
    return built[0] if count is None else built


def any_true(mask: Argument) -> bool:
    """Whether a boolean Arrow value holds a true."""
    if isinstance(mask, pa.Scalar):
        return bool(mask.as_py())
    return bool(pc.any(mask).as_py())
