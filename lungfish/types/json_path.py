"""SQL/JSON path expressions: text to a tree, and the tree as PostgreSQL writes it.

    [strict | lax] expression

An expression is a chain of accessors behind `$`, `@`, a literal or something in parentheses; arithmetic of such; or a
predicate. Precedence, lowest first: || && ! comparison + - * / % sign accessor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import NoReturn

from lungfish.errors import (
    FeatureNotSupported,
    InvalidTextRepresentation,
    StatementTooComplex,
    SyntaxError,
)
from lungfish.types.parse_numbers import parse_numeric

DEPTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, boolean or null."""

    value: str | Decimal | bool | None


@dataclass(frozen=True, slots=True)
class Start:
    """`$`, `@` or `last`."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """.key, or .* where `key` is None."""

    base: PathNode
    key: str | None


@dataclass(frozen=True, slots=True)
class Descent:
    """.**{first to last}; None is `last` for the deepest level."""

    base: PathNode
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class Element:
    """[from to to, ...], or [*] without ranges."""

    base: PathNode
    ranges: tuple[tuple[PathNode, PathNode | None], ...]


@dataclass(frozen=True, slots=True)
class Method:
    base: PathNode
    name: str
    arguments: tuple[PathNode, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    base: PathNode
    predicate: PathNode


@dataclass(frozen=True, slots=True)
class Sign:
    """+ or - before an expression."""

    operator: str
    operand: PathNode


@dataclass(frozen=True, slots=True)
class Infix:
    """Arithmetic, a comparison, && or ||, `starts with`."""

    operator: str
    left: PathNode
    right: PathNode


@dataclass(frozen=True, slots=True)
class Wrapped:
    """`!`, `exists` or `is unknown` of a predicate or expression."""

    kind: str
    operand: PathNode


@dataclass(frozen=True, slots=True)
class LikeRegex:
    operand: PathNode
    pattern: str
    flags: str


PathNode = (
    Literal | Start | Variable | Member | Descent | Element | Method | Filter | Sign | Infix | Wrapped
    | LikeRegex
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JsonPath:
    is_strict: bool
    root: PathNode


COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
# How many arguments a method may have, where it may have any.
_ARGUMENT_COUNTS = {
    "datetime": 1,
    "decimal": 2,
    "time": 1,
    "time_tz": 1,
    "timestamp": 1,
    "timestamp_tz": 1,
}
METHODS = frozenset(
    [
        "type",
        "size",
        "abs",
        "floor",
        "ceiling",
        "double",
        "datetime",
        "keyvalue",
        "bigint",
        "boolean",
        "date",
        "decimal",
        "integer",
        "number",
        "string",
        "time",
        "time_tz",
        "timestamp",
        "timestamp_tz",
    ]
)
_TOKEN = re.compile(
    r"""\s+ | /\*.*?\*/
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<number>0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|(?:(?:0|[1-9](?:_?\d)*)(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d+)?)
      | (?P<variable>\$(?:"(?:[^"\\]|\\.)*"|[\w\u0080-\uffff]+))
      | (?P<symbol>\*\*|&&|\|\||==|!=|<>|<=|>=|[$@?()\[\]{}.,*/%+\-<>!])
      | (?P<word>(?:[^\W\d]|[\u0080-\uffff]|\\.)(?:\w|[\u0080-\uffff]|\\.)*)""",
    re.VERBOSE | re.DOTALL,
)
# What makes a number no number: a digit or a letter right behind it.
_JUNK = re.compile(r"[A-Za-z0-9_\u0080-\uffff]")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL
)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@lru_cache(maxsize=512)
def parse_json_path(text: str) -> JsonPath:
    """The path that a text spells. Raises 42601."""
    return _Reader(text).read()


def _unescaped(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        for group in (1, 2, 3):
            if match[group] is not None:
                return chr(int(match[group], 16))
        return _LETTERS.get(match[4], match[4])

    joined = _ESCAPE.sub(plain, text)
    if any(0xD800 <= ord(character) < 0xE000 for character in joined):
        # Two escapes of four digits may be one character.
        return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        self.place = 0
        self.depth = 0
        # How many filters and subscripts are around the place: there `@` and `last` mean something.
        self.filter_depth = 0
        self.subscript_depth = 0
        # Of symbols out of their place, the first: told once all could be read.
        self.misplaced: SyntaxError | None = None
        self._split()

    def _split(self) -> None:
        at = 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if match is None:
                self._fail(self.text[at])
            if match.lastgroup == "number":
                self._refuse_junk(match)
            if match.lastgroup is not None:
                self.tokens.append((match.lastgroup, match[0]))
            at = match.end()

    def _refuse_junk(self, number: re.Match[str]) -> None:
        junk = _JUNK.match(self.text, number.end())
        if junk is not None:
            near = number[0] + junk[0]
            raise SyntaxError(
                f'trailing junk after numeric literal at or near "{near}" of jsonpath input'
            )

    def _fail(self, near: str | None = None) -> NoReturn:
        if near is None and self.place < len(self.tokens):
            near = self.tokens[self.place][1]
        if near is None:
            raise SyntaxError("syntax error at end of jsonpath input")
        raise SyntaxError(f'syntax error at or near "{near}" of jsonpath input')

    def _peek(self, ahead: int = 0) -> str:
        place = self.place + ahead
        return self.tokens[place][1] if place < len(self.tokens) else ""

    def _kind(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    def _take(self, *wanted: str) -> str | None:
        """The next token if it is one of these (a word in any case), else None."""
        token = self._peek()
        if self._kind() != "string" and token and token.lower() in wanted:
            self.place += 1
            return token.lower()
        return None

    def _require(self, wanted: str) -> None:
        if self._take(wanted) is None:
            self._fail()

    def read(self) -> JsonPath:
        if not self.tokens:
            raise InvalidTextRepresentation(
                f'invalid input syntax for type jsonpath: "{self.text}"'
            )
        mode = self._take("strict", "lax")
        root = self._or()
        if self.place < len(self.tokens):
            self._fail()
        if self.misplaced is not None:
            raise self.misplaced
        return JsonPath(mode == "strict", root)

    def _or(self) -> PathNode:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise StatementTooComplex("stack depth limit exceeded")
        left = self._and()
        while self._take("||"):
            left = Infix("||", left, self._and())
        self.depth -= 1
        return left

    def _and(self) -> PathNode:
        left = self._not()
        while self._take("&&"):
            left = Infix("&&", left, self._not())
        return left

    def _not(self) -> PathNode:
        if self._take("!"):
            return Wrapped("!", self._not())
        return self._comparison()

    def _comparison(self) -> PathNode:
        left = self._sum()
        operator = self._take(*COMPARISONS, "<>")
        if operator is not None:
            return Infix("!=" if operator == "<>" else operator, left, self._sum())
        if self._peek().lower() == "starts" and self._peek(1).lower() == "with":
            self.place += 2
            return Infix("starts with", left, self._primary())
        if self._take("like_regex"):
            pattern = self._string()
            flags = self._string() if self._take("flag") else ""
            if set(flags) - set("ismxq"):
                raise SyntaxError(
                    "invalid input syntax for type jsonpath",
                    detail=f'Unrecognized flag character "{(set(flags) - set("ismxq")).pop()}"'
                    " in LIKE_REGEX predicate.",
                )
            if "x" in flags and "q" not in flags:
                raise FeatureNotSupported(
                    'XQuery "x" flag (expanded regular expressions) is not implemented'
                )
            return LikeRegex(left, pattern, flags)
        return left

    def _string(self) -> str:
        if self._kind() != "string":
            self._fail()
        token = self._peek()
        self.place += 1
        return _unescaped(token[1:-1])

    def _sum(self) -> PathNode:
        left = self._product()
        while (operator := self._take("+", "-")) is not None:
            left = Infix(operator, left, self._product())
        return left

    def _product(self) -> PathNode:
        left = self._signed()
        while (operator := self._take("*", "/", "%")) is not None:
            left = Infix(operator, left, self._signed())
        return left

    def _signed(self) -> PathNode:
        operator = self._take("+", "-")
        if operator is None:
            return self._accessors(self._primary())
        operand = self._signed()
        if isinstance(operand, Literal) and isinstance(operand.value, Decimal):
            return operand if operator == "+" else Literal(-operand.value)
        return Sign(operator, operand)

    def _primary(self) -> PathNode:
        kind, token = self._kind(), self._peek()
        if kind == "string":
            return Literal(self._string())
        if kind == "number":
            self.place += 1
            return Literal(_number(token))
        if kind == "variable":
            self.place += 1
            name = token[1:]
            return Variable(_unescaped(name[1:-1]) if name[0] == '"' else name)
        symbol = self._take("$", "@", "last")
        if symbol is not None:
            if symbol == "@" and not self.filter_depth:
                self.misplaced = self.misplaced or SyntaxError(
                    "@ is not allowed in root expressions"
                )
            if symbol == "last" and not self.subscript_depth:
                self.misplaced = self.misplaced or SyntaxError(
                    "LAST is allowed only in array subscripts"
                )
            return Start(symbol)
        if self._take("("):
            return self._parenthesized()
        if self._take("exists"):
            self._require("(")
            operand = self._or()
            self._require(")")
            return Wrapped("exists", operand)
        word = self._take("true", "false", "null")
        if word is None:
            self._fail()
        return Literal({"true": True, "false": False}.get(word))

    def _parenthesized(self) -> PathNode:
        inner = self._or()
        self._require(")")
        if self._peek().lower() == "is" and self._peek(1).lower() == "unknown":
            self.place += 2
            return Wrapped("is unknown", inner)
        return inner

    def _accessors(self, node: PathNode) -> PathNode:
        while True:
            if self._take("."):
                node = self._member(node)
            elif self._take("["):
                node = self._element(node)
            elif self._take("?"):
                self._require("(")
                self.filter_depth += 1
                node = Filter(node, self._or())
                self.filter_depth -= 1
                self._require(")")
            else:
                return node

    def _member(self, base: PathNode) -> PathNode:
        if self._take("*"):
            return Member(base, None)
        if self._take("**"):
            return self._descent(base)
        if self._kind() == "string":
            return Member(base, self._string())
        if self._kind() != "word":
            self._fail()
        name = _unescaped(self._peek())
        self.place += 1
        if name in METHODS and self._take("("):
            return Method(base, name, self._arguments(name))
        return Member(base, name)

    def _arguments(self, method: str) -> tuple[PathNode, ...]:
        """What stands in a method's parentheses."""
        arguments: list[PathNode] = []
        count = _ARGUMENT_COUNTS.get(method, 0)
        while self._take(")") is None:
            if len(arguments) == count:
                self._fail()
            if arguments:
                self._require(",")
            if method == "datetime":
                arguments.append(Literal(self._string()))
                continue
            sign = self._take("+", "-") if method == "decimal" else None
            if self._kind() != "number" or not self._peek().replace("_", "").isdecimal():
                self._fail()
            value = _number(self._peek())
            self.place += 1
            arguments.append(Literal(-value if sign == "-" else value))
        return tuple(arguments)

    def _descent(self, base: PathNode) -> PathNode:
        if self._take("{") is None:
            return Descent(base, 0, None)
        first = self._level()
        last = self._level() if self._take("to") else first
        self._require("}")
        return Descent(base, first, last)

    def _level(self) -> int | None:
        if self._take("last"):
            return None
        token = self._peek()
        if not token.isdecimal():
            self._fail()
        self.place += 1
        return int(token)

    def _element(self, base: PathNode) -> PathNode:
        if self._peek() == "*" and self._peek(1) == "]":
            self.place += 2
            return Element(base, ())
        ranges: list[tuple[PathNode, PathNode | None]] = []
        self.subscript_depth += 1
        while True:
            first = self._sum()
            ranges.append((first, self._sum() if self._take("to") else None))
            if self._take("]"):
                self.subscript_depth -= 1
                return Element(base, tuple(ranges))
            self._require(",")


def _number(token: str) -> Decimal:
    plain = token.replace("_", "")
    if plain[:2].lower() in ("0x", "0o", "0b"):
        return Decimal(int(plain, 0))
    return parse_numeric(plain)
