"""Matching of regular expressions: where a match is, how long, and what its groups hold.

POSIX wants of all matches the leftmost, and of these the longest (or the shortest, if the expression prefers so); Python's `re`
wants the first that its order of trying finds. They agree on whether and where there is a match at all, so `re` searches; on
the length they agree for expressions that leave no choice, which `is_deterministic` tells. For the others the end and the groups are
found here, by the sets of possible ends of each part (after H. Spencer's regexec as it is in PostgreSQL, without its automata).

Preferences: an alternation always prefers long; a sequence prefers what its first part with a preference prefers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lungfish.errors import FeatureNotSupported, InvalidRegularExpression
from lungfish.functions.regex_classes import CharacterSet, negate
from lungfish.functions.regex_syntax import (
    Alternation,
    Assertion,
    BackReference,
    Capture,
    Characters,
    Concatenation,
    Look,
    Node,
    RegexOptions,
    Repeat,
    parse_options,
    parse_regex,
)
from lungfish.functions.regex_translate import translate

Span = tuple[int, int]
# Spans of the whole match (0) and of the groups; None for a group that took no part.
Groups = tuple[Span | None, ...]


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled pattern."""

    tree: Node
    options: RegexOptions
    group_count: int
    # Finds where a match begins; its length only where `is_deterministic`.
    finder: re.Pattern[str]
    is_deterministic: bool

    def is_match(self, text: str) -> bool:
        """Whether the text contains a match."""
        return self.finder.search(text) is not None

    def search(self, text: str, start: int = 0) -> Groups | None:
        """The leftmost match that begins at `start` or later."""
        found = self.finder.search(text, start)
        if found is None:
            return None
        if self.is_deterministic:
            spans = [found.span(number) for number in range(self.group_count + 1)]
            return tuple(None if span[0] < 0 else span for span in spans)
        matcher = Matcher(text, self.options)
        begin = found.start()
        ends = matcher.ends(self.tree, begin)
        end = max(ends) if prefers_long(self.tree) is not False else min(ends)
        groups: list[Span | None] = [None] * (self.group_count + 1)
        groups[0] = (begin, end)
        if self.group_count:
            matcher.dissect(self.tree, begin, end, groups)
        return tuple(groups)


@functools.lru_cache(maxsize=512)
def compile_regex(pattern: str, flags: str = "") -> Regex:
    """The compiled pattern. Raises 2201B, 22023."""
    tree, options, group_count = parse_regex(pattern, parse_options(flags))
    try:
        finder = re.compile(translate(tree, options))
    except (re.error, OverflowError) as error:
        raise FeatureNotSupported(f"regular expression is not supported: {error}") from error
    except RecursionError as error:
        raise InvalidRegularExpression(
            "invalid regular expression: regular expression is too complex"
        ) from error
    is_deterministic = _Determinism().accepts(tree) and not _has_fickle_groups(
        tree, is_repeated=False
    )
    return Regex(tree, options, group_count, finder, is_deterministic)


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Concatenation(items):
            return items
        case Alternation(branches):
            return branches
        case Repeat(item=item) | Capture(item=item) | Look(item=item):
            return (item,)
    return ()


def _has_fickle_groups(node: Node, *, is_repeated: bool) -> bool:
    """Whether a group may take part in one round of a repetition and not in the next.

    Then `re` keeps what the earlier round has found, and PostgreSQL does not.
    """
    match node:
        case Repeat(item=item, minimum=minimum, maximum=maximum):
            if is_repeated and minimum == 0 and _group_numbers(item):
                return True
            return _has_fickle_groups(item, is_repeated=is_repeated or maximum != 1)
        case Alternation(branches):
            if is_repeated and _group_numbers(node):
                return True
            return any(_has_fickle_groups(branch, is_repeated=is_repeated) for branch in branches)
    return any(_has_fickle_groups(child, is_repeated=is_repeated) for child in _children(node))


def _group_numbers(node: Node) -> set[int]:
    own = {node.number} if isinstance(node, Capture) else set()
    return own.union(*(map(_group_numbers, _children(node))))


@functools.lru_cache(maxsize=4096)
def prefers_long(node: Node) -> bool | None:
    """Whether the expression prefers long matches, short ones (False), or has no preference."""
    match node:
        case Alternation():
            return True
        case Concatenation(items):
            for item in items:
                found = prefers_long(item)
                if found is not None:
                    return found
            return None
        case Repeat(item=item, prefers_long=own):
            return prefers_long(item) if own is None else own
        case Capture(item=item):
            return prefers_long(item)
    return None


class Matcher:
    """The possible ends of every part of an expression in one text."""

    def __init__(self, text: str, options: RegexOptions) -> None:
        self._text = text
        self._options = options
        self._ends: dict[tuple[int, int], frozenset[int]] = {}

    def ends(self, node: Node, start: int) -> frozenset[int]:
        """Where a match of the node that begins at `start` may end."""
        key = (id(node), start)
        found = self._ends.get(key)
        if found is None:
            found = self._ends[key] = frozenset(self._compute(node, start))
        return found

    def _compute(self, node: Node, start: int) -> set[int]:
        match node:
            case Characters(allowed):
                return {start + 1} if self._takes(allowed, start) else set()
            case Concatenation(items):
                places = {start}
                for item in items:
                    places = {end for place in places for end in self.ends(item, place)}
                return places
            case Alternation(branches):
                return {end for branch in branches for end in self.ends(branch, start)}
            case Repeat():
                return self._repeat_ends(node, start)
            case Capture(item=item):
                return set(self.ends(item, start))
            case Assertion(kind):
                return {start} if self._holds(kind, start) else set()
            case Look():
                return {start} if self._looks(node, start) else set()
        raise FeatureNotSupported(
            "the extent of a match of a regular expression with back references is not supported"
        )

    def _takes(self, allowed: CharacterSet, place: int) -> bool:
        if place >= len(self._text):
            return False
        return allowed.contains(self._text[place])

    def _repeat_ends(self, node: Repeat, start: int) -> set[int]:
        places = {start}
        for _ in range(node.minimum):
            places = {end for place in places for end in self.ends(node.item, place)}
        found = set(places)
        count = node.minimum
        # Rounds that reach no new place cannot lead anywhere new.
        while places and (node.maximum is None or count < node.maximum):
            places = {end for place in places for end in self.ends(node.item, place)} - found
            found |= places
            count += 1
        return found

    def _looks(self, node: Look, place: int) -> bool:
        if node.is_behind:
            found = any(place in self.ends(node.item, start) for start in range(place, -1, -1))
        else:
            found = bool(self.ends(node.item, place))
        return found is not node.is_negated

    def _holds(self, kind: str, place: int) -> bool:
        text = self._text
        match kind:
            case "A":
                return place == 0
            case "Z":
                return place == len(text)
            case "^":
                return place == 0 or (self._options.newline_is_anchor and text[place - 1] == "\n")
            case "$":
                at_end = place == len(text)
                return at_end or (self._options.newline_is_anchor and text[place] == "\n")
        before = place > 0 and _is_word(text[place - 1])
        after = place < len(text) and _is_word(text[place])
        match kind:
            case "m":
                return after and not before
            case "M":
                return before and not after
            case "y":
                return before is not after
        return before is after

    def dissect(self, node: Node, start: int, end: int, groups: list[Span | None]) -> None:
        """Set the spans of the groups within a match from `start` to `end`."""
        match node:
            case Capture(number, item):
                groups[number] = (start, end)
                self.dissect(item, start, end, groups)
            case Concatenation(items):
                self._dissect_sequence(items, start, end, groups)
            case Alternation(branches):
                for branch in branches:
                    if end in self.ends(branch, start):
                        self.dissect(branch, start, end, groups)
                        return
            case Repeat():
                self._dissect_repeat(node, start, end, groups)

    def _dissect_sequence(
        self, items: tuple[Node, ...], start: int, end: int, groups: list[Span | None]
    ) -> None:
        for index, item in enumerate(items):
            rest = Concatenation(items[index + 1 :])
            for middle in self._in_preference(item, start, end):
                if self._reaches(rest, middle, end):
                    self.dissect(item, start, middle, groups)
                    start = middle
                    break

    def _in_preference(self, item: Node, start: int, end: int) -> Iterator[int]:
        wants_long = prefers_long(item) is not False
        return iter(sorted((e for e in self.ends(item, start) if e <= end), reverse=wants_long))

    def _reaches(self, rest: Concatenation, start: int, end: int) -> bool:
        places = {start}
        for item in rest.items:
            places = {found for place in places for found in self.ends(item, place) if found <= end}
        return end in places

    def _dissect_repeat(
        self, node: Repeat, start: int, end: int, groups: list[Span | None]
    ) -> None:
        """Set the groups of the last round; PostgreSQL divides the text among the rounds in two ways.

        x{m,n} with m of 1 or more is x{m-1,n-1} and then x: the rounds before the last take what they prefer.
        x* is one round or more, or nothing: here each round in turn takes what it prefers, none of it empty but the first.
        """
        if node.minimum:
            maximum = None if node.maximum is None else node.maximum - 1
            before = Repeat(node.item, node.minimum - 1, maximum, node.prefers_long)
            wants_long = prefers_long(node) is not False
            for middle in sorted(self._repeat_ends(before, start), reverse=wants_long):
                if middle <= end and end in self.ends(node.item, middle):
                    self.dissect(node.item, middle, end, groups)
                    return
        elif start == end and prefers_long(node.item) is False:
            # Where a round prefers to be short, no round comes before an empty one.
            return
        elif end in self._repeat_ends(replace(node, minimum=1), start):
            self._dissect_rounds(node, start, end, groups)

    def _dissect_rounds(
        self, node: Repeat, start: int, end: int, groups: list[Span | None]
    ) -> None:
        count = 0
        numbers = _group_numbers(node.item)
        while start < end or not count:
            count += 1
            left = None if node.maximum is None else node.maximum - count
            rest = Repeat(node.item, 0, left, node.prefers_long)
            for middle in self._in_preference(node.item, start, end):
                if (middle > start or start == end) and end in self._repeat_ends(rest, middle):
                    for number in numbers:
                        groups[number] = None
                    self.dissect(node.item, start, middle, groups)
                    start = middle
                    break
            else:
                return


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


_NOTHING = CharacterSet(())
_ANYTHING = negate(_NOTHING)


class _Determinism:
    """Whether an expression never leaves a choice: then the order in which `re` tries things does not matter.

    It does not where, at every place where the match may go one way or another, the next character decides; where all
    repetitions prefer long; and where no repetition's item can be empty.
    """

    def accepts(self, node: Node) -> bool:
        """Whether the whole expression is of that kind."""
        return self._check(node, _NOTHING)

    def _check(self, node: Node, following: CharacterSet) -> bool:
        """`following`: the characters that may come after the node in a longer match."""
        match node:
            case Concatenation(items):
                return self._check_sequence(items, following)
            case Alternation(branches):
                return self._check_branches(branches, following)
            case Repeat():
                return self._check_repeat(node, following)
            case Capture(item=item):
                return self._check(item, following)
            case Look():
                return True
        return True

    def _check_sequence(self, items: tuple[Node, ...], following: CharacterSet) -> bool:
        for item in reversed(items):
            if not self._check(item, following):
                return False
            first = first_characters(item)
            following = first.union(following) if may_be_empty(item) else first
        return True

    def _check_branches(self, branches: tuple[Node, ...], following: CharacterSet) -> bool:
        seen = _NOTHING
        for index, branch in enumerate(branches):
            first = first_characters(branch)
            if first.intersects(seen) or not self._check(branch, following):
                return False
            # An empty branch is taken at once by `re`, so it must be the last, and not compete with what follows.
            if may_be_empty(branch) and (index < len(branches) - 1 or seen.intersects(following)):
                return False
            seen = seen.union(first)
        return True

    def _check_repeat(self, node: Repeat, following: CharacterSet) -> bool:
        if node.prefers_long is False or (may_be_empty(node.item) and node.maximum != node.minimum):
            return False
        first = first_characters(node.item)
        if node.minimum != node.maximum and first.intersects(following):
            return False
        again = first if node.maximum is None or node.maximum > 1 else _NOTHING
        return self._check(node.item, again.union(following))


@functools.lru_cache(maxsize=4096)
def may_be_empty(node: Node) -> bool:
    """Whether the node can match the empty text."""
    match node:
        case Characters():
            return False
        case Concatenation(items):
            return all(map(may_be_empty, items))
        case Alternation(branches):
            return any(map(may_be_empty, branches))
        case Repeat(item=item, minimum=minimum):
            return minimum == 0 or may_be_empty(item)
        case Capture(item=item):
            return may_be_empty(item)
    return True


@functools.lru_cache(maxsize=4096)
def first_characters(node: Node) -> CharacterSet:
    """The characters that a match of the node can begin with."""
    match node:
        case Characters(allowed):
            return allowed
        case Concatenation(items):
            found = _NOTHING
            for item in items:
                found = found.union(first_characters(item))
                if not may_be_empty(item):
                    break
            return found
        case Alternation(branches):
            found = _NOTHING
            for branch in branches:
                found = found.union(first_characters(branch))
            return found
        case Repeat(item=item) | Capture(item=item):
            return first_characters(item)
        case BackReference():
            return _ANYTHING
    return _NOTHING
