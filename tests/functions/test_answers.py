"""Every registered function and operator answers as PostgreSQL 18 does, by its scalar form and by its vector form."""

from __future__ import annotations

import itertools

import pytest

from lungfish.functions import FUNCTIONS
from tests.functions.answers import read_answers
from tests.functions.evaluate import evaluate, evaluate_vector
from tests.functions.samples import Call, all_calls, calls_of, is_callable_here

ANSWERS = read_answers()
CALLS = {
    name: list(calls)
    for name, calls in itertools.groupby(
        sorted(all_calls(), key=lambda call: call.name), lambda call: call.name
    )
}


@pytest.mark.parametrize("name", CALLS)
def test_a_function_answers_as_postgresql_does(name: str) -> None:
    wrong = [
        f"{call.sql()}: {got!r}, PostgreSQL {ANSWERS[call.sql()]!r}"
        for call in CALLS[name]
        if call.sql() in ANSWERS and (got := evaluate(name, call.arguments)) != ANSWERS[call.sql()]
    ]
    assert not wrong


@pytest.mark.parametrize("name", CALLS)
def test_the_vector_form_equals_the_scalar_form(name: str) -> None:
    assert not [text for call in CALLS[name] if (text := _difference(call)) is not None]


def _difference(call: Call) -> str | None:
    has_vector, vector = evaluate_vector(call.name, call.arguments)
    scalar = evaluate(call.name, call.arguments)
    return f"{call.sql()}: {vector!r} and {scalar!r}" if has_vector and vector != scalar else None


@pytest.mark.release
def test_the_two_forms_are_equal_for_many_more_arguments() -> None:
    wrong = [
        text
        for function in FUNCTIONS
        if is_callable_here(function) and function.vector is not None
        for call in calls_of(function, 200)
        if (text := _difference(call)) is not None
    ]
    assert not wrong


def test_every_function_that_can_be_asked_about_has_an_answer() -> None:
    asked = {function.name for function in FUNCTIONS if is_callable_here(function)}
    assert asked == set(CALLS)
    known = sum(call.sql() in ANSWERS for calls in CALLS.values() for call in calls)
    # A new function comes with its answers: python -m tests.functions.answers
    assert known >= 0.9 * sum(map(len, CALLS.values()))
