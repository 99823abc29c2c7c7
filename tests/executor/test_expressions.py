from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish import errors
from lungfish.executor.context import Run
from lungfish.executor.programs import new_compiler
from lungfish.functions import resolve_operator
from lungfish.functions.registry import Function, Volatility
from lungfish.planner.expressions import (
    AndAll,
    ArrayExpr,
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    CoalesceExpr,
    ExtremeExpr,
    InListExpr,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
    ParameterRef,
    QuantifiedArrayExpr,
    RowExpr,
)
from lungfish.planner.physical import Filter, Project
from lungfish.types.array_value import ArrayValue, array_value
from lungfish.types.sql_type import (
    BOOLEAN,
    DOUBLE,
    INTEGER,
    NUMERIC,
    TEXT,
    SqlType,
    TypeKind,
    array_of,
)
from lungfish.types.vectors import to_values
from tests.executor.world import World, col, columns, const, op, values

Row = tuple[Any, ...]
TYPES = (INTEGER, INTEGER, BOOLEAN)
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-2, 2), st.none() | st.integers(-2, 2), st.none() | st.booleans()
    ),
    max_size=8,
)
A, B, C = col(0, INTEGER), col(1, INTEGER), col(2, BOOLEAN)
EQUALS = resolve_operator("=", (INTEGER, INTEGER)).callee
LESS = resolve_operator("<", (INTEGER, INTEGER)).callee


def integers() -> st.SearchStrategy[BoundExpression]:
    leaf = st.sampled_from([A, B, const(1, INTEGER), const(None, INTEGER), const(0, INTEGER)])
    return st.recursive(leaf, _larger_integers, max_leaves=5)


def _larger_integers(
    part: st.SearchStrategy[BoundExpression],
) -> st.SearchStrategy[BoundExpression]:
    pair = st.tuples(part, part)
    return st.one_of(
        pair.map(lambda two: op("+", *two)),
        pair.map(lambda two: CoalesceExpr(two, INTEGER)),
        st.tuples(st.booleans(), st.tuples(part, part, part)).map(
            lambda it: ExtremeExpr(it[0], it[1], INTEGER)
        ),
        st.tuples(conditions(), part, part).map(
            lambda it: CaseExpr(((it[0], it[1]),), it[2], INTEGER)
        ),
        # Division is guarded: without picking rows first this would divide by zero.
        pair.map(
            lambda two: CaseExpr(
                ((op("<>", two[1], const(0, INTEGER)), op("/", two[0], two[1])),),
                const(7, INTEGER),
                INTEGER,
            )
        ),
    )


def conditions() -> st.SearchStrategy[BoundExpression]:
    leaf = st.one_of(
        st.sampled_from([C, const(True, BOOLEAN), const(None, BOOLEAN)]),
        st.sampled_from([op("<", A, B), op("=", A, const(1, INTEGER)), IsNullExpr(B, False)]),
        st.booleans().map(lambda n: IsDistinctExpr(A, B, EQUALS, n)),
        st.booleans().map(lambda n: InListExpr(A, (B, const(2, INTEGER)), EQUALS, n)),
        st.tuples(st.booleans(), st.booleans()).map(
            lambda it: InListExpr(
                A,
                (const(1, INTEGER), const(None if it[1] else 0, INTEGER)),
                EQUALS,
                it[0],
            )
        ),
    )
    return st.recursive(leaf, _larger_conditions, max_leaves=6)


def _larger_conditions(
    part: st.SearchStrategy[BoundExpression],
) -> st.SearchStrategy[BoundExpression]:
    several = st.lists(part, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        several.map(AndAll),
        several.map(OrAny),
        part.map(NotExpr),
        st.tuples(part, st.sampled_from([True, False, None]), st.booleans()).map(
            lambda it: IsBooleanExpr(*it)
        ),
    )


def evaluate_rows(expression: BoundExpression, rows: list[Row], parameters: Row = ()) -> list[Any]:
    evaluate = new_compiler().row(expression)
    run = Run(WORLD.context(parameters))
    return [evaluate(row, run) for row in rows]


def evaluate_batch(
    expression: BoundExpression,
    rows: list[Row],
    types: tuple[SqlType, ...] = TYPES,
    parameters: Row = (),
) -> list[Any]:
    """What the operators give, whatever shorter way there is."""
    operator = new_compiler().operator(
        Project(values(rows, *types), (expression,), columns(expression.type))
    )
    found: list[Any] = []
    for batch in operator(Run(WORLD.context(parameters))):
        found += to_values(batch.columns[0], expression.type)
    return found


@given(integers() | conditions(), ROWS)
def test_batches_and_single_rows_are_evaluated_alike(
    expression: BoundExpression, rows: list[Row]
) -> None:
    assert evaluate_batch(expression, rows) == evaluate_rows(expression, rows)


THREE = (True, False, None)


@pytest.mark.parametrize("one", THREE)
@pytest.mark.parametrize("other", THREE)
def test_and_or_and_not_have_three_values(one: bool | None, other: bool | None) -> None:
    both = (const(one, BOOLEAN), const(other, BOOLEAN))
    conjunction = False if False in (one, other) else None if None in (one, other) else True
    disjunction = True if True in (one, other) else None if None in (one, other) else False
    assert evaluate_rows(AndAll(both), [()]) == [conjunction]
    assert evaluate_rows(OrAny(both), [()]) == [disjunction]
    assert evaluate_rows(NotExpr(both[0]), [()]) == [None if one is None else not one]


DIVISION = op("/", const(1, INTEGER), A, position=17)
GUARD = op("<>", A, const(0, INTEGER))
NUMBERS = [(0, 0, None), (1, 0, None), (None, 0, None)]


def test_a_later_conjunct_sees_only_the_rows_that_are_left() -> None:
    plan = Filter(
        values(NUMBERS, *TYPES),
        AndAll((GUARD, op(">=", DIVISION, const(1, INTEGER)))),
        columns(*TYPES),
    )
    assert WORLD.rows(plan) == [(1, 0, None)]


@pytest.mark.parametrize(
    ("guarded", "expected"),
    [
        (AndAll((GUARD, op(">", DIVISION, const(0, INTEGER)))), [False, True, None]),
        (OrAny((NotExpr(GUARD), op(">", DIVISION, const(0, INTEGER)))), [True, True, None]),
        (CaseExpr(((GUARD, DIVISION),), const(-1, INTEGER), INTEGER), [-1, 1, -1]),
        (
            CoalesceExpr((CaseExpr(((GUARD, A),), const(None, INTEGER), INTEGER), B), INTEGER),
            [0, 1, 0],
        ),
    ],
)
def test_operands_are_evaluated_for_the_rows_that_reach_them(
    guarded: BoundExpression, expected: list[Any]
) -> None:
    assert evaluate_batch(guarded, NUMBERS) == expected
    assert evaluate_rows(guarded, NUMBERS) == expected


def test_an_error_of_a_function_knows_its_place() -> None:
    with pytest.raises(errors.DivisionByZero) as by_batch:
        evaluate_batch(DIVISION, NUMBERS)
    with pytest.raises(errors.DivisionByZero) as by_row:
        evaluate_rows(DIVISION, NUMBERS)
    assert by_batch.value.position == by_row.value.position == 17


def test_a_cast_error_knows_its_place() -> None:
    cast = CastTo(col(0, TEXT), INTEGER, True, position=5)
    with pytest.raises(errors.InvalidTextRepresentation) as error:
        evaluate_batch(cast, [("x",)], (TEXT,))
    assert error.value.position == 5


def counted(volatility: Volatility) -> tuple[Function, list[int]]:
    calls: list[int] = []

    def scalar(*_: Any) -> int:
        calls.append(1)
        return len(calls)

    return Function("counted", (INTEGER,), INTEGER, scalar, volatility=volatility), calls


def test_a_volatile_function_is_called_for_each_row() -> None:
    function, calls = counted(Volatility.VOLATILE)
    call = Call(function, (const(1, INTEGER),), INTEGER)
    assert evaluate_batch(call, [(1, 1, None)] * 3) == [1, 2, 3]
    assert len(calls) == 3


def test_a_stable_function_of_constants_is_called_once_a_batch() -> None:
    function, calls = counted(Volatility.STABLE)
    call = Call(function, (const(1, INTEGER),), INTEGER)
    assert evaluate_batch(call, [(1, 1, None)] * 3) == [1, 1, 1]
    assert len(calls) == 1


def test_a_strict_function_is_not_called_with_null() -> None:
    function, calls = counted(Volatility.VOLATILE)
    assert evaluate_batch(Call(function, (A,), INTEGER), [(None, 1, None), (1, 1, None)]) == [
        None,
        1,
    ]
    assert len(calls) == 1


def test_a_missing_scalar_form_is_made_of_the_vector_form() -> None:
    import pyarrow.compute as pc

    function = Function("twice", (INTEGER,), INTEGER, vector=lambda vector: pc.multiply(vector, 2))
    call = Call(function, (A,), INTEGER)
    assert evaluate_rows(call, [(3, 0, None), (None, 0, None)]) == [6, None]


def test_parameters_are_constants_of_one_execution() -> None:
    expression = op("+", A, ParameterRef(0, INTEGER))
    row = [(1, 1, None)]
    assert evaluate_batch(expression, row, parameters=(41,)) == [42]
    assert evaluate_batch(expression, row, parameters=(None,)) == [None]
    assert evaluate_rows(expression, [(1, 1, None)], (9,)) == [10]
    with pytest.raises(errors.UndefinedParameter):
        evaluate_batch(expression, row)


ARRAY = array_of(INTEGER)


@pytest.mark.parametrize("is_all", [False, True])
@pytest.mark.parametrize("elements", [None, (), (1,), (1, 2), (2, None), (None,), (5, 6)])
def test_any_and_all_over_arrays(is_all: bool, elements: tuple[int | None, ...] | None) -> None:
    array = None if elements is None else array_value(elements)
    expression = QuantifiedArrayExpr(col(0, INTEGER), const(array, ARRAY), LESS, is_all)
    answers = [None if item is None else item > 1 for item in elements or ()]
    decided = not is_all
    if elements is None:
        expected = None
    elif decided in answers:
        expected = decided
    else:
        expected = None if None in answers else not decided
    assert evaluate_batch(expression, [(1, 0, None)]) == [expected]
    assert evaluate_rows(expression, [(1, 0, None)]) == [expected]


def test_arrays_of_arrays_gain_a_dimension() -> None:
    inner = ArrayExpr((A, B), ARRAY)
    expression = ArrayExpr((inner, inner), ARRAY)
    expected = [ArrayValue((1, 2, 1, 2), (2, 2), (1, 1))]
    assert evaluate_batch(expression, [(1, 2, None)]) == expected
    assert evaluate_rows(expression, [(1, 2, None)]) == expected


def test_a_row_is_a_tuple() -> None:
    record = SqlType(TypeKind.RECORD, labels=("f1", "f2"), fields=(INTEGER, BOOLEAN))
    expression = RowExpr((A, C), record)
    assert evaluate_batch(expression, [(1, 2, True)]) == [(1, True)]


def test_greatest_takes_nan_for_the_greatest() -> None:
    expression = ExtremeExpr(True, (col(0, DOUBLE), const(5.0, DOUBLE)), DOUBLE)
    (found,) = evaluate_batch(expression, [(float("nan"),)], (DOUBLE,))
    assert found != found


def test_numeric_branches_keep_their_scales() -> None:
    from decimal import Decimal

    numeric = SqlType(TypeKind.NUMERIC, (10, 2))
    expression = CaseExpr(
        ((op(">", col(0, numeric), const(Decimal(2), NUMERIC)), col(0, numeric)),),
        const(Decimal(0), NUMERIC),
        NUMERIC,
    )
    found = evaluate_batch(expression, [(Decimal("1.50"),), (Decimal("3.50"),)], (numeric,))
    assert [str(value) for value in found] == ["0", "3.50"]


WORLD = World()
