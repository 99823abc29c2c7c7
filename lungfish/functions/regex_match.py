"""Matching of regular expressions: where a match is, how long, and what its groups hold, as PostgreSQL finds them.

POSIX wants of all matches the leftmost, and of these the longest (or the shortest, if the expression prefers so). Three ways, of which
each search takes the quickest that surely ends soon:

    Python's `re`       for expressions that leave no choice, where the first match found is the one that is wanted
    `re`, automata      it finds where the match begins, they its end and groups: for those that do, on texts short enough for it
    automata            for all others, in time that grows with the text and can be interrupted

`regex_parts.py` and `regex_dissect.py` have what decides the groups. With back references PostgreSQL's order of trying is followed,
with its cost.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lungfish.functions.regex_automaton import Subject
from lungfish.functions.regex_columns import column_pattern
from lungfish.functions.regex_cost import length_max
from lungfish.functions.regex_determinism import children_of, is_deterministic
from lungfish.functions.regex_dissect import Automata, Dissection, Span
from lungfish.functions.regex_parts import Part, make_parts
from lungfish.functions.regex_syntax import (
    Capture,
    Look,
    Node,
    RegexOptions,
    parse_options,
    parse_regex,
    regex_error,
)
from lungfish.functions.regex_translate import translate

# Spans of the whole match (0) and of the groups; None for a group that took no part.
Groups = tuple[Span | None, ...]


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled pattern."""

    tree: Node
    parts: Part
    options: RegexOptions
    group_count: int
    automata: Automata
    # Finds where a match begins, in texts up to the length; None where its ways are not ours.
    finder: re.Pattern[str] | None
    finder_length_max: int
    # Whether it also finds the end and the groups.
    is_deterministic: bool
    # For whole columns: whether there is a match. None where RE2 cannot tell.
    column_pattern: str | None

    def is_match(self, text: str) -> bool:
        """Whether the text contains a match."""
        if self.finder is not None and len(text) <= self.finder_length_max:
            return self.finder.search(text) is not None
        if self.parts.refers:
            return self.search(text) is not None
        automaton = self.automata.of(self.tree, is_searching=True)
        ends = automaton.ends(self._subject(text), 0, len(text))
        return next(ends, None) is not None

    def search(self, text: str, start: int = 0) -> Groups | None:
        """The leftmost match that begins at `start` or later."""
        return next(self.matches(text, start), None)

    def matches(self, text: str, start: int = 0) -> Iterator[Groups]:
        """Every match, one after the other; after an empty one the search goes on at the next character."""
        find = self._search_of(text, start)
        place = start
        while place <= len(text):
            groups = find(place)
            if groups is None:
                return
            yield groups
            assert groups[0] is not None, "the match itself is always known"
            begin, end = groups[0]
            place = end + 1 if begin == end else end

    def _search_of(self, text: str, start: int) -> Callable[[int], Groups | None]:
        """What answers the first match at a place or behind it."""
        finder = self.finder if len(text) <= self.finder_length_max else None
        if finder is None:
            return _AutomatonSearch(self, text, start).find
        if self.is_deterministic:
            return lambda place: _spans(finder.search(text, place))
        search = _AutomatonSearch(self, text, start)

        def find(place: int) -> Groups | None:
            found = finder.search(text, place)
            return None if found is None else search.match_at(found.start())

        return find

    def _subject(self, text: str) -> Subject:
        subject = Subject(text)
        for number, look in enumerate(self.automata.looks):
            reader = self.automata.of(look.item, is_backward=not look.is_behind, is_searching=True)
            subject.look(number, look, reader)
        return subject


def _spans(found: re.Match[str] | None) -> Groups | None:
    if found is None:
        return None
    spans = (found.span(number) for number in range(found.re.groups + 1))
    return tuple(None if span[0] < 0 else span for span in spans)


class _AutomatonSearch:
    """The matches of an expression in one text."""

    def __init__(self, regex: Regex, text: str, start: int) -> None:
        self._regex = regex
        self._start = start
        self._length = len(text)
        self._subject = regex._subject(text)
        self._begins: list[int] | None = None

    def find(self, place: int) -> Groups | None:
        """The first match at a place or behind it."""
        if self._begins is None:
            # Backwards through the text once: every place where a match may begin.
            automata, tree = self._regex.automata, self._regex.tree
            reader = automata.of(tree, is_backward=True, is_searching=True)
            self._begins = list(reader.ends(self._subject, self._length, self._start))[::-1]
        for index in range(bisect_left(self._begins, place), len(self._begins)):
            groups = self.match_at(self._begins[index])
            if groups is not None:
                return groups
        return None

    def match_at(self, begin: int) -> Groups | None:
        """The match that begins at a place; None where back references leave none."""
        regex = self._regex
        ends = regex.automata.of(regex.tree).ends(self._subject, begin, self._length)
        if not regex.parts.prefers_short:
            found = list(ends)
            ends = reversed(found if regex.parts.refers else found[-1:])
        for end in ends:
            if not regex.group_count:
                return ((begin, end),)
            dissection = Dissection(
                regex.automata,
                self._subject,
                regex.group_count,
                is_folded=regex.options.ignores_case,
            )
            if dissection.fits(regex.parts, begin, end):
                return ((begin, end), *dissection.groups[1:])
        return None


@functools.lru_cache(maxsize=512)
def compile_regex(pattern: str, flags: str = "") -> Regex:
    """The compiled pattern. Raises 2201B, 22023."""
    try:
        return _compile(*parse_regex(pattern, parse_options(flags)))
    except RecursionError as error:
        raise regex_error("regular expression is too complex") from error


def _compile(tree: Node, options: RegexOptions, group_count: int) -> Regex:
    parts = make_parts(tree)
    is_plain = is_deterministic(tree)
    longest = length_max(tree, options)
    finder = None
    if longest >= 0 and (is_plain or not parts.refers):
        try:
            finder = re.compile(translate(tree, options))
        except (re.error, OverflowError):
            # More than `re` has room for.
            finder = None
    groups: dict[int, Node] = {}
    looks: list[Look] = []
    _collect(tree, groups, looks)
    newline_is_anchor = options.newline_is_anchor
    automata = Automata(groups, looks, newline_is_anchor=newline_is_anchor)
    return Regex(
        tree=tree,
        parts=parts,
        options=options,
        group_count=group_count,
        automata=automata,
        finder=finder,
        finder_length_max=longest,
        is_deterministic=is_plain,
        column_pattern=column_pattern(tree, options),
    )


def _collect(node: Node, groups: dict[int, Node], looks: list[Look]) -> None:
    """What the groups match, and the look-arounds, those inside of others first."""
    for child in children_of(node):
        _collect(child, groups, looks)
    if isinstance(node, Capture):
        groups[node.number] = node.item
    elif isinstance(node, Look):
        looks.append(node)
