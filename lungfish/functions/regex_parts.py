"""What of a regular expression has to be taken apart to know where its groups are, and what each part prefers.

An automaton tells whether a text matches and where a match may end, not which part of it a group holds. So an expression is seen as a tree
of parts as Henry Spencer's engine, which PostgreSQL uses, forms it. What it forms shows in its answers: what has no groups, no back
references and no two preferences in it is one part, taken as long (or short) as it may be as a whole, however many pieces it has.

    plain       nothing to look for inside
    sequence    two parts: the first takes what it prefers, the second the rest
    choice      the first branch that fits
    rounds      one part again and again
    reference   the text of a group again

Preferences are bits: an expression with both has MIXED. Above, a sequence prefers what its first part with a preference does, a choice
prefers long, a repetition what its quantifier says, and x{m} what x does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lungfish.functions.regex_syntax import (
    Alternation,
    Assertion,
    BackReference,
    Capture,
    Concatenation,
    Look,
    Node,
    Repeat,
)

LONGER, SHORTER, MIXED, CAPTURES, REFERS = 1, 2, 4, 8, 16
_PREFERENCES = LONGER | SHORTER
_MESSY = MIXED | CAPTURES | REFERS


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part; it is told from others by its identity. `node` is what it matches."""

    kind: str
    node: Node
    flags: int
    children: tuple[Part, ...] = ()
    # The groups that are this part.
    numbers: tuple[int, ...] = ()
    # Of rounds and references.
    minimum: int = 1
    maximum: int | None = 1
    # The group that a reference is to.
    referred: int = 0
    # All groups in it.
    all_numbers: tuple[int, ...] = field(default=())

    @property
    def prefers_short(self) -> bool:
        return bool(self.flags & SHORTER)

    @property
    def refers(self) -> bool:
        """Whether an automaton alone cannot tell if it matches."""
        return bool(self.flags & REFERS)


def make_parts(node: Node) -> Part:
    """The parts of an expression."""
    match node:
        case Alternation(branches):
            children = tuple(map(make_parts, branches))
            flags = LONGER
            for child in children:
                flags |= _upward(flags | child.flags)
            if not flags & _MESSY:
                return Part("plain", node, flags)
            return _part("choice", node, flags, children)
        case Concatenation(items):
            return _sequence(items)
    return _sequence((node,))


def _part(kind: str, node: Node, flags: int, children: tuple[Part, ...]) -> Part:
    numbers = tuple(number for child in children for number in child.all_numbers)
    return Part(kind, node, flags, children, all_numbers=numbers)


def _upward(flags: int) -> int:
    """What the whole has of a part's flags."""
    mixed = MIXED if flags & LONGER and flags & SHORTER else 0
    return flags & _MESSY | mixed


def _combined(first: int, second: int) -> int:
    return _upward(first | second) | (first & _PREFERENCES or second & _PREFERENCES)


def _atom_of(item: Node) -> tuple[Node, int, int | None, int]:
    """What is repeated, how often at least and at most, and what the quantifier prefers."""
    if not isinstance(item, Repeat):
        return item, 1, 1, 0
    preference = {True: LONGER, False: SHORTER, None: 0}[item.prefers_long]
    return item.item, item.minimum, item.maximum, preference


def _sequence(items: tuple[Node, ...]) -> Part:
    """The parts of pieces one after the other: first as many as are one plain part, then the rest."""
    flags = 0
    for index, item in enumerate(items):
        if isinstance(item, (Assertion, Look)):
            continue
        atom_node, minimum, maximum, preference = _atom_of(item)
        if maximum == 0:
            continue
        is_special = isinstance(atom_node, (Capture, BackReference))
        atom = _make_atom(atom_node)
        together = flags | preference | atom.flags
        if not is_special and not _upward(together) & _MESSY:
            flags = together
            continue
        before = None if not index else Part("plain", Concatenation(items[:index]), flags)
        piece = _quantified(item, atom, (minimum, maximum), preference)
        return _joined(before, piece, items[index + 1 :], _combined(preference, atom.flags))
    return Part("plain", Concatenation(items), flags)


def _make_atom(node: Node) -> Part:
    match node:
        case Capture(number, item):
            inner = make_parts(item)
            return replace(
                inner,
                flags=inner.flags | CAPTURES,
                numbers=(*inner.numbers, number),
                all_numbers=(*inner.all_numbers, number),
            )
        case BackReference(number):
            return Part("reference", node, REFERS, referred=number)
        case Alternation() | Concatenation() | Repeat():
            return make_parts(node)
    return Part("plain", node, 0)


def _quantified(item: Node, atom: Part, bounds: tuple[int, int | None], preference: int) -> Part:
    minimum, maximum = bounds
    flags = _combined(preference, atom.flags)
    if isinstance(_atom_of(item)[0], BackReference):
        return replace(atom, node=item, minimum=minimum, maximum=maximum, flags=atom.flags | flags)
    own = atom.flags & (_PREFERENCES | MIXED)
    if bounds == (1, 1) and (not preference or not own or preference == own):
        return atom
    if not atom.flags & (CAPTURES | REFERS):
        return Part("plain", item, flags)
    if minimum and not atom.flags & REFERS:
        # Only what the last round captures counts: the rounds before it need no looking into.
        less = None if maximum is None else maximum - 1
        rounds = Repeat(atom.node, minimum - 1, less, prefers_long=None)
        before = Part("plain", rounds, flags & _PREFERENCES)
        return _part("sequence", item, flags, (before, atom))
    found = _part("rounds", item, flags, (atom,))
    return replace(found, minimum=minimum, maximum=maximum)


def _joined(before: Part | None, piece: Part, rest: tuple[Node, ...], flags: int) -> Part:
    """The plain part before, the piece, and what follows; `flags`: of the piece as its quantifier has it."""
    top_flags = 0 if before is None else before.flags
    if not rest:
        if before is None:
            return piece
        top_flags |= _combined(top_flags, piece.flags)
        return _pair(before, piece, top_flags)
    following = _sequence(rest)
    flags |= _combined(flags, following.flags)
    top_flags |= _combined(top_flags, flags)
    if before is None:
        return _pair(piece, following, top_flags)
    both = piece.flags | following.flags
    if piece.kind == following.kind == "plain" and not _upward(both) & _MESSY:
        node = Concatenation((piece.node, following.node))
        after = Part("plain", node, _combined(piece.flags, following.flags))
    else:
        after = _pair(piece, following, flags)
    return _pair(before, after, top_flags)


def _pair(first: Part, second: Part, flags: int) -> Part:
    return _part("sequence", Concatenation((first.node, second.node)), flags, (first, second))
