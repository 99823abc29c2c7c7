"""Regular expressions as nondeterministic automata (K. Thompson, Regular Expression Search Algorithm, CACM 1968).

A program is a list of instructions; a thread of the match stands at one of them:

    step        take a character of a set, go to `first`
    split       go to `first` and to `second`
    assertion   go to `first` if the place between two characters is of a kind
    look        go to `first` if a look-around, whose truth at every place is known, holds here
    match       the end

Repetitions are written out, as often as they have to be. A program may be made for reading backwards: then it matches the texts
turned around, and "before" and "after" a place are still those of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lungfish.functions.alphabetic import is_in_word
from lungfish.functions.regex_classes import CharacterSet
from lungfish.functions.regex_syntax import (
    Alternation,
    Assertion,
    BackReference,
    Capture,
    Characters,
    Concatenation,
    Look,
    Node,
    Repeat,
    regex_error,
)

# More than that PostgreSQL has no room for either.
_INSTRUCTIONS_MAX = 100_000

STEP, SPLIT, ASSERTION, LOOK, MATCH = range(5)

# What stands beside a place.
EDGE, NEWLINE, WORD, OTHER = range(4)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One of the above. `number`: of the set for a step, of the look-around for a look."""

    kind: int
    first: int = -1
    second: int = -1
    number: int = -1
    assertion: str = ""


@dataclass(slots=True)
class Program:
    """An automaton. The colour of a character has the bit of every set that it is in (Spencer's colour maps)."""

    instructions: list[Instruction]
    start: int
    sets: tuple[CharacterSet, ...]
    has_assertions: bool
    # The bits of the look-arounds that it asks for.
    look_mask: int
    _colours: dict[str, int] = field(default_factory=dict)

    def colour(self, character: str) -> int:
        """The sets that the character is in, as bits."""
        found = self._colours.get(character)
        if found is None:
            found = 0
            for number, characters in enumerate(self.sets):
                if characters.contains(character):
                    found |= 1 << number
            self._colours[character] = found
        return found

    def reach(self, threads: Iterable[int], holds: Callable[[Instruction], bool]) -> set[int]:
        """All instructions that threads come to without taking a character."""
        instructions = self.instructions
        seen: set[int] = set()
        waiting = list(threads)
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            instruction = instructions[place]
            kind = instruction.kind
            if kind == SPLIT:
                waiting.append(instruction.first)
                waiting.append(instruction.second)
            elif kind in (ASSERTION, LOOK) and holds(instruction):
                waiting.append(instruction.first)
        return seen


def side_of(character: str) -> int:
    """What a place has beside it; the empty text stands for the end of the text."""
    if not character:
        return EDGE
    if character == "\n":
        return NEWLINE
    return WORD if is_in_word(character) or character == "_" else OTHER


def assertion_holds(kind: str, before: int, after: int, *, newline_is_anchor: bool) -> bool:
    """Whether an assertion holds between two characters."""
    match kind:
        case "A":
            return before == EDGE
        case "Z":
            return after == EDGE
        case "^":
            return before == EDGE or (newline_is_anchor and before == NEWLINE)
        case "$":
            return after == EDGE or (newline_is_anchor and after == NEWLINE)
        case "m":
            return after == WORD and before != WORD
        case "M":
            return before == WORD and after != WORD
        case "y":
            return (before == WORD) is not (after == WORD)
    return (before == WORD) is (after == WORD)


def make_program(
    node: Node,
    *,
    groups: Mapping[int, Node],
    looks: Sequence[Look],
    is_backward: bool = False,
) -> Program:
    """The automaton of a tree. `groups`: what back references refer to; `looks`: the look-arounds by number.

    Raises InvalidRegularExpression (2201B) where it grows too large.
    """
    maker = _Maker(groups, looks, is_backward=is_backward)
    start = maker.add(node, maker.emit(Instruction(MATCH)))
    return Program(
        instructions=maker.instructions,
        start=start,
        sets=tuple(maker.set_numbers),
        has_assertions=any(item.kind == ASSERTION for item in maker.instructions),
        look_mask=sum({1 << item.number for item in maker.instructions if item.kind == LOOK}),
    )


class _Maker:
    def __init__(
        self, groups: Mapping[int, Node], looks: Sequence[Look], *, is_backward: bool
    ) -> None:
        self._groups = groups
        self._look_numbers = {id(look): number for number, look in enumerate(looks)}
        self._is_backward = is_backward
        self.instructions: list[Instruction] = []
        self.set_numbers: dict[CharacterSet, int] = {}

    def emit(self, instruction: Instruction) -> int:
        if len(self.instructions) >= _INSTRUCTIONS_MAX:
            raise regex_error("regular expression is too complex")
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def add(self, node: Node, following: int, *, is_free: bool = False) -> int:
        """Where the node begins, if after it comes `following`. `is_free`: without what it asserts, as back references are."""
        match node:
            case Characters(allowed):
                number = self.set_numbers.setdefault(allowed, len(self.set_numbers))
                return self.emit(Instruction(STEP, following, number=number))
            case Concatenation(items):
                for item in items if self._is_backward else reversed(items):
                    following = self.add(item, following, is_free=is_free)
                return following
            case Alternation(branches):
                starts = [self.add(branch, following, is_free=is_free) for branch in branches]
                found = starts[-1]
                for start in reversed(starts[:-1]):
                    found = self.emit(Instruction(SPLIT, start, found))
                return found
            case Repeat():
                return self._add_repeat(node, following, is_free=is_free)
            case Capture(item=item):
                return self.add(item, following, is_free=is_free)
            case BackReference(number):
                return self.add(self._groups[number], following, is_free=True)
        if is_free:
            return following
        if isinstance(node, Look):
            number = self._look_numbers[id(node)]
            return self.emit(Instruction(LOOK, following, number=number))
        assert isinstance(node, Assertion), "every other kind of node has its case"
        return self.emit(Instruction(ASSERTION, following, assertion=node.kind))

    def _add_repeat(self, node: Repeat, following: int, *, is_free: bool) -> int:
        item, found = node.item, following
        if node.maximum is None:
            loop = self.emit(Instruction(SPLIT))
            begin = self.add(item, loop, is_free=is_free)
            self.instructions[loop] = Instruction(SPLIT, begin, following)
            found = loop
        else:
            for _ in range(node.maximum - node.minimum):
                begin = self.add(item, found, is_free=is_free)
                found = self.emit(Instruction(SPLIT, begin, following))
        for _ in range(node.minimum):
            found = self.add(item, found, is_free=is_free)
        return found
