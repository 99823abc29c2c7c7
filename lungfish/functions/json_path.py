"""Evaluation of SQL/JSON paths over jsonb, after the manual's section 9.16.2.

In lax mode what does not fit the structure is passed over: an accessor of members unwraps arrays, an accessor of elements takes a
single value for an array of one. In strict mode it is an error. A predicate has three values; an error inside of one makes it
unknown (None).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from lungfish.errors import (
    DataError,
    DivisionByZero,
    InvalidJsonDatetimeArgument,
    InvalidSqlJsonSubscript,
    NonNumericSqlJsonItem,
    SingletonSqlJsonItemRequired,
    SqlJsonArrayNotFound,
    SqlJsonMemberNotFound,
    SqlJsonNumberNotFound,
    SqlJsonObjectNotFound,
    UndefinedObject,
)
from lungfish.functions.json_layout import object_offsets
from lungfish.functions.json_path_compare import COMPARE, starts_with
from lungfish.functions.json_path_datetime import METHODS as DATETIME_METHODS
from lungfish.functions.json_path_datetime import JsonDatetime, datetime_item
from lungfish.functions.json_path_lenience import (
    NO_DESCENTS,
    Descents,
    lenient_nodes,
    next_descent,
)
from lungfish.functions.json_path_methods import (
    as_boolean,
    as_number,
    as_string,
    rounded,
    type_name,
)
from lungfish.functions.json_path_patterns import regex_flags
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
from lungfish.types.json_text import JsonTree, key_order
from lungfish.types.settings import TextSettings

_ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
}
_PREDICATES = frozenset({*COMPARISONS, "&&", "||", "starts with"})
_INTEGER_MAX = 2**31 - 1
# What one document's ids are apart from the next one's, in .keyvalue().
_ID_STEP = 10_000_000_000


def iter_items(
    path: JsonPath,
    root: JsonTree,
    variables: Mapping[str, JsonTree],
    settings: TextSettings | None = None,
    *,
    is_silent: bool = False,
) -> Iterator[JsonTree]:
    """The items that the path finds in the document, dates and times among them as `JsonDatetime`.

    Without `settings` time zones must not be used; `is_silent`: the first error ends the items for the caller. Raises 2203x,
    22012 and the like.
    """
    return _Evaluation(path, root, variables, settings, is_silent).items(path.root, root)


def has_items(
    path: JsonPath,
    root: JsonTree,
    variables: Mapping[str, JsonTree],
    settings: TextSettings | None = None,
    *,
    is_silent: bool = False,
) -> bool:
    """Whether the path finds anything. In lax mode what stands behind the first item is not looked at."""
    return _Evaluation(path, root, variables, settings, is_silent).finds(path.root, root)


def plain_item(item: JsonTree) -> JsonTree:
    """The item as JSON has it: a date or a time is a string."""
    return item.text() if isinstance(item, JsonDatetime) else item


class _Evaluation:
    """One evaluation. `current` is what `@` stands for."""

    def __init__(
        self,
        path: JsonPath,
        root: JsonTree,
        variables: Mapping[str, JsonTree],
        settings: TextSettings | None,
        is_silent: bool,
    ) -> None:
        # Whether errors only end the evaluation, as they also do in predicates.
        self.is_silent = is_silent
        self.is_lax = not path.is_strict
        self.root = root
        self.variables = variables
        self.settings = settings
        # The ids of objects by identity, once .keyvalue() asks; the objects of generated documents are kept alive here.
        self.ids: dict[int, int] = {}
        self.generated: list[JsonTree] = []
        # The index of the last element of each array whose subscripts are being evaluated, innermost last.
        self.lasts: list[int] = []
        # The nodes that forgive although the path is strict, by identity.
        self.lenient: frozenset[int] = frozenset() if self.is_lax else lenient_nodes(path)

    def finds(self, node: PathNode, current: JsonTree) -> bool:
        """Whether the node finds anything. In lax mode what stands behind the first item is not looked at, and a sign
        passes over what is no number.
        """
        if not self.is_lax:
            return bool(list(self.items(node, current)))
        if isinstance(node, Sign):
            signed = list(self._unwrapped(node.operand, current))
            return any(isinstance(item, Decimal) for item in signed)
        return next((True for _ in self.items(node, current)), False)

    def items(
        self, node: PathNode, current: JsonTree, given: Descents = NO_DESCENTS
    ) -> Iterator[JsonTree]:
        """What the node finds, in order. `given` has what the `.**` below it find, where that is known."""
        descent = next_descent(node, given) if self.is_silent else None
        if descent is not None:
            for item in self.items(descent.base, current, given):
                yield from self._behind_descent(node, descent, item, current, given)
            return
        match node:
            case Descent() if id(node) in given:
                yield from given[id(node)]
            case Literal(value):
                yield value
            case Start():
                yield self._start(node.symbol, current)
            case Variable(name):
                if name not in self.variables:
                    raise UndefinedObject(f'could not find jsonpath variable "{name}"')
                yield self.variables[name]
            case Infix(operator) if operator not in _PREDICATES:
                yield self._arithmetic(node, current)
            case Sign():
                yield from self._signed(node, current)
            case Infix() | Wrapped() | LikeRegex():
                yield self.truth(node, current)
            case Method():
                for item in self._unwrapped(node.base, current, node.name, given):
                    yield from self._method(node, item)
            case _:
                for item in self.items(node.base, current, given):
                    yield from self._access(node, item)

    def _behind_descent(
        self, node: PathNode, descent: Descent, item: JsonTree, current: JsonTree, given: Descents
    ) -> Iterator[JsonTree]:
        """What the node finds where the descent begins at `item`: first of the item itself, then of its parts.

        PostgreSQL forgets an error of the first where there are parts to look at, as long as it is silent about errors.
        """
        found = self._descend(item, 0, descent.first, descent.last)
        if descent.first == 0:
            try:
                yield from self.items(node, current, {**given, id(descent): (next(found),)})
            except DataError:
                if not isinstance(item, dict | list):
                    raise
        yield from self.items(node, current, {**given, id(descent): found})

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
                yield from self._members(node, item, key, unwraps=self.is_lax)
            case Descent(_, first, last):
                yield from self._descend(item, 0, first, last)
            case Element():
                yield from self._elements(node, item)
            case Filter(_, predicate):
                candidates = item if self.is_lax and isinstance(item, list) else [item]
                yield from (each for each in candidates if self.truth(predicate, each))

    def _forgives(self, node: PathNode) -> bool:
        """Whether the document may have another structure than the accessor asks for."""
        return self.is_lax or id(node) in self.lenient

    def _members(
        self, node: Member, item: JsonTree, key: str | None, *, unwraps: bool
    ) -> Iterator[JsonTree]:
        if isinstance(item, dict):
            if key is None:
                yield from item.values()
            elif key in item:
                yield item[key]
            elif not self._forgives(node):
                raise SqlJsonMemberNotFound(f'JSON object does not contain key "{key}"')
        elif isinstance(item, list) and unwraps:
            for each in item:
                yield from self._members(node, each, key, unwraps=False)
        elif not self._forgives(node):
            what = "wildcard member" if key is None else "member"
            error = SqlJsonObjectNotFound if key is None else SqlJsonMemberNotFound
            raise error(f"jsonpath {what} accessor can only be applied to an object")

    def _descend(
        self, item: JsonTree, level: int, first: int | None, last: int | None
    ) -> Iterator[JsonTree]:
        parts = list(item.values()) if isinstance(item, dict) else item
        is_leaf = not isinstance(parts, list)
        if first is None:
            # `{last}`: what has no parts, but for the item at which the descent begins.
            is_wanted = is_leaf and level > 0 and last is None
        else:
            is_wanted = level >= first and (last is None or level <= last)
        if is_wanted:
            yield item
        if not is_leaf and (last is None or level < last):
            for part in parts:
                yield from self._descend(part, level + 1, first, last)

    def _elements(self, node: Element, item: JsonTree) -> Iterator[JsonTree]:
        if not isinstance(item, list):
            if not self._forgives(node):
                what = "array" if node.ranges else "wildcard array"
                raise SqlJsonArrayNotFound(
                    f"jsonpath {what} accessor can only be applied to an array"
                )
            if not self.is_lax:
                return
            item = [item]
        if not node.ranges:
            yield from item
            return
        self.lasts.append(len(item) - 1)
        try:
            for low, high in node.ranges:
                first = self._index(low, item)
                last = first if high is None else self._index(high, item)
                if not self._forgives(node) and (first < 0 or first > last or last >= len(item)):
                    raise InvalidSqlJsonSubscript("jsonpath array subscript is out of bounds")
                yield from item[max(first, 0) : max(last + 1, 0)]
        finally:
            self.lasts.pop()

    def _index(self, node: PathNode, current: JsonTree) -> int:
        found = list(self.items(node, current))
        if len(found) != 1 or not isinstance(found[0], Decimal):
            raise InvalidSqlJsonSubscript("jsonpath array subscript is not a single numeric value")
        index = int(found[0])
        if not -(2**31) <= index < 2**31:
            raise InvalidSqlJsonSubscript("jsonpath array subscript is out of integer range")
        return index

    def _unwrapped(
        self, node: PathNode, current: JsonTree, method: str = "", given: Descents = NO_DESCENTS
    ) -> Iterator[JsonTree]:
        """The items, in lax mode the elements in place of arrays."""
        unwraps = self.is_lax and method not in ("type", "size")
        for item in self.items(node, current, given):
            if unwraps and isinstance(item, list):
                yield from item
            else:
                yield item

    # Arithmetic.

    def _arithmetic(self, node: Infix, current: JsonTree) -> Decimal:
        sides = []
        operands = [list(self._unwrapped(side, current)) for side in (node.left, node.right)]
        for name, found in zip(("left", "right"), operands, strict=True):
            if len(found) != 1 or not isinstance(found[0], Decimal):
                raise SingletonSqlJsonItemRequired(
                    f"{name} operand of jsonpath operator {node.operator} is not a single numeric value"
                )
            sides.append(found[0])
        if node.operator in "/%" and not sides[1]:
            raise DivisionByZero("division by zero")
        return _ARITHMETIC[node.operator](*sides)

    def _signed(self, node: Sign, current: JsonTree) -> Iterator[JsonTree]:
        for item in self._unwrapped(node.operand, current):
            if not isinstance(item, Decimal):
                raise SqlJsonNumberNotFound(
                    f"operand of unary jsonpath operator {node.operator} is not a numeric value"
                )
            yield -item if node.operator == "-" else item

    # Methods.

    def _method(self, node: Method, item: JsonTree) -> Iterator[JsonTree]:
        name = node.name
        match name:
            case "type":
                yield type_name(item)
            case "size":
                if not isinstance(item, list) and not self._forgives(node):
                    raise SqlJsonArrayNotFound(
                        "jsonpath item method .size() can only be applied to an array"
                    )
                if isinstance(item, list) or self.is_lax:
                    yield Decimal(len(item) if isinstance(item, list) else 1)
            case "abs" | "floor" | "ceiling":
                yield rounded(name, item)
            case "string":
                yield as_string(item)
            case "boolean":
                yield as_boolean(item)
            case "keyvalue":
                yield from self._key_values(item)
            case _ if name in DATETIME_METHODS:
                yield self._datetime(node, item)
            case _:
                yield as_number(
                    name, item, [_whole_argument(node, each) for each in node.arguments]
                )

    def _datetime(self, node: Method, item: JsonTree) -> JsonDatetime:
        if not isinstance(item, str):
            raise InvalidJsonDatetimeArgument(
                f"jsonpath item method .{node.name}() can only be applied to a string"
            )
        template: str | None = None
        precision: int | None = None
        if node.arguments:
            argument = node.arguments[0]
            if node.name == "datetime" and isinstance(argument, Literal):
                template = str(argument.value)
            else:
                precision = _whole_argument(node, argument)
        return datetime_item(node.name, item, template, precision, self.settings)

    def _key_values(self, item: JsonTree) -> Iterator[JsonTree]:
        """An object for each member of an object: its key, its value and the object's id."""
        if not isinstance(item, dict):
            raise SqlJsonObjectNotFound(
                "jsonpath item method .keyvalue() can only be applied to an object"
            )
        number = self._id_of(item)
        for key in sorted(item, key=key_order):
            # In the order that jsonb gives them, which `.*` shows.
            made = {"id": Decimal(number), "key": key, "value": copy.deepcopy(item[key])}
            # PostgreSQL counts the root, the variables, and then what it makes.
            self._note_ids(made, 2 + len(self.generated))
            self.generated.append(made)
            yield made

    def _id_of(self, item: dict[str, JsonTree]) -> int:
        if not self.ids:
            self._note_ids(self.root, 0)
            self._note_ids(dict(self.variables), 1)
        return self.ids.get(id(item), 0)

    def _note_ids(self, document: JsonTree, number: int) -> None:
        for identity, offset in object_offsets(document).items():
            self.ids[identity] = offset + number * _ID_STEP

    # Predicates.

    def truth(self, node: PathNode, current: JsonTree) -> bool | None:
        """A predicate's value. An expression that is none counts as the boolean that it finds."""
        was_silent, self.is_silent = self.is_silent, True
        try:
            return self._truth(node, current)
        finally:
            self.is_silent = was_silent

    def _truth(self, node: PathNode, current: JsonTree) -> bool | None:
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
                    return self.finds(operand, current)
                except DataError:
                    return None
            case Infix(operator, left, right) if operator in _PREDICATES:
                return self._any_pair(operator, left, right, current)
            case LikeRegex(operand, pattern, flags):
                regex = compile_regex(pattern, regex_flags(flags))
                try:
                    return self._decide(
                        (regex.is_match(item) if isinstance(item, str) else None)
                        for item in list(self._unwrapped(operand, current))
                    )
                except DataError:
                    return None
            case _:
                items = list(self.items(node, current))
                return items[0] if len(items) == 1 and isinstance(items[0], bool) else None

    def _any_pair(
        self, operator: str, left: PathNode, right: PathNode, current: JsonTree
    ) -> bool | None:
        try:
            ones = list(self._unwrapped(left, current))
            others = list(self._unwrapped(right, current))
        except DataError:
            return None
        if operator == "starts with":
            return self._decide(starts_with(one, other) for one in ones for other in others)
        compare = COMPARE[operator]
        settings = self.settings
        return self._decide(compare(one, other, settings) for one in ones for other in others)

    def _decide(self, answers: Iterable[bool | None]) -> bool | None:
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


def _whole_argument(node: Method, argument: PathNode) -> int:
    """A method's argument, which must be an integer. Raises 22031, 22036."""
    value = argument.value if isinstance(argument, Literal) else None
    assert isinstance(value, Decimal), "the reader lets nothing else through"
    if abs(value) > _INTEGER_MAX:
        problem = f"of jsonpath item method .{node.name}() is out of range for type integer"
        if node.name != "decimal":
            raise InvalidJsonDatetimeArgument(f"time precision {problem}")
        is_scale = len(node.arguments) > 1 and argument is node.arguments[1]
        raise NonNumericSqlJsonItem(f"{'scale' if is_scale else 'precision'} {problem}")
    return int(value)
