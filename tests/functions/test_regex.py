"""Regular expressions and LIKE: both ways of matching find the same, and the time that they take is bounded.

That the answers are PostgreSQL's is held by `recorded/regexps.jsonl` and by the random patterns of tests/differential. Time is counted in
looks at whether the statement is to stop, of which there is one every few thousand steps.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lungfish import errors
from lungfish.functions.interrupts import RUNNING
from lungfish.functions.like import ilike, like
from lungfish.functions.regex_automaton import _PIECE
from lungfish.functions.regex_match import Groups, Regex, compile_regex
from tests.differential.patterns import Patterns


class Looks:
    """A statement that counts how often it is looked at, and stops at a given look."""

    def __init__(self, limit: int | None = None) -> None:
        self.count = 0
        self.limit = limit

    def check(self) -> None:
        self.count += 1
        if self.count == self.limit:
            raise errors.QueryCanceled("enough")


@pytest.fixture
def looks() -> Iterator[Looks]:
    RUNNING.statement = found = Looks()
    yield found
    RUNNING.statement = None


def by_automata(regex: Regex) -> Regex:
    return replace(regex, finder=None)


def found_by(regex: Regex, text: str) -> list[Groups]:
    return list(regex.matches(text))


def test_automata_find_what_the_quick_ways_find() -> None:
    source = random.Random(7)
    compared = 0
    while compared < 500:
        pattern, text = str(Patterns(source).expression()), str(Patterns(source).text())
        try:
            regex = compile_regex(pattern, source.choice(("", "i", "n")))
        except errors.InvalidRegularExpression:
            continue
        if regex.finder is None:
            continue
        compared += 1
        slow = by_automata(regex)
        assert found_by(slow, text) == found_by(regex, text), (pattern, text)
        assert slow.is_match(text) == regex.is_match(text), (pattern, text)


EXPLOSIVE = ("^(a+)+$", "(a*)*b", "(a|aa)+$", "(a|a)*c", "(?:a?){30}a{30}$", ".*a.*a.*a.*a.*b", "([a-z]+)*=", "(?=(a+)+b)a")  # fmt: skip


@pytest.mark.parametrize("pattern", EXPLOSIVE)
def test_time_grows_with_the_text_and_not_faster(pattern: str, looks: Looks) -> None:
    regex = compile_regex(pattern)
    counts = []
    for length in (5_000, 40_000):
        looks.count = 0
        regex.is_match("a" * length + "!")
        counts.append(looks.count)
    # The automaton's states are made once; then there is one look a piece.
    assert counts[1] <= counts[0] + 3 * 40_000 // _PIECE + 5


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a|b)*c", "ab" * 20_000),
        (r"(a*)(a*)b\2\1$", "a" * 40 + "b" + "a" * 41),
        ("(?<=a.*)b", "a" * 30_000),
    ],
)
def test_a_search_stops_when_the_statement_is_told_to(
    pattern: str, text: str, looks: Looks
) -> None:
    compile_regex(pattern).search(text)
    # Now that the automaton's states are known.
    looks.count = 0
    compile_regex(pattern).search(text)
    assert looks.count > 4
    for limit in (2, looks.count // 2, looks.count):
        looks.count, looks.limit = 0, limit
        with pytest.raises(errors.QueryCanceled):
            compile_regex(pattern).search(text)


def test_a_pattern_with_many_groups_is_taken_apart_without_deep_recursion() -> None:
    pattern = "(a)" * 150
    groups = compile_regex(pattern).search("a" * 200)
    assert groups is not None
    assert groups[150] == (149, 150)


def test_a_pattern_that_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(errors.InvalidRegularExpression, match="too complex"):
        compile_regex("(" * 3_000 + ")" * 3_000)
    with pytest.raises(errors.InvalidRegularExpression, match="too complex"):
        compile_regex("((a{255}){255}){255}").search("b" * 10_000)


def test_like_does_not_try_again_what_failed() -> None:
    # Tried in all ways these would take longer than the universe has had.
    text = "a" * 20_000
    assert not like(text, "%a" * 30 + "%b")
    assert not like(text, "%a_" * 30 + "b")
    assert not ilike(text, "%A" * 30 + "%b%")
    assert like(text, "%a_" * 30 + "%")


@pytest.mark.parametrize(
    ("text", "pattern", "is_like"),
    [
        ("abc", "a%c", True), ("abc", "a%b", False), ("abcabc", "%bc", True), ("ab", "a%b%", True), ("a", "a%a", False), ("aXb", r"a\Xb", True),
        ("a%b", r"a\%b", True), ("axb", r"a\%b", False), ("", "%", True), ("", "_", False), ("aab", "%_b", True), ("äß", "_ß", True),
    ],
)  # fmt: skip
def test_like_matches_as_it_should(text: str, pattern: str, *, is_like: bool) -> None:
    assert like(text, pattern) is is_like


def test_like_raises_for_a_last_escape_only_where_matching_gets_that_far() -> None:
    assert not like("b", "a\\")
    assert not like("a", "a\\")
    for text, pattern in (("ab", "a\\"), ("xa!", "%a\\"), ("x", "%\\")):
        with pytest.raises(errors.InvalidEscapeSequence):
            like(text, pattern)
