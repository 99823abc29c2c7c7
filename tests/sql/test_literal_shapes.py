"""A shape that is known from what stands between the literals is the one that a pass over the text would find."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lungfish.session.ready import plain_literal_values
from lungfish.sql import lift_literals
from lungfish.sql.literal_shapes import LiteralShapes
from tests.sql.test_normalize import WORDS

NUMBERS = st.integers(0, 10**20).map(str)
STRINGS = st.text("ab 1.,()$x", max_size=5).map(lambda text: f"'{text}'")


def test_texts_that_differ_in_plain_literals_share_a_shape() -> None:
    shapes = LiteralShapes()
    sql = "select a from t where id = 7 and b = 'x'"
    lifted = lift_literals(sql)
    assert lifted is not None
    shapes.note(sql, lifted)
    shape = "select a from t where id = $1 and b = $2"
    assert shapes.find("select a from t where id = 80 and b = 'it is'") == (
        shape,
        ["80", "'it is'"],
    )
    for other in (
        "select a from t where id = 80 and b = 5",
        "select a from t where id = 'x' and b = 'x'",
        "select a from t where id = 80.5 and b = 'x'",
        "select a from t where id = 80 and b = 'it''s'",
        "select a from t where id = 80 and b = E'x'",
        "select a from t where id = -80 and b = 'x'",
        "select a from t where id = 80a and b = 'x'",
        "select a from t where id = 80 and c = 'x'",
    ):
        assert shapes.find(other) is None


@given(
    pieces=st.lists(st.one_of(WORDS, NUMBERS, STRINGS), max_size=14),
    others=st.lists(st.tuples(NUMBERS, STRINGS), min_size=14, max_size=14),
    is_tight=st.booleans(),
)
@example(["'a'", "'b'"], [("1", "'c'")] * 14, True)
@example(["1", ".", "5"], [("1", "'c'")] * 14, True)
def test_a_known_shape_is_what_a_pass_over_the_text_finds(
    pieces: list[str], others: list[tuple[str, str]], is_tight: bool
) -> None:
    joiner = "" if is_tight else " "
    sql = "select " + joiner.join(pieces)
    lifted = lift_literals(sql)
    if lifted is None:
        return
    shapes = LiteralShapes()
    shapes.note(sql, lifted)
    changed = [
        string if piece[0] == "'" else number if piece.isdigit() else piece
        for piece, (number, string) in zip(pieces, others, strict=False)
    ]
    text = "select " + joiner.join(changed)
    known = shapes.find(text)
    if known is None:
        return
    expected = lift_literals(text)
    if expected is None:
        # It refuses these wherever they stand.
        assert "$" in text
        return
    assert known == (expected.shape, list(expected.sources))


@given(
    pieces=st.lists(st.one_of(WORDS, NUMBERS, STRINGS), max_size=14),
    others=st.lists(st.tuples(NUMBERS, STRINGS), min_size=14, max_size=14),
    is_tight=st.booleans(),
)
@example(["1", "'", "a", "\\"], [("1", "'c'")] * 14, True)
@example(["1", "\0"], [("1", "'c'")] * 14, True)
@example(["'\0'", "1", "é"], [("7", "'c'")] * 14, False)
def test_the_compiled_form_finds_the_same_shapes_or_none(
    pieces: list[str], others: list[tuple[str, str]], is_tight: bool
) -> None:
    native_shapes = pytest.importorskip("lungfish.sql.native_shapes")
    joiner = "" if is_tight else " "
    sql = "select " + joiner.join(pieces)
    lifted = lift_literals(sql)
    shapes = LiteralShapes()
    compiled = native_shapes.NativeShapes(shapes)
    # Asked in vain at first.
    assert compiled.lift(sql) is None
    if lifted is not None:
        shapes.note(sql, lifted)
    changed = [
        string if piece[:1] == "'" else number if piece.isdigit() else piece
        for piece, (number, string) in zip(pieces, others, strict=False)
    ]
    for text in (sql, "select " + joiner.join(changed), sql):
        known = shapes.find(text)
        values = compiled.lift(text)
        if values is not None:
            assert known is not None
            assert (compiled.shape, values) == (known[0], plain_literal_values(known[1])[0])
        elif known is not None:
            assert not text.isascii() or "\0" in text or any(len(each) > 18 for each in known[1])
