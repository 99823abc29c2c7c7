"""Whether an expression leaves no choice, so that every way of matching it finds the same.

Then the first match that Python's `re` tries is PostgreSQL's, groups and all (one-unambiguous expressions: A. Brüggemann-Klein and
D. Wood, 1998).
"""

from __future__ import annotations

import functools

from lungfish.functions.regex_classes import CharacterSet, negate
from lungfish.functions.regex_syntax import (
    Alternation,
    BackReference,
    Capture,
    Characters,
    Concatenation,
    Look,
    Node,
    Repeat,
)


def is_deterministic(tree: Node) -> bool:
    """Whether there is never a choice, and every group is found anew in each round of a repetition."""
    return _Choices().are_none(tree) and not _has_fickle_groups(tree, is_repeated=False)


def children_of(node: Node) -> tuple[Node, ...]:
    """The nodes right below."""
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
    return any(_has_fickle_groups(child, is_repeated=is_repeated) for child in children_of(node))


def _group_numbers(node: Node) -> set[int]:
    own = {node.number} if isinstance(node, Capture) else set()
    return own.union(*(map(_group_numbers, children_of(node))))


NOTHING = CharacterSet(())
_ANYTHING = negate(NOTHING)


class _Choices:
    """Looks for choices. There is none where, at every place where the match may go one way or another, the next character decides; where all
    repetitions prefer long; and where no repetition's item can be empty.
    """

    def are_none(self, node: Node) -> bool:
        """Whether the whole expression leaves none."""
        return self._check(node, NOTHING)

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
        seen = NOTHING
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
        if node.prefers_long is False:
            return False
        if may_be_empty(node.item) and (node.maximum != node.minimum or refers(node.item)):
            return False
        first = first_characters(node.item)
        if node.minimum != node.maximum and first.intersects(following):
            return False
        again = first if node.maximum is None or node.maximum > 1 else NOTHING
        return self._check(node.item, again.union(following))


def refers(node: Node) -> bool:
    """Whether there is a back reference in it."""
    return isinstance(node, BackReference) or any(map(refers, children_of(node)))


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
            found = NOTHING
            for item in items:
                found = found.union(first_characters(item))
                if not may_be_empty(item):
                    break
            return found
        case Alternation(branches):
            found = NOTHING
            for branch in branches:
                found = found.union(first_characters(branch))
            return found
        case Repeat(item=item) | Capture(item=item):
            return first_characters(item)
        case BackReference():
            return _ANYTHING
    return NOTHING
