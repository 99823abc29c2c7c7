"""Functions and operators of jsonb that take a path: jsonb_path_query and its kin, @? and @@."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lungfish.errors import DataError, InvalidParameterValue
from lungfish.functions.json_path import find_items, only_boolean
from lungfish.functions.registry import Function
from lungfish.types.json_path import parse_json_path
from lungfish.types.json_text import JsonTree, jsonb_text, load_json
from lungfish.types.sql_type import BOOLEAN, JSONB, JSONPATH


def _find(value: str, path: str, variables: str) -> list[JsonTree]:
    bound = load_json(variables)
    if not isinstance(bound, dict):
        raise InvalidParameterValue(
            '"vars" argument is not an object',
            detail='Jsonpath parameters should be encoded as key-value pairs of "vars" object.',
        )
    return find_items(parse_json_path(path), load_json(value), bound)


def _with_silence(
    answer: Callable[[list[JsonTree]], Any], silent_answer: Any = None
) -> Callable[..., Any]:
    """A scalar form over what the path finds; errors of the data give `silent_answer` where silence is asked for."""

    def scalar(value: str, path: str, variables: str = "{}", is_silent: bool = False) -> Any:
        if not is_silent:
            return answer(_find(value, path, variables))
        try:
            return answer(_find(value, path, variables))
        except InvalidParameterValue:
            raise
        except DataError:
            return silent_answer

    return scalar


def _texts(items: list[JsonTree]) -> list[str]:
    return [jsonb_text(item) for item in items]


def _first(items: list[JsonTree]) -> str | None:
    return jsonb_text(items[0]) if items else None


_EXISTS = _with_silence(bool)
_MATCH = _with_silence(only_boolean)


def _operator_exists(value: str, path: str) -> Any:
    return _EXISTS(value, path, "{}", True)


def _operator_match(value: str, path: str) -> Any:
    return _MATCH(value, path, "{}", True)


def _function(name: str, result: Any, scalar: Callable[..., Any], **options: Any) -> Function:
    arguments = (JSONB, JSONPATH, JSONB, BOOLEAN)
    return Function(name, arguments, result, scalar, defaults=("{}", False), **options)


FUNCTIONS: tuple[Function, ...] = (
    _function("jsonb_path_exists", BOOLEAN, _EXISTS),
    _function("jsonb_path_match", BOOLEAN, _MATCH),
    _function("jsonb_path_query", JSONB, _with_silence(_texts, ()), returns_set=True),
    _function("jsonb_path_query_array", JSONB, _with_silence(jsonb_text, "[]")),
    _function("jsonb_path_query_first", JSONB, _with_silence(_first)),
    Function("@?", (JSONB, JSONPATH), BOOLEAN, _operator_exists),
    Function("@@", (JSONB, JSONPATH), BOOLEAN, _operator_match),
)
