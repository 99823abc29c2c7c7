"""Literals lifted out of a statement's text, so that statements that differ only in them share one plan.

    select a from t where id = 7   ->   select a from t where id = $1   and   (INTEGER, "7")

A pass over the text that must cost far less than a parse (at most 8 us for a short statement), so it knows no grammar and
is shy instead: whatever it does not recognise as safe stays as it is, and many texts are not touched at all. The rules:

1. Only SELECT, INSERT, UPDATE, DELETE, VALUES and WITH; one short statement; no comments, no placeholders of its own.
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
from lungfish.sql.quoting import COMMON_WORDS
from lungfish.types.keywords import KEYWORDS

_STARTS = re.compile(r"\s*(?:select|insert|update|delete|values|with)\b", re.IGNORECASE)

# A longer text is bulk data or a report; neither comes again with other literals in the same places.
_LENGTH_MAX = 4_000

# A token with the space before it: word, number, string, operator run, or one character. Joined they are the text.
_TOKENS = re.compile(
    r"""\s*(?:[A-Za-z_]\w*
      | \d+(?:\.\d*)?(?:[eE][+-]?\d+)? | \.\d+(?:[eE][+-]?\d+)?
      | '(?:[^']|'')*' | "(?:[^"]|"")*"
      | [+\-*/<>=~!@\#%^&|`]+ | :: | \S)""",
    re.VERBOSE,
)


# The kinds of token: plain integers from 1, because the hot loop compares them and tests them for truth.
_NAME = 1
# A keyword behind which an expression, or a parenthesis with expressions, begins; the second also ends what BY began.
_OPENER = 2
_ENDING_OPENER = 3
# A keyword behind which a parenthesis holds a query, a join or rows.
_QUERY_OPENER = 4
_BY = 5
_KEYWORD = 6
_ENDING_KEYWORD = 7
# A word that forbids all lifting (rule 2).
_REFUSED = 8
_NUMBER = 9
_STRING = 10
# Operators; _INFIX are those that cannot stand in front of their only operand.
_INFIX = 11
_PLUS = 12
_MINUS = 13
_OPERATOR = 14
_COMMA = 15
_OPEN = 16
_BRACKET = 17
_CLOSE = 18
_SEMICOLON = 19
_DOT = 20
# Opens an expression where it is the operator, behind an operand; else it may be a name.
_BETWEEN = 21
# A quoted name, a cast, ...
_OTHER = 22

_WORDS_OF_KIND = {
    _OPENER: "all and any else ilike in like not on or select some then when",
    _ENDING_OPENER: "except having intersect limit offset returning union where",
    _QUERY_OPENER: "as exists from join lateral materialized values",
    _BETWEEN: "between",
    _BY: "by",
    _ENDING_KEYWORD: "fetch for range rows window",
    _REFUSED: "conflict distinct group",
    _INFIX: "= <> != < > <= >= * / % ||",
    _PLUS: "+",
    _MINUS: "-",
    _COMMA: ",",
    _OPEN: "(",
    _BRACKET: "[",
    _CLOSE: ") ]",
    _SEMICOLON: ";",
    _DOT: ".",
}


def _known_tokens() -> dict[str, int]:
    """The kind of each keyword and operator, in the ways that most people type them."""
    kinds: dict[str, int] = dict.fromkeys(KEYWORDS | COMMON_WORDS, _KEYWORD)
    for kind, words in _WORDS_OF_KIND.items():
        kinds.update(dict.fromkeys(words.split(), kind))
    kinds.update({word.upper(): kind for word, kind in kinds.items()})
    kinds.update({f" {word}": kind for word, kind in kinds.items()})
    return kinds


# Grows by the words that statements use, up to a bound: the names of a schema are few.
_KINDS = _known_tokens()
_KNOWN_TOKENS_MAX = 10_000
_DIGITS = frozenset("0123456789.")

_INTEGER, _DECIMAL, _STRING_LITERAL = (
    Literal.Kind.INTEGER,
    Literal.Kind.DECIMAL,
    Literal.Kind.STRING,
)

# What may come at a point of the text.
_OPERAND_ENDED, _OPERAND_BEGINS, _QUERY_MAY_BEGIN, _UNSURE = range(4)


@dataclass(frozen=True, slots=True)
class LiftedText:
    """The text with `$n` for its literals, and these in order; their positions are those in the given text."""

    shape: str
    literals: tuple[Literal, ...]
    # The literals as they were written.
    sources: tuple[str, ...]

    @property
    def position_of(self) -> OffsetMap:
        """From an offset in the shape to the one in the given text."""
        return OffsetMap(
            [
                (literal.position, literal.position + len(source), len(f"${number}"))
                for number, (literal, source) in enumerate(
                    zip(self.literals, self.sources, strict=True), 1
                )
            ]
        )


def lift_literals(sql: str) -> LiftedText | None:
    """Lift the literals of one statement; None where nothing may be, or is to be, lifted."""
    if len(sql) > _LENGTH_MAX or _STARTS.match(sql) is None or not sql.isascii():
        return None
    if "$" in sql or "?" in sql or "--" in sql or "/*" in sql:
        return None
    tokens = _TOKENS.findall(sql)
    places = _find_places(tokens)
    if not places:
        return None
    pieces = list(tokens)
    literals = []
    sources = []
    for number, (first, last) in enumerate(places, 1):
        text = tokens[first] if first == last else tokens[first] + tokens[last]
        source = text.lstrip()
        space = len(text) - len(source)
        pieces[last] = ""
        pieces[first] = f"{text[:space]}${number}"
        literals.append(_literal(source, sum(map(len, tokens[:first])) + space))
        sources.append(source)
    return LiftedText("".join(pieces), tuple(literals), tuple(sources))


def _literal(text: str, position: int) -> Literal:
    if text[0] == "'":
        return Literal(_STRING_LITERAL, text[1:-1].replace("''", "'"), position)
    digits = text if text.isdigit() else "".join(text.split())
    if not digits.lstrip("-").isdigit():
        return Literal(_DECIMAL, digits, position)
    # As the parser has it: a number that fits 32 bits loses its leading zeros.
    value = int(digits)
    is_small = -(2**31) < value < 2**31
    return Literal(_INTEGER, str(value) if is_small else digits, position)


def _kind_of(token: str) -> int:
    """The kind of a token that is not in the table as it stands."""
    text = token.lstrip()
    first = text[0]
    if first == "'" and len(text) > 1:
        return _STRING
    if first in _DIGITS and text != ".":
        return _NUMBER
    if first.isalpha() or first == "_":
        kind = _KINDS.get(text.lower(), _NAME)
        if len(_KINDS) < _KNOWN_TOKENS_MAX:
            _KINDS[token] = kind
        return kind
    if first in "+-*/<>=~!@#%^&|`":
        return _KINDS.get(text, _OPERATOR)
    return _KINDS.get(text, _OTHER)


# Hot: runs for every text that the plan cache does not hold. One loop over the tokens with locals only; its benchmark is
# bench/sql_text.py.
def _find_places(tokens: list[str]) -> list[tuple[int, int]]:
    """The literals to lift, each as its first and last token (a sign is its own token)."""
    kinds = _KINDS
    places: list[tuple[int, int]] = []
    # Of each enclosing parenthesis: whether literals in it may be lifted, and whether we are behind BY; then the same here.
    outer: list[tuple[bool, bool]] = []
    may_lift, is_behind_by = True, False
    state, kind = _UNSURE, _KEYWORD
    # The token of the unary minus that a number would be folded into; -1 for none.
    minus = -1
    for index, token in enumerate(tokens):
        previous_kind = kind
        kind = kinds.get(token) or _kind_of(token)
        if previous_kind == _DOT:
            kind = _NAME  # Of a table's column or its star, whatever else the word means.
        if previous_kind == _SEMICOLON or kind == _REFUSED:
            return []
        if places and places[-1][1] == index - 1 and not _may_follow(tokens, places[-1], kind):
            places.pop()
        if kind in (_NAME, _OTHER, _DOT):
            state = _OPERAND_ENDED
        elif kind == _COMMA:
            state = _OPERAND_BEGINS
        elif kind in (_NUMBER, _STRING):
            if state == _OPERAND_BEGINS and may_lift and not is_behind_by:
                first = minus if minus >= 0 and kind == _NUMBER else index
                if _may_precede(tokens, first):
                    places.append((first, index))
            state = _OPERAND_ENDED
        elif kind >= _INFIX and kind <= _OPERATOR:
            state, minus = _behind_operator(kind, index, state, minus)
            continue
        elif kind == _OPEN:
            outer.append((may_lift, is_behind_by))
            # Of -(5) the sign is folded too, so nothing in such a parenthesis is lifted.
            begins = state in (_OPERAND_BEGINS, _QUERY_MAY_BEGIN)
            may_lift = may_lift and not is_behind_by and begins and minus < 0
            is_behind_by, state = False, _OPERAND_BEGINS
        elif kind == _BRACKET:
            outer.append((may_lift, is_behind_by))
            may_lift = False
        elif kind == _CLOSE:
            if outer:
                may_lift, is_behind_by = outer.pop()
            state = _OPERAND_ENDED
        else:
            state = _behind_keyword(kind, state)
            is_behind_by = kind == _BY or (
                is_behind_by and kind not in (_ENDING_OPENER, _ENDING_KEYWORD)
            )
        minus = -1
    return places


def _behind_keyword(kind: int, state: int) -> int:
    if kind in (_OPENER, _ENDING_OPENER) or (kind == _BETWEEN and state == _OPERAND_ENDED):
        return _OPERAND_BEGINS
    return _QUERY_MAY_BEGIN if kind == _QUERY_OPENER else _UNSURE


def _behind_operator(kind: int, index: int, state: int, minus: int) -> tuple[int, int]:
    """The state behind an operator, and the unary minus that takes in a number behind it."""
    if kind == _INFIX:
        return _OPERAND_BEGINS, -1
    if kind == _OPERATOR or minus >= 0:
        return _UNSURE, -1
    if state == _OPERAND_ENDED:
        return _OPERAND_BEGINS, -1
    if state == _OPERAND_BEGINS:
        return _OPERAND_BEGINS, index if kind == _MINUS else -1
    return _UNSURE, -1


def _may_precede(tokens: list[str], first: int) -> bool:
    """Whether `$n` may stand where the literal does: `and'x'` would become the name and$1."""
    if tokens[first][0].isspace() or first == 0:
        return True
    last = tokens[first - 1][-1]
    return not (last.isalnum() or last == "_")


def _may_follow(tokens: list[str], place: tuple[int, int], kind: int) -> bool:
    """Whether the literal stays what it is with the token behind it, which is of this kind."""
    first, last = place
    following = tokens[last + 1]
    if kind == _STRING:
        return False
    if first != last and kind in (_OTHER, _DOT, _BRACKET):
        # -5::int is -(5::int), and a subscript or a field binds as tightly.
        return False
    return following[0].isspace() or not (following[0].isalnum() or following[0] in "_.")
