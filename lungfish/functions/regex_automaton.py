"""Running a regular expression's program over a text, in time that grows with the text and not faster.

All threads go side by side, one character at a time (R. Pike's simulation). Which sets of threads follow from which on
which character is remembered, so that most steps are one look into a dictionary: a deterministic automaton, made as far as texts ask for
it (A. Aho et al., Compilers, section 3.7; R. Cox, Regular Expression Matching in the Wild, 2010).

Whether a place between two characters is an end depends on both of them (\\y, $), so a step with the character behind the place
tells it: `State.is_end_before` is about the place before the character that led to the state.

Several threads of the process may run one automaton: they only ever add entries, each of which any of them would have made alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lungfish.functions.interrupts import check_interrupts
from lungfish.functions.regex_program import (
    LOOK,
    MATCH,
    STEP,
    Instruction,
    Program,
    assertion_holds,
    side_of,
)
from lungfish.functions.regex_syntax import Look

# Steps between two looks at whether the statement is to stop: about a millisecond.
_PIECE = 8_192
# States and entries kept of one automaton; then it is begun anew.
_STATES_MAX = 4_096
_THREADS_MAX = 1_000_000
_EDGES_MAX = 50_000

# A character, or with look-arounds a character and the bits of those that hold before (reading backwards: behind) it.
Symbol = str | tuple[str, int]


class State:
    """Threads that wait for the next character."""

    __slots__ = ("by_colour", "edges", "is_end_before", "side", "threads")

    def __init__(self, threads: frozenset[int], side: int, *, is_end_before: bool) -> None:
        self.threads = threads
        # What was read last.
        self.side = side
        self.is_end_before = is_end_before
        self.edges: dict[Symbol, State] = {}
        self.by_colour: dict[tuple[int, int, int], State] = {}


class Automaton:
    """A program with the states that have been met. `is_searching`: a match may begin at every place."""

    def __init__(
        self,
        program: Program,
        *,
        is_backward: bool,
        is_searching: bool = False,
        newline_is_anchor: bool = False,
    ) -> None:
        self._program = program
        self._is_backward = is_backward
        self._is_searching = is_searching
        self._newline_is_anchor = newline_is_anchor
        self._states: dict[tuple[frozenset[int], int, bool], State] = {}
        self._thread_count = self._edge_count = 0

    def ends(self, text: Subject, start: int, stop: int) -> Iterator[int]:
        """The places up to `stop` where a match ends that begins at `start`, in the order of reading.

        Backwards `start` is the right end, and the places found are left ends.
        """
        if self._is_backward:
            symbols, last = text.backward, stop - 1
            piece, shift, step = -_PIECE, -1, -1
        else:
            symbols, last = text.forward, stop
            piece, shift, step = _PIECE, 0, 1
        state = self._first(text.side(start, is_before=not self._is_backward))
        place = start + shift
        while place != last:
            check_interrupts()
            until = max(place + piece, last) if piece < 0 else min(place + piece, last)
            for index in range(place, until, step):
                symbol = symbols[index]
                state = state.edges.get(symbol) or self._step(state, symbol)
                if state.is_end_before:
                    yield index - shift
                if not state.threads:
                    return
            place = until
        if self._step(state, text.symbol(stop, is_backward=self._is_backward)).is_end_before:
            yield stop

    def _first(self, side: int) -> State:
        if not self._program.has_assertions:
            side = 0
        return self._state(frozenset((self._program.start,)), side, is_end_before=False)

    def _state(self, threads: frozenset[int], side: int, *, is_end_before: bool) -> State:
        key = (threads, side, is_end_before)
        found = self._states.get(key)
        if found is None:
            if len(self._states) >= _STATES_MAX or self._thread_count > _THREADS_MAX:
                self._forget()
            found = self._states[key] = State(threads, side, is_end_before=is_end_before)
            self._thread_count += len(threads)
        return found

    def _forget(self) -> None:
        """Begin anew; who still runs over old states makes the rest of them for itself."""
        self._states = {}
        self._thread_count = self._edge_count = 0

    def _step(self, state: State, symbol: Symbol) -> State:
        """The state that a symbol leads to; its place in the automaton is remembered."""
        check_interrupts()
        program = self._program
        character, looks = (symbol, 0) if isinstance(symbol, str) else symbol
        looks &= program.look_mask
        side = side_of(character) if program.has_assertions else 0
        colour = program.colour(character) if character else -1
        key = (colour, side, looks)
        found = state.by_colour.get(key)
        if found is None:
            found = state.by_colour[key] = self._follow(state, colour, side, looks)
        if self._edge_count >= _EDGES_MAX:
            self._forget()
        self._edge_count += 1
        state.edges[symbol] = found
        return found

    def _follow(self, state: State, colour: int, side: int, looks: int) -> State:
        before, after = (side, state.side) if self._is_backward else (state.side, side)

        def holds(instruction: Instruction) -> bool:
            if instruction.kind == LOOK:
                return bool(looks >> instruction.number & 1)
            return assertion_holds(
                instruction.assertion, before, after, newline_is_anchor=self._newline_is_anchor
            )

        program = self._program
        instructions = program.instructions
        threads = set()
        is_end = False
        for place in program.reach(state.threads, holds):
            instruction = instructions[place]
            if instruction.kind == STEP:
                if colour >= 0 and colour >> instruction.number & 1:
                    threads.add(instruction.first)
            elif instruction.kind == MATCH:
                is_end = True
        if self._is_searching and colour >= 0:
            threads.add(program.start)
        return self._state(frozenset(threads), side, is_end_before=is_end)


class Subject:
    """A text as automata read it, with the truth of each look-around at each of its places."""

    def __init__(self, text: str) -> None:
        self.text = text
        # At index p: what a step over the character behind place p reads, forwards; backwards that of place p + 1.
        self.forward: Sequence[Symbol] = text
        self.backward: Sequence[Symbol] = text
        self._looks: list[int] | None = None

    def side(self, place: int, *, is_before: bool) -> int:
        """What stands on one side of a place."""
        if is_before:
            return side_of(self.text[place - 1] if place else "")
        return side_of(self.text[place : place + 1])

    def symbol(self, place: int, *, is_backward: bool) -> Symbol:
        """What stands next to a place in the direction of reading; the empty text at the end."""
        character = (
            self.text[max(place - 1, 0) : place] if is_backward else self.text[place : place + 1]
        )
        return character if self._looks is None else (character, self._looks[place])

    def look(self, number: int, look: Look, automaton: Automaton) -> None:
        """Find where a look-around holds; `automaton` searches for what it looks at, away from where it looks to.

        The look-arounds inside of it come first.
        """
        length = len(self.text)
        bits = self._looks or [0] * (length + 1)
        start, stop = (0, length) if look.is_behind else (length, 0)
        found = [look.is_negated] * (length + 1)
        for place in automaton.ends(self, start, stop):
            found[place] = not look.is_negated
        self._looks = [known | one << number for known, one in zip(bits, found, strict=True)]
        self.forward = list(zip(self.text, self._looks, strict=False))
        self.backward = list(zip(self.text, self._looks[1:], strict=True))
