"""Literals lifted out of a statement's text, so that statements that differ only in them share one plan.

    select a from t where id = 7   ->   select a from t where id = $1   and   (INTEGER, "7")

A pass over the text that must cost far less than a parse (at most 8 us for a short statement), so it knows no grammar and
is shy instead: whatever it does not recognise as safe stays as it is, and many texts are not touched at all. The rules:

1. Only SELECT, INSERT, UPDATE, DELETE, VALUES and WITH; one statement; no comments, no placeholders of its own.
2. Never where a constant means something by being one: ordinals and expressions behind BY; anything in a text with
   GROUP, DISTINCT or CONFLICT, where expressions are compared with each other or with an index; arguments of calls
   (which takes in type modifiers and EXTRACT); subscripts; typed literals such as DATE '2020-01-01'.
3. A literal is lifted only behind a comparison, arithmetic or concatenation operator, an opening parenthesis, a comma or
   a keyword after which an expression begins. A minus sign in front goes with the number only where PostgreSQL folds it.
4. Strings with a prefix (E, B, X, N, U&) and numbers that are not plain decimal stay.

What is promised, and tested: parse(shape), with its parameters replaced by the literals, equals parse(text).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lungfish.sql.ast.expressions import Literal
from lungfish.sql.offsets import OffsetMap
from lungfish.sql.quoting import COMMON_WORDS, KEYWORDS

_STARTS = re.compile(r"\s*(?:select|insert|update|delete|values|with)\b", re.IGNORECASE)
# A text with one of these words is left alone (rule 2).
_REFUSED_WORDS = frozenset({"group", "distinct", "conflict"})

# The groups are told apart by number, which is fast.
_TOKEN = re.compile(
    r"""([A-Za-z_]\w*)
      | (\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
      | ('(?:[^']|'')*')
      | ([+\-*/<>=~!@\#%^&|`]+)
      | ([(\[])
      | \s+
      | ("(?:[^"]|"")*"|::|.)""",
    re.VERBOSE | re.DOTALL,
)
_WORD, _NUMBER, _STRING, _OPERATOR, _OPENING, _OTHER = range(1, 7)

_SIGNS = frozenset({"+", "-"})
# Operators that cannot stand in front of their only operand.
_INFIX = frozenset({"=", "<>", "!=", "<", ">", "<=", ">=", "*", "/", "%", "||"})
# Keywords behind which an expression, or a parenthesis with expressions, begins.
_OPENERS = frozenset(
    [
        "all",
        "and",
        "any",
        "between",
        "else",
        "except",
        "having",
        "ilike",
        "in",
        "intersect",
        "like",
        "limit",
        "not",
        "offset",
        "on",
        "or",
        "returning",
        "select",
        "some",
        "then",
        "union",
        "values",
        "when",
        "where",
    ]
)
# Keywords behind which a parenthesis holds a query or a join.
_QUERY_OPENERS = frozenset({"as", "exists", "from", "join", "lateral", "materialized"})
# Keywords that end what BY began.
_BY_ENDERS = frozenset(
    [
        "except",
        "fetch",
        "for",
        "having",
        "intersect",
        "limit",
        "offset",
        "range",
        "returning",
        "rows",
        "union",
        "where",
        "window",
    ]
)
_OTHER_KEYWORDS = (KEYWORDS | COMMON_WORDS) - _OPENERS - _QUERY_OPENERS

# What may come at a point of the text.
_OPERAND_ENDED, _OPERAND_BEGINS, _QUERY_MAY_BEGIN, _UNSURE = range(4)

_INTEGER, _DECIMAL, _STRING_KIND = Literal.Kind.INTEGER, Literal.Kind.DECIMAL, Literal.Kind.STRING


@dataclass(frozen=True, slots=True)
class LiftedText:
    """The text with `$n` for its literals, and these in order; their positions are those in the given text."""

    shape: str
    literals: tuple[Literal, ...]
    # Where each literal stood: start and end in the given text, and the length of its `$n`.
    spans: tuple[tuple[int, int, int], ...]

    @property
    def position_of(self) -> OffsetMap:
        """From an offset in the shape to the one in the given text."""
        return OffsetMap(self.spans)


def lift_literals(sql: str) -> LiftedText | None:
    """Lift the literals of one statement; None where nothing may be, or is to be, lifted."""
    if _STARTS.match(sql) is None or not sql.isascii():
        return None
    if "$" in sql or "?" in sql or "--" in sql or "/*" in sql:
        return None
    places = _find_places(sql)
    if not places:
        return None
    pieces: list[str] = []
    literals = []
    spans = []
    taken = 0
    for number, (start, end, group) in enumerate(places, 1):
        placeholder = f"${number}"
        pieces += (sql[taken:start], placeholder)
        literals.append(_literal(sql[start:end], group, start))
        spans.append((start, end, len(placeholder)))
        taken = end
    pieces.append(sql[taken:])
    return LiftedText("".join(pieces), tuple(literals), tuple(spans))


def _literal(text: str, group: int, position: int) -> Literal:
    if group == _STRING:
        return Literal(_STRING_KIND, text[1:-1].replace("''", "'"), position)
    digits = "".join(text.split())
    if not digits.lstrip("-").isdigit():
        return Literal(_DECIMAL, digits, position)
    # As the parser has it: a number that fits 32 bits loses its leading zeros.
    value = int(digits)
    return Literal(_INTEGER, str(value) if -(2**31) < value < 2**31 else digits, position)


# Hot: runs for every text that the plan cache does not hold. One loop over the tokens, locals only; the benchmark is
# tests/sql/test_normalize.py.
def _find_places(sql: str) -> list[tuple[int, int, int]]:
    """The places of the literals to lift: (start, end, group)."""
    places: list[tuple[int, int, int]] = []
    # Of each enclosing parenthesis: whether literals in it may be lifted, and whether we are behind BY; then the same here.
    outer: list[tuple[bool, bool]] = []
    may_lift, is_behind_by = True, False
    state = _UNSURE
    # Where the unary minus stands that a number would be folded into; -1 for none.
    minus = -1
    # Whether the last token is a literal to be lifted, if what follows permits.
    is_held = False
    for match in _TOKEN.finditer(sql):
        group = match.lastindex
        if group is None:
            continue
        start, text = match.start(), match.group()
        if is_held:
            is_held = False
            if not _may_follow(places[-1], group, start, text, sql):
                places.pop()
        if group == _WORD:
            word = text.lower()
            if word in _REFUSED_WORDS:
                return []
            state, minus = _state_behind(word), -1
            if word == "by":
                is_behind_by = True
            elif word in _BY_ENDERS:
                is_behind_by = False
        elif group == _OTHER:
            if text == ",":
                state = _OPERAND_BEGINS
            elif text == ";":
                return [] if sql[match.end() :].strip() else places
            else:
                state = _OPERAND_ENDED
                if outer and text in (")", "]"):
                    may_lift, is_behind_by = outer.pop()
            minus = -1
        elif group == _OPERATOR:
            state, minus = _state_behind_operator(text, start, state, minus)
        elif group == _OPENING:
            outer.append((may_lift, is_behind_by))
            # Of -(5) the sign is folded too, so nothing behind such a parenthesis is lifted.
            may_lift = may_lift and not is_behind_by and text == "(" and minus < 0
            may_lift = may_lift and state in (_OPERAND_BEGINS, _QUERY_MAY_BEGIN)
            is_behind_by = False
            state, minus = _OPERAND_BEGINS, -1
        else:
            if state == _OPERAND_BEGINS and may_lift and not is_behind_by:
                if group == _NUMBER and minus >= 0:
                    start = minus
                # `and'x'` would become the name and$1.
                if not (sql[start - 1].isalnum() or sql[start - 1] == "_"):
                    places.append((start, match.end(), group))
                    is_held = True
            state, minus = _OPERAND_ENDED, -1
    return places


def _state_behind(word: str) -> int:
    if word in _OPENERS:
        return _OPERAND_BEGINS
    if word in _QUERY_OPENERS:
        return _QUERY_MAY_BEGIN
    return _UNSURE if word in _OTHER_KEYWORDS else _OPERAND_ENDED


def _state_behind_operator(text: str, start: int, state: int, minus: int) -> tuple[int, int]:
    """The state behind an operator, and the place of a unary minus that takes in a number behind it."""
    if text in _INFIX:
        return _OPERAND_BEGINS, -1
    if text not in _SIGNS or minus >= 0:
        return _UNSURE, -1
    if state == _OPERAND_ENDED:
        return _OPERAND_BEGINS, -1
    if state == _OPERAND_BEGINS:
        return _OPERAND_BEGINS, start if text == "-" else -1
    return _UNSURE, -1


def _may_follow(place: tuple[int, int, int], group: int, start: int, text: str, sql: str) -> bool:
    """Whether the literal at `place` stays what it is with this token behind it."""
    if group == _STRING:
        return False
    if start == place[1] and group in (_WORD, _NUMBER):
        return False
    # -5::int is -(5::int), and a subscript or field binds as tightly.
    return not (sql[place[0]] == "-" and text in ("::", "[", "."))
