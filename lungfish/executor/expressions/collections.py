"""IN lists, ANY and ALL over arrays, and the constructors ARRAY[...] and ROW(...)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from lungfish import errors
from lungfish.executor.compiler import Compiler, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.calls import row_function, vector_function
from lungfish.executor.expressions.vectors import VectorOrScalar, as_array
from lungfish.planner.expressions import (
    ArrayExpr,
    BoundExpression,
    ColumnRef,
    Constant,
    InListExpr,
    QuantifiedArrayExpr,
    RowExpr,
)
from lungfish.types.array_value import (
    ArrayValue,
    array_value,
    have_same_shape,
    stack_arrays,
)
from lungfish.types.batch import Batch
from lungfish.types.coercion import is_same_type
from lungfish.types.compare import comparison_key
from lungfish.types.compute import pc
from lungfish.types.sql_type import BOOLEAN, SqlType, TypeKind
from lungfish.types.vectors import arrow_type, build_vector, to_values

# So many elements are sooner looked up by their keys than compared one by one.
_HASHED_ELEMENTS_MIN = 16


def vector_in_list(expression: InListExpr, compiler: Compiler) -> VectorEvaluator:
    """IN over batches; constants of plain types are looked up by Arrow in one go."""
    operand_type = expression.operand.type
    if comparison_key(operand_type) is None and all(
        isinstance(item, Constant) for item in expression.items
    ):
        return _in_constants(expression, compiler)
    operand = compiler.vector(expression.operand)
    items = compiler.vectors(expression.items)
    compares = [
        vector_function(expression.equals, (operand_type, item.type), BOOLEAN)
        for item in expression.items
    ]
    is_negated = expression.is_negated

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        value = operand(batch, run)
        found: VectorOrScalar = pa.scalar(False)
        for item, compare in zip(items, compares, strict=True):
            found = pc.or_kleene(found, compare((value, item(batch, run)), batch.row_count, run))
        return pc.invert(found) if is_negated else found

    return evaluate


def _in_constants(expression: InListExpr, compiler: Compiler) -> VectorEvaluator:
    operand = compiler.vector(expression.operand)
    operand_type = expression.operand.type
    values = [item.value for item in expression.items if isinstance(item, Constant)]
    has_null = None in values
    candidates = build_vector([value for value in values if value is not None], operand_type)
    assert candidates.type == arrow_type(operand_type), "plain types have one Arrow type"
    is_negated = expression.is_negated

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        value = as_array(operand(batch, run), batch.row_count)
        found = pc.is_in(value, value_set=candidates)
        if has_null:
            # Not found among the others: it may equal the null.
            found = pc.if_else(found, found, pa.scalar(None, pa.bool_()))
        elif value.null_count:
            found = pc.if_else(pc.is_valid(value), found, pa.scalar(None, pa.bool_()))
        return pc.invert(found) if is_negated else found

    return evaluate


def row_in_list(expression: InListExpr, compiler: Compiler) -> RowEvaluator:
    """IN over one row."""
    operand = compiler.row(expression.operand)
    items = compiler.rows(expression.items)
    compare = row_function(
        expression.equals, (expression.operand.type, expression.operand.type), BOOLEAN
    )
    is_negated = expression.is_negated

    def evaluate(row: Sequence[Any], run: Run) -> bool | None:
        value = operand(row, run)
        if value is None:
            return None
        answers = (compare((value, item(row, run)), run) for item in items)
        found = any_true(answers)
        return None if found is None else found is not is_negated

    return evaluate


def any_true(answers: Iterable[bool | None]) -> bool | None:
    """Three-valued OR of any number of answers."""
    has_null = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            has_null = True
    return None if has_null else False


def all_true(answers: Iterable[bool | None]) -> bool | None:
    """Three-valued AND of any number of answers."""
    has_null = False
    for answer in answers:
        if answer is None:
            has_null = True
        elif not answer:
            return False
    return None if has_null else True


def row_quantified(expression: QuantifiedArrayExpr, compiler: Compiler) -> RowEvaluator:
    """`operand op ANY (array)` and ALL over one row."""
    operand, array = compiler.row(expression.operand), compiler.row(expression.array)
    array_type = expression.array.type
    element = array_type.element or array_type
    compare = row_function(expression.operator, (expression.operand.type, element), BOOLEAN)
    combine = all_true if expression.is_all else any_true
    is_hashed = (
        expression.operator.name == "="
        and not expression.is_all
        and array_type.kind is TypeKind.ARRAY
        and is_same_type(expression.operand.type, element)
    )
    # Of the array's place among the statement's kept results.
    identity = object()

    def evaluate(row: Sequence[Any], run: Run) -> bool | None:
        elements = array(row, run)
        if elements is None:
            return None
        value = operand(row, run)
        if is_hashed and value is not None and len(elements) >= _HASHED_ELEMENTS_MIN:
            known: _Elements | None = run.context.kept.get(identity)
            if known is not None and known.array is elements:
                return known.holds(value)
            # The same array again is worth its keys.
            run.context.kept[identity] = _Elements(elements, element)
        return combine(compare((value, item), run) for item in elements)

    return evaluate


class _Elements:
    """An array that many values are looked for in."""

    __slots__ = ("_has_null", "_key", "_keys", "array")

    def __init__(self, array: ArrayValue, element: SqlType) -> None:
        self.array = array
        self._key = comparison_key(element)
        self._has_null = None in array.elements
        self._keys: set[Any] | None = None

    def holds(self, value: Any) -> bool | None:
        """Whether an element equals the value; null if none does and one is null."""
        key = self._key
        if self._keys is None:
            items = [item for item in self.array.elements if item is not None]
            self._keys = set(items if key is None else map(key, items))
        if (value if key is None else key(value)) in self._keys:
            return True
        return None if self._has_null else False


def row_array(expression: ArrayExpr, compiler: Compiler) -> RowEvaluator:
    """ARRAY[...]: of arrays it makes one of a dimension more."""
    items = compiler.rows(expression.items)
    are_arrays = any(item.type.kind is TypeKind.ARRAY for item in expression.items)

    def evaluate(row: Sequence[Any], run: Run) -> ArrayValue:
        values = [item(row, run) for item in items]
        return _stacked(values) if are_arrays else array_value(values)

    return evaluate


def _stacked(arrays: Sequence[ArrayValue | None]) -> ArrayValue:
    parts = [array for array in arrays if array is not None and array.elements]
    if not parts:
        return array_value(())
    first = parts[0]
    if len(parts) < len(arrays) or not all(have_same_shape(first, part) for part in parts):
        raise errors.ArraySubscriptError(
            "multidimensional arrays must have array expressions with matching dimensions"
        )
    return stack_arrays(parts)


def row_row(expression: RowExpr, compiler: Compiler) -> RowEvaluator:
    """ROW(...): a tuple."""
    items = compiler.rows(expression.items)
    return lambda row, run: tuple([item(row, run) for item in items])


def vector_quantified(expression: QuantifiedArrayExpr, compiler: Compiler) -> VectorEvaluator:
    """`operand op ANY (array)` and ALL over batches."""
    parts = (expression.operand, expression.array)
    operand, array = _placeholders(parts)
    on_row = row_quantified(replace(expression, operand=operand, array=array), compiler)
    return _by_rows(on_row, parts, expression.type, compiler)


def vector_array(expression: ArrayExpr, compiler: Compiler) -> VectorEvaluator:
    """ARRAY[...] over batches."""
    on_row = row_array(replace(expression, items=_placeholders(expression.items)), compiler)
    return _by_rows(on_row, expression.items, expression.type, compiler)


def vector_row(expression: RowExpr, compiler: Compiler) -> VectorEvaluator:
    """ROW(...) over batches."""
    on_row = row_row(replace(expression, items=_placeholders(expression.items)), compiler)
    return _by_rows(on_row, expression.items, expression.type, compiler)


def _placeholders(parts: Sequence[BoundExpression]) -> tuple[ColumnRef, ...]:
    return tuple(ColumnRef(index, part.type) for index, part in enumerate(parts))


def _by_rows(
    on_row: RowEvaluator,
    parts: Sequence[BoundExpression],
    result_type: SqlType,
    compiler: Compiler,
) -> VectorEvaluator:
    """`parts` are evaluated over the batch; `on_row` sees their values as a row."""
    evaluators = compiler.vectors(parts)
    types = [part.type for part in parts]

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        columns = [
            _values(item(batch, run), batch.row_count, kind)
            for item, kind in zip(evaluators, types, strict=True)
        ]
        rows = zip(*columns, strict=True) if columns else [()] * batch.row_count
        return build_vector([on_row(row, run) for row in rows], result_type)

    return evaluate


def _values(column: VectorOrScalar, count: int, kind: SqlType) -> list[Any]:
    """The values of so many rows; one value for all of them is one object."""
    if isinstance(column, pa.Scalar):
        return to_values(as_array(column, 1), kind) * count
    return to_values(column, kind)
