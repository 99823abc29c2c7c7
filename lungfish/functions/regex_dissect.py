"""Where the groups of a match are: the parts of `regex_parts.py` laid out over the text of the match.

Each part has automata that tell where it can end that begins at a place, and where it can begin that ends at one. So for a
sequence the places are found where its first part can end and its second can go on to the end of the match, of which the first part's
preference chooses. Without back references the choice always holds, and the work grows with the text for each part (for rounds, with the
text for each round). Where back references are, an automaton only knows what their groups could hold: then a choice may have to be
taken back, which can take exponential time, as it does in PostgreSQL; the statement can be stopped meanwhile.

After H. Spencer's `cdissect` as PostgreSQL has it, which finds by one end after the other what is found by sets of ends here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lungfish.functions.interrupts import check_interrupts
from lungfish.functions.regex_automaton import Automaton, Subject
from lungfish.functions.regex_parts import Part
from lungfish.functions.regex_program import make_program
from lungfish.functions.regex_syntax import Look, Node, Repeat

Span = tuple[int, int]


class Automata:
    """The automata of one expression's parts, made when they are first asked for."""

    def __init__(
        self, groups: Mapping[int, Node], looks: Sequence[Look], *, newline_is_anchor: bool
    ) -> None:
        self._groups = groups
        self.looks = looks
        self._newline_is_anchor = newline_is_anchor
        # By the identity of the node, and how it is read.
        self._made: dict[tuple[object, ...], Automaton] = {}
        # Nodes that are in no tree: an identity is one only as long as its object lives.
        self._kept: list[Node] = []

    def of(self, node: Node, *, is_backward: bool = False, is_searching: bool = False) -> Automaton:
        """The automaton that reads a node's texts from one end."""
        key = (id(node), is_backward, is_searching)
        found = self._made.get(key)
        if found is None:
            program = make_program(
                node, groups=self._groups, looks=self.looks, is_backward=is_backward
            )
            found = self._made[key] = Automaton(
                program,
                is_backward=is_backward,
                is_searching=is_searching,
                newline_is_anchor=self._newline_is_anchor,
            )
        return found

    def rounds(self, part: Part, count: int | None) -> Automaton:
        """What reads at most so many rounds of a part backwards."""
        key = (id(part), "rounds", count)
        found = self._made.get(key)
        if found is None:
            node = Repeat(part.children[0].node, 0, count, prefers_long=None)
            self._kept.append(node)
            found = self._made[key] = self.of(node, is_backward=True)
        return found


class Dissection:
    """One match taken apart."""

    def __init__(
        self, automata: Automata, text: Subject, group_count: int, *, is_folded: bool
    ) -> None:
        self._automata = automata
        self._text = text
        self._is_folded = is_folded
        self.groups: list[Span | None] = [None] * (group_count + 1)

    def fits(self, part: Part, start: int, end: int) -> bool:
        """Lay the part out from `start` to `end`, where its automaton can go; False if a back reference forbids it."""
        inner, inner_start = part, start
        while inner.kind == "sequence" and not inner.refers:
            # The common case, without recursion: the first choice holds, and the second part ends where the whole does.
            first, second = inner.children
            middle = next(self._middles(first, second, inner_start, end))
            self.fits(first, inner_start, middle)
            self._set(inner, inner_start, end)
            inner, inner_start = second, middle
        if inner.refers:
            check_interrupts()
        if not self._fits_kind(inner, inner_start, end):
            return False
        self._set(inner, inner_start, end)
        return True

    def _fits_kind(self, part: Part, start: int, end: int) -> bool:
        match part.kind:
            case "reference":
                return self._fits_reference(part, start, end)
            case "sequence":
                return self._fits_sequence(part, start, end)
            case "choice":
                return any(
                    self._can_be(child, start, end) and self.fits(child, start, end)
                    for child in part.children
                )
            case "rounds":
                return self._fits_rounds(part, start, end)
        return True

    def _set(self, part: Part, start: int, end: int) -> None:
        for number in part.numbers:
            self.groups[number] = (start, end)

    def _clear(self, part: Part) -> None:
        for number in part.all_numbers:
            self.groups[number] = None

    def _can_be(self, part: Part, start: int, end: int) -> bool:
        return end in self._automata.of(part.node).ends(self._text, start, end)

    def _fits_sequence(self, part: Part, start: int, end: int) -> bool:
        first, second = part.children
        for middle in self._middles(first, second, start, end):
            if self.fits(first, start, middle) and self.fits(second, middle, end):
                return True
            self._clear(first)
            self._clear(second)
        return False

    def _middles(self, first: Part, second: Part, start: int, end: int) -> Iterator[int]:
        """Where the first part can end and the second begin, in the order of the first one's preference."""
        backward = self._automata.of(second.node, is_backward=True)
        begins = set(backward.ends(self._text, end, start))
        middles = self._automata.of(first.node).ends(self._text, start, end)
        if first.prefers_short:
            return (place for place in middles if place in begins)
        found = [place for place in middles if place in begins]
        return reversed(found)

    def _fits_reference(self, part: Part, start: int, end: int) -> bool:
        span = self.groups[part.referred]
        if span is None:
            return False
        length = span[1] - span[0]
        if not length or start == end:
            # Nothing, as often as one likes; or something, not at all.
            return start == end and (not length or part.minimum == 0)
        count, left = divmod(end - start, length)
        if left or count < part.minimum or (part.maximum is not None and count > part.maximum):
            return False
        text = self._text.text
        wanted, found = text[span[0] : span[1]] * count, text[start:end]
        return wanted == found or (self._is_folded and wanted.lower() == found.lower())

    # Rounds

    def _fits_rounds(self, part: Part, start: int, end: int) -> bool:
        """Divide the text among rounds: each in turn takes what it prefers, as far as those after it can do with the rest."""
        child = part.children[0]
        if start == end and not part.minimum and child.prefers_short:
            # Where a round prefers to be short, none is shorter than an empty one.
            return True
        minimum = max(part.minimum, 1)
        most = end - start if part.maximum is None else min(part.maximum, end - start)
        ways = [self._round_ends(part, start, end, (1, minimum, max(most, minimum)))]
        places = [start]
        while ways:
            check_interrupts()
            place = next(ways[-1], None)
            if place is None:
                ways.pop()
                places.pop()
                continue
            self._clear(child)
            if not self.fits(child, places[-1], place):
                continue
            if place == end:
                return True
            places.append(place)
            bounds = (len(places), minimum, max(most, minimum))
            ways.append(self._round_ends(part, place, end, bounds))
        self._clear(child)
        return start == end and not part.minimum

    def _round_ends(
        self, part: Part, start: int, end: int, bounds: tuple[int, int, int]
    ) -> Iterator[int]:
        """Where a round can end, in the order of its preference. `bounds`: its number, the least and the greatest number of rounds."""
        number, minimum, maximum = bounds
        left = maximum - number
        count = None if part.maximum is None else left
        reader = self._automata.rounds(part, count)
        begins = {end} if not left else set(reader.ends(self._text, end, start))
        child = part.children[0]

        def is_open(place: int) -> bool:
            if place == end:
                return number >= minimum
            # An empty round is one only to make up the number.
            is_idle = place == start and (number >= minimum or minimum - number < end - place)
            return place in begins and not is_idle

        places = self._automata.of(child.node).ends(self._text, start, end)
        if child.prefers_short:
            return filter(is_open, places)
        return reversed(list(filter(is_open, places)))
