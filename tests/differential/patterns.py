"""Random regular expressions over random texts: what matches, where, how long, and what the groups hold; LIKE and SIMILAR TO patterns too."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.differential.campaign import Finding
from tests.differential.compare import difference
from tests.differential.fragments import Fragment, optional, shrink, text
from tests.differential.sides import Answer, Side

_LETTERS = "aaaabbbcAB1 _\n-\u00e9\u00df"
_CLASSES = (".", ".", "[ab]", "[^a]", "[[:alpha:]]", r"\w", r"\d", r"\s", r"\W", "[b-c1]", "[^[:space:]]", r"[\w-]", "[[:upper:]]")  # fmt: skip
_QUANTIFIERS = ("*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,1}?", "{2,}", "{1,3}?", "{0}", "{1,1}?", "{2}?", "{0,2}")  # fmt: skip
_ANCHORS = ("^", "$", r"\A", r"\Z", r"\y", r"\m", r"\M", r"\Y", "[[:<:]]")
_FLAGS = ("", "", "", "", "i", "n", "p", "w", "x", "in")
_LOOKS = ("(?=", "(?!", "(?<=", "(?<!")
_SIMILAR = ("%", "_", "|", "(a|b)", "[ab]", "a*", "b+", "a", "b", "(ab)?", "a{2}", "%", r"\%", "[^b]", ".", "^")  # fmt: skip
_LIKE = ("%", "%", "_", "a", "b", "ab", r"\%", r"\_", "A", "é")


class Patterns:
    """Makes patterns. Pieces are fragments, so that a pattern that shows a difference can be made smaller."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self._group_count = 0

    def text(self) -> Fragment:
        """A short text of few letters."""
        count = self.source.choice((0, 1, 2, 3, 4, 5, 6, 8, 12))
        return text(*(optional(_quoted(self.source.choice(_LETTERS))) for _ in range(count)))

    def expression(self, depth: int = 3) -> Fragment:
        """An advanced regular expression."""
        branches = [self._branch(depth)]
        while self.source.random() < 0.15:
            branches.append(self._branch(depth))
        return text(branches[0], *(optional("|", branch) for branch in branches[1:]))

    def _branch(self, depth: int) -> Fragment:
        count = (
            self.source.choice((0, 1, 1, 2, 2, 3, 4)) if depth < 3 else self.source.randint(1, 4)
        )
        return text(*(optional(self._quantified(depth)) for _ in range(count)))

    def _quantified(self, depth: int) -> Fragment:
        number = self.source.random()
        if number < 0.06:
            return text(self.source.choice(_ANCHORS))
        if number < 0.10 and depth > 0:
            return text(self.source.choice(_LOOKS), self.expression(depth - 2), ")")
        atom = self._atom(depth)
        if self.source.random() < 0.45:
            return text(atom, optional(self.source.choice(_QUANTIFIERS)))
        return atom

    def _atom(self, depth: int) -> Fragment:
        number = self.source.random()
        if number < 0.35 and depth > 0:
            if self.source.random() < 0.3:
                return Fragment(("(?:", self.expression(depth - 1), ")"), "group", ("a", "b"))
            self._group_count += 1
            return Fragment(("(", self.expression(depth - 1), ")"), "group", ("(a)", "(b)"))
        if number < 0.40 and self._group_count:
            return Fragment((f"\\{self.source.randint(1, self._group_count)}",), "group", ("a",))
        if number < 0.60:
            return Fragment((self.source.choice(_CLASSES),), "letter", ("a", "b"))
        return Fragment((_quoted(self.source.choice("aaabbbcA1 é")),), "letter", ("a", "b"))

    def of_words(self, words: tuple[str, ...]) -> Fragment:
        """A pattern for LIKE or SIMILAR TO."""
        count = self.source.randint(1, 6)
        return text(*(optional(self.source.choice(words)) for _ in range(count)))

    def query(self) -> Fragment:
        """A query over one pattern and one text."""
        number = self.source.random()
        if number < 0.06:
            pattern = self.of_words(_LIKE)
            word = self.source.choice(("LIKE", "ILIKE", "NOT LIKE"))
            return text("SELECT E'", self.text(), f"' {word} '", pattern, "'")
        if number < 0.16:
            pattern = self.of_words(_SIMILAR)
            return text("SELECT E'", self.text(), "' SIMILAR TO '", pattern, "'")
        return self._regexp_query()

    def _regexp_query(self) -> Fragment:
        flags = self.source.choice(_FLAGS)
        call = self.source.choice(
            (
                "regexp_match(t, p, '{f}')",
                "ARRAY(SELECT m::text FROM regexp_matches(t, p, '{f}g') AS m)",
                "regexp_replace(t, p, '<\\1,\\2,\\&>', '{f}g')",
                "regexp_count(t, p, 2, '{f}')",
                "regexp_instr(t, p, 1, 1, 1, '{f}')",
                "regexp_instr(t, p, 1, 1, 0, '{f}', 1)",
                "regexp_substr(t, p, 2, 1, '{f}')",
                "regexp_split_to_array(t, p, '{f}')",
                "regexp_like(t, p, '{f}')",
            )
        ).format(f=flags)
        other = self.source.choice(("t ~ p", "t !~* p", "substring(t, p)", "t ~* p"))
        return text(
            f"SELECT {call}", optional(f", {other}"), " FROM (SELECT E'", self.text(), "' AS t, '",
            self.expression(), "' AS p) AS s",
        )  # fmt: skip


def _quoted(character: str) -> str:
    return "\\n" if character == "\n" else character


def run_patterns(
    postgres: Side, ours: Side, *, count: int, seed: int, first: int = 0
) -> Iterator[Finding | None]:
    """One item for each query: what was found, or None."""
    for number in range(first, first + count):
        tree = Patterns(random.Random(f"{seed}/pattern {number}")).query()
        yield _examine(postgres, ours, tree, f"--patterns --seed {seed} --first {number}")


def _examine(postgres: Side, ours: Side, tree: Fragment, seed: str) -> Finding | None:
    def answers(tree: Fragment) -> tuple[str | None, Answer, Answer]:
        expected, got = postgres.run(str(tree)), ours.run(str(tree))
        return difference(expected, got, is_ordered=True, is_loose=False), expected, got

    what = answers(tree)[0]
    if what is None:
        return None
    smallest = shrink(tree, lambda each: answers(each)[0] == what)
    _, expected, got = answers(smallest)
    return Finding(seed, (), str(smallest), what, expected, got)
