"""Functions and operators of jsonb that take a path: jsonb_path_query and its kin, @? and @@.

Those that end in `_tz` may use the session's time zone; the others raise 0A000 where they would need it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lungfish.errors import DataError, InvalidParameterValue, SingletonSqlJsonItemRequired
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.json_path import has_items, iter_items, plain_item
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.json_path import JsonPath, parse_json_path
from lungfish.types.json_text import JsonTree, jsonb_text, load_json
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import BOOLEAN, JSONB, JSONPATH

Variables = dict[str, JsonTree]


def _variables(text: str) -> Variables:
    bound = load_json(text)
    if not isinstance(bound, dict):
        raise InvalidParameterValue(
            '"vars" argument is not an object',
            detail='Jsonpath parameters should be encoded as key-value pairs of "vars" object.',
        )
    return bound


@dataclass(frozen=True, slots=True)
class _Asked:
    """The scalar forms of one question."""

    answer: Callable[[JsonPath, JsonTree, Variables, TextSettings | None, bool], Any]

    def __call__(
        self, value: str, path: str, variables: str = "{}", is_silent: bool = False
    ) -> Any:
        return self.find(value, path, variables, is_silent, None)

    def with_zone(
        self,
        context: FunctionContext,
        value: str,
        path: str,
        variables: str = "{}",
        is_silent: bool = False,
    ) -> Any:
        """The form of the function whose name ends in _tz."""
        return self.find(value, path, variables, is_silent, text_settings(context))

    def silent(self, value: str, path: str) -> Any:
        """The operator's form."""
        return self.find(value, path, "{}", True, None)

    def find(
        self, value: str, path: str, text: str, is_silent: bool, settings: TextSettings | None
    ) -> Any:
        """The answer. Raises 22023 for variables that are no object, and unless `is_silent` what the path raises."""
        variables = _variables(text)
        return self.answer(parse_json_path(path), load_json(value), variables, settings, is_silent)


def _found(
    path: JsonPath,
    root: JsonTree,
    variables: Variables,
    settings: TextSettings | None,
    is_silent: bool,
) -> list[JsonTree]:
    """The items; where silence is asked for, those before the first error."""
    found: list[JsonTree] = []
    try:
        found.extend(iter_items(path, root, variables, settings, is_silent=is_silent))
    except DataError:
        if not is_silent:
            raise
    return found


def _exists(
    path: JsonPath,
    root: JsonTree,
    variables: Variables,
    settings: TextSettings | None,
    is_silent: bool,
) -> bool | None:
    try:
        return has_items(path, root, variables, settings, is_silent=is_silent)
    except DataError:
        if not is_silent:
            raise
        return None


def _texts(*asked: Any) -> list[str]:
    return [jsonb_text(plain_item(item)) for item in _found(*asked)]


def _array(*asked: Any) -> str:
    return jsonb_text([plain_item(item) for item in _found(*asked)])


def _first(*asked: Any) -> str | None:
    items = _found(*asked)
    return jsonb_text(plain_item(items[0])) if items else None


def _match(*asked: Any) -> bool | None:
    items = _found(*asked)
    if len(items) == 1 and (items[0] is None or isinstance(items[0], bool)):
        return items[0]
    if asked[-1]:
        return None
    raise SingletonSqlJsonItemRequired("single boolean result is expected")


_EXISTS, _MATCH = _Asked(_exists), _Asked(_match)
_FORMS: tuple[tuple[str, Any, _Asked, bool], ...] = (
    ("jsonb_path_exists", BOOLEAN, _EXISTS, False),
    ("jsonb_path_match", BOOLEAN, _MATCH, False),
    ("jsonb_path_query", JSONB, _Asked(_texts), True),
    ("jsonb_path_query_array", JSONB, _Asked(_array), False),
    ("jsonb_path_query_first", JSONB, _Asked(_first), False),
)
_ARGUMENTS = (JSONB, JSONPATH, JSONB, BOOLEAN)
_DEFAULTS = ("{}", False)

FUNCTIONS: tuple[Function, ...] = (
    *(
        Function(name, _ARGUMENTS, result, asked, defaults=_DEFAULTS, returns_set=is_set)
        for name, result, asked, is_set in _FORMS
    ),
    *(
        Function(
            f"{name}_tz",
            _ARGUMENTS,
            result,
            asked.with_zone,
            defaults=_DEFAULTS,
            returns_set=is_set,
            needs_context=True,
            volatility=Volatility.STABLE,
        )
        for name, result, asked, is_set in _FORMS
    ),
    Function("@?", (JSONB, JSONPATH), BOOLEAN, _EXISTS.silent),
    Function("@@", (JSONB, JSONPATH), BOOLEAN, _MATCH.silent),
)
