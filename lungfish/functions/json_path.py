"""Evaluation of SQL/JSON paths over jsonb, after the manual's section 9.16.2.

In lax mode what does not fit the structure is passed over: an accessor of members unwraps arrays, an accessor of elements takes a
single value for an array of one. In strict mode it is an error. A predicate has three values; an error inside of one makes it
unknown (None).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from lungfish.errors import (
    DataError,
    DivisionByZero,
    FeatureNotSupported,
    InvalidSqlJsonSubscript,
    NonNumericSqlJsonItem,
    SingletonSqlJsonItemRequired,
    SqlJsonArrayNotFound,
    SqlJsonMemberNotFound,
    SqlJsonNumberNotFound,
    SqlJsonObjectNotFound,
    UndefinedObject,
)
from lungfish.functions.numeric_math import add, divide, modulo, multiply, subtract
from lungfish.functions.regex_match import compile_regex
from lungfish.types.json_path import (
    COMPARISONS,
    Descent,
    Element,
    Filter,
    Infix,
    JsonPath,
    LikeRegex,
    Literal,
    Member,
    Method,
    PathNode,
    Sign,
    Start,
    Variable,
    Wrapped,
)
from lungfish.types.json_text import JsonTree
from lungfish.types.numerics import numeric_text

_ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
}
_PREDICATES = frozenset({*COMPARISONS, "&&", "||", "starts with"})
_INTEGER_BOUNDS = {"integer": 2**31, "bigint": 2**63}


def find_items(path: JsonPath, root: JsonTree, variables: dict[str, JsonTree]) -> list[JsonTree]:
    """The items that the path finds in the document. Raises 2203x, 22012 and the like."""
    return _Evaluation(path, root, variables).items(path.root, root)


class _Evaluation:
    """One evaluation. `current` is what `@` stands for."""

    def __init__(self, path: JsonPath, root: JsonTree, variables: dict[str, JsonTree]) -> None:
        self.is_lax = not path.is_strict
        self.root = root
        self.variables = variables
        # The index of the last element of each array whose subscripts are being evaluated, innermost last.
        self.lasts: list[int] = []

    def items(self, node: PathNode, current: JsonTree) -> list[JsonTree]:
        """What the node finds, in order."""
        match node:
            case Literal(value):
                return [value]
            case Start():
                return [self._start(node.symbol, current)]
            case Variable(name):
                if name not in self.variables:
                    raise UndefinedObject(f'could not find jsonpath variable "{name}"')
                return [self.variables[name]]
            case Infix(operator) if operator not in _PREDICATES:
                return [self._arithmetic(node, current)]
            case Sign():
                return self._signed(node, current)
            case Infix() | Wrapped() | LikeRegex():
                return [self.truth(node, current)]
            case Method():
                return [
                    found
                    for item in self._unwrapped(node.base, current, node.name)
                    for found in self._method(node, item)
                ]
            case _:
                base = self.items(node.base, current)
                return [found for item in base for found in self._access(node, item)]

    def _start(self, symbol: str, current: JsonTree) -> JsonTree:
        if symbol == "$":
            return self.root
        if symbol == "@":
            return current
        if not self.lasts:
            raise InvalidSqlJsonSubscript("evaluating jsonpath LAST outside of array subscript")
        return Decimal(self.lasts[-1])

    # Accessors.

    def _access(
        self, node: Member | Descent | Element | Filter, item: JsonTree
    ) -> Iterator[JsonTree]:
        match node:
            case Member(_, key):
                yield from self._members(item, key, unwraps=self.is_lax)
            case Descent(_, first, last):
                yield from self._descend(item, 0, first, last)
            case Element():
                yield from self._elements(node, item)
            case Filter(_, predicate):
                candidates = item if self.is_lax and isinstance(item, list) else [item]
                yield from (each for each in candidates if self.truth(predicate, each))

    def _members(self, item: JsonTree, key: str | None, *, unwraps: bool) -> Iterator[JsonTree]:
        if isinstance(item, dict):
            if key is None:
                yield from item.values()
            elif key in item:
                yield item[key]
            elif not self.is_lax:
                raise SqlJsonMemberNotFound(f'JSON object does not contain key "{key}"')
        elif isinstance(item, list) and unwraps:
            for each in item:
                yield from self._members(each, key, unwraps=False)
        elif not self.is_lax:
            what = "wildcard member" if key is None else "member"
            error = SqlJsonObjectNotFound if key is None else SqlJsonMemberNotFound
            raise error(f"jsonpath {what} accessor can only be applied to an object")

    def _descend(
        self, item: JsonTree, level: int, first: int | None, last: int | None
    ) -> Iterator[JsonTree]:
        parts = list(item.values()) if isinstance(item, dict) else item
        is_leaf = not isinstance(parts, list)
        if (is_leaf if first is None else level >= first) and (last is None or level <= last):
            yield item
        if not is_leaf and (last is None or level < last):
            for part in parts:
                yield from self._descend(part, level + 1, first, last)

    def _elements(self, node: Element, item: JsonTree) -> Iterator[JsonTree]:
        if not isinstance(item, list):
            if not self.is_lax:
                what = "array" if node.ranges else "wildcard array"
                raise SqlJsonArrayNotFound(
                    f"jsonpath {what} accessor can only be applied to an array"
                )
            item = [item]
        if not node.ranges:
            yield from item
            return
        self.lasts.append(len(item) - 1)
        try:
            for low, high in node.ranges:
                first = self._index(low, item)
                last = first if high is None else self._index(high, item)
                if not self.is_lax and (first < 0 or first > last or last >= len(item)):
                    raise InvalidSqlJsonSubscript("jsonpath array subscript is out of bounds")
                yield from item[max(first, 0) : max(last + 1, 0)]
        finally:
            self.lasts.pop()

    def _index(self, node: PathNode, current: JsonTree) -> int:
        found = self.items(node, current)
        if len(found) != 1 or not isinstance(found[0], Decimal):
            raise InvalidSqlJsonSubscript("jsonpath array subscript is not a single numeric value")
        index = int(found[0])
        if not -(2**31) <= index < 2**31:
            raise InvalidSqlJsonSubscript("jsonpath array subscript is out of integer range")
        return index

    def _unwrapped(self, node: PathNode, current: JsonTree, method: str = "") -> list[JsonTree]:
        """The items, in lax mode the elements in place of arrays."""
        found = self.items(node, current)
        if not self.is_lax or method in ("type", "size"):
            return found
        return [each for item in found for each in (item if isinstance(item, list) else (item,))]

    # Arithmetic.

    def _arithmetic(self, node: Infix, current: JsonTree) -> Decimal:
        sides = []
        for name, side in (("left", node.left), ("right", node.right)):
            found = self._unwrapped(side, current)
            if len(found) != 1 or not isinstance(found[0], Decimal):
                raise SingletonSqlJsonItemRequired(
                    f"{name} operand of jsonpath operator {node.operator} is not a single numeric value"
                )
            sides.append(found[0])
        if node.operator in "/%" and not sides[1]:
            raise DivisionByZero("division by zero")
        return _ARITHMETIC[node.operator](*sides)

    def _signed(self, node: Sign, current: JsonTree) -> list[JsonTree]:
        found = self._unwrapped(node.operand, current)
        for item in found:
            if not isinstance(item, Decimal):
                raise SqlJsonNumberNotFound(
                    f"operand of unary jsonpath operator {node.operator} is not a numeric value"
                )
        return [-item if node.operator == "-" else item for item in found]

    # Methods.

    def _method(self, node: Method, item: JsonTree) -> Iterator[JsonTree]:
        name = node.name
        match name:
            case "type":
                yield _type_name(item)
            case "size":
                if not isinstance(item, list) and not self.is_lax:
                    raise SqlJsonArrayNotFound(
                        "jsonpath item method .size() can only be applied to an array"
                    )
                yield Decimal(len(item) if isinstance(item, list) else 1)
            case "abs" | "floor" | "ceiling":
                yield _rounded(name, item)
            case "double" | "number" | "integer" | "bigint" | "decimal" if not node.arguments:
                yield _as_number(name, item)
            case "string":
                yield _as_string(item)
            case "boolean":
                yield _as_boolean(item)
            case _:
                raise FeatureNotSupported(f"jsonpath item method .{name}() is not supported")

    # Predicates.

    def truth(self, node: PathNode, current: JsonTree) -> bool | None:
        """A predicate's value. An expression that is none counts as the boolean that it finds."""
        match node:
            case Infix("&&" | "||", left, right):
                one = self.truth(left, current)
                decides = node.operator == "||"
                if one is decides:
                    return decides
                other = self.truth(right, current)
                return other if one is not None or other is decides else None
            case Wrapped("!", operand):
                value = self.truth(operand, current)
                return None if value is None else not value
            case Wrapped("is unknown", operand):
                return self.truth(operand, current) is None
            case Wrapped(_, operand):
                try:
                    return bool(self.items(operand, current))
                except DataError:
                    return None
            case Infix(operator, left, right) if operator in _PREDICATES:
                return self._any_pair(operator, left, right, current)
            case LikeRegex(operand, pattern, flags):
                regex = compile_regex(pattern, _regex_flags(flags))
                return self._decide(
                    (regex.is_match(item) if isinstance(item, str) else None)
                    for item in self._unwrapped(operand, current)
                )
            case _:
                found = self.items(node, current)
                return found[0] if len(found) == 1 and isinstance(found[0], bool) else None

    def _any_pair(
        self, operator: str, left: PathNode, right: PathNode, current: JsonTree
    ) -> bool | None:
        try:
            ones = self._unwrapped(left, current)
            others = self._unwrapped(right, current)
        except DataError:
            return None
        compare = _starts_with if operator == "starts with" else _COMPARE[operator]
        return self._decide(compare(one, other) for one in ones for other in others)

    def _decide(self, answers: Iterator[bool | None]) -> bool | None:
        """Whether any answer is true; in strict mode, unless another is unknown."""
        is_found = has_error = False
        for answer in answers:
            if answer is None:
                if not self.is_lax:
                    return None
                has_error = True
            elif answer:
                if self.is_lax:
                    return True
                is_found = True
        if is_found:
            return True
        return None if has_error else False


def _regex_flags(flags: str) -> str:
    """XQuery's flags as those of our regular expressions: there `.` matches no newline, and ^ the text's start only."""
    if "q" in flags:
        if set(flags) & set("smx"):
            raise FeatureNotSupported(
                'XQuery "x" flag (expanded regular expressions) is not implemented'
            )
        return "q" + "i" * ("i" in flags)
    if "x" in flags:
        raise FeatureNotSupported(
            'XQuery "x" flag (expanded regular expressions) is not implemented'
        )
    # s: the dot matches newlines; m: ^ and $ match at lines.
    lines = {(False, False): "p", (True, False): "s", (False, True): "n", (True, True): "w"}
    return lines["s" in flags, "m" in flags] + "i" * ("i" in flags)


def _type_name(item: JsonTree) -> str:
    if item is None:
        return "null"
    for kind, name in ((bool, "boolean"), (str, "string"), (Decimal, "number"), (list, "array")):
        if isinstance(item, kind):
            return name
    return "object"


def _rounded(name: str, item: JsonTree) -> Decimal:
    if not isinstance(item, Decimal):
        raise NonNumericSqlJsonItem(
            f"jsonpath item method .{name}() can only be applied to a numeric value"
        )
    if name == "abs":
        return abs(item)
    return item.to_integral_value(ROUND_FLOOR if name == "floor" else ROUND_CEILING)


_TYPE_NAMES = {
    "double": "double precision",
    "number": "numeric",
    "decimal": "numeric",
    "integer": "integer",
    "bigint": "bigint",
    "boolean": "boolean",
}


def _invalid(name: str, item: JsonTree) -> NonNumericSqlJsonItem:
    shown = numeric_text(item) if isinstance(item, Decimal) else item
    return NonNumericSqlJsonItem(
        f'argument "{shown}" of jsonpath item method .{name}() is invalid for type {_TYPE_NAMES[name]}'
    )


def _as_number(name: str, item: JsonTree) -> Decimal:
    if isinstance(item, str):
        try:
            number = Decimal(item.strip())
        except ArithmeticError:
            raise _invalid(name, item) from None
    elif isinstance(item, Decimal):
        number = item
    else:
        raise NonNumericSqlJsonItem(
            f"jsonpath item method .{name}() can only be applied to a string or numeric value"
        )
    if not number.is_finite():
        raise NonNumericSqlJsonItem(
            f"NaN or Infinity is not allowed for jsonpath item method .{name}()"
        )
    if name == "double":
        return Decimal(repr(float(number))) if number != number.to_integral_value() else number
    bound = _INTEGER_BOUNDS.get(name)
    if bound is None:
        return number
    if isinstance(item, str) and number != number.to_integral_value():
        raise _invalid(name, item)
    whole = number.to_integral_value(ROUND_HALF_UP)
    if not -bound <= whole < bound:
        raise _invalid(name, item)
    return whole


def _as_string(item: JsonTree) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return item
    if isinstance(item, Decimal):
        return numeric_text(item)
    raise NonNumericSqlJsonItem(
        "jsonpath item method .string() can only be applied to a boolean, string, numeric, or datetime value"
    )


def _as_boolean(item: JsonTree) -> bool:
    if isinstance(item, bool):
        return item
    if isinstance(item, Decimal):
        if item != item.to_integral_value():
            raise _invalid("boolean", item)
        return bool(item)
    if isinstance(item, str):
        word = item.strip().lower()
        for answer, words in ((True, ("true", "yes")), (False, ("false", "no"))):
            if word and any(full.startswith(word) for full in words):
                return answer
        if word in ("on", "1", "off", "0"):
            return word in ("on", "1")
        raise _invalid("boolean", item)
    raise NonNumericSqlJsonItem(
        "jsonpath item method .boolean() can only be applied to a boolean, string, or numeric value"
    )


def _order(left: JsonTree, right: JsonTree) -> int | None:
    """-1, 0 or 1; None for what cannot be compared."""
    if isinstance(left, bool) != isinstance(right, bool) or isinstance(left, (list, dict)):
        return None
    if type(left) is not type(right):
        return None
    if left is None:
        return 0
    return int(left > right) - int(left < right)


def _compare(accepts: Callable[[int], bool], *, is_unequal: bool) -> Callable[..., bool | None]:
    def compare(left: JsonTree, right: JsonTree) -> bool | None:
        if (left is None) is not (right is None):
            # Null is unequal to everything else, and neither above nor below.
            return is_unequal
        order = _order(left, right)
        return None if order is None else accepts(order)

    return compare


_COMPARE: dict[str, Callable[..., bool | None]] = {
    "==": _compare(lambda order: order == 0, is_unequal=False),
    "!=": _compare(lambda order: order != 0, is_unequal=True),
    "<": _compare(lambda order: order < 0, is_unequal=False),
    "<=": _compare(lambda order: order <= 0, is_unequal=False),
    ">": _compare(lambda order: order > 0, is_unequal=False),
    ">=": _compare(lambda order: order >= 0, is_unequal=False),
}


def _starts_with(whole: JsonTree, beginning: JsonTree) -> bool | None:
    if not isinstance(whole, str) or not isinstance(beginning, str):
        return None
    return whole.startswith(beginning)


def only_boolean(items: Sequence[JsonTree]) -> bool | None:
    """The one boolean that a path found, None for null. Raises 22038 for anything else."""
    if len(items) == 1 and (items[0] is None or isinstance(items[0], bool)):
        return items[0]
    raise SingletonSqlJsonItemRequired("single boolean result is expected")
