"""Names and strings as they must be written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish.sql.ast.expressions import Literal, Name
from lungfish.sql.quoting import quote_identifier, quote_literal, quote_qualified
from lungfish.types.keywords import KEYWORDS
from tests.sql.trees import expression

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
)


@given(TEXT)
def test_a_quoted_name_is_read_back(name: str) -> None:
    node = expression(quote_identifier(name))
    assert isinstance(node, Name)
    # PostgreSQL cuts names at 63 bytes.
    assert node.parts == (name,)


@given(TEXT)
def test_a_quoted_string_is_read_back(text: str) -> None:
    node = expression(quote_literal(text))
    assert isinstance(node, Literal)
    assert node.text == text


@pytest.mark.parametrize("word", sorted(KEYWORDS))
def test_keywords_are_quoted(word: str) -> None:
    assert quote_identifier(word) == f'"{word}"'


def test_plain_names_stay_bare() -> None:
    assert quote_qualified("public", None, "a_1", "Täg") == 'public.a_1."Täg"'
    assert quote_literal("a\\b") == "E'a\\\\b'"
