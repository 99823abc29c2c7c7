"""JSON_EXISTS, JSON_VALUE and JSON_QUERY: a path over a document, its answer as a value of the type that RETURNING names.

What goes wrong with the data, in the path or in the conversion, is not an error but the value that ON ERROR gives, unless that is
ERROR. A document that is no JSON, and a variable that is not passed, are errors always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from lungfish.errors import (
    DataError,
    DatatypeMismatch,
    IntegrityError,
    InvalidParameterValue,
    InvalidTextRepresentation,
    MoreThanOneSqlJsonItem,
    NoSqlJsonItem,
    SqlJsonScalarRequired,
)
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.json_build import json_tree
from lungfish.functions.json_path import has_items, iter_items, plain_item
from lungfish.functions.json_path_datetime import JsonDatetime, uses_datetimes
from lungfish.functions.json_populate import check_domains, read_value
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.functions.stateless import STATELESS
from lungfish.types.calendar import is_infinite_timestamp
from lungfish.types.casts import cast_value, coerce_length
from lungfish.types.json_path import JsonPath, parse_json_path
from lungfish.types.json_text import JsonTree, check_json, jsonb_text, load_json, normalize_jsonb
from lungfish.types.numerics import numeric_text
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import NUMERIC, SqlType, TypeKind
from lungfish.types.text_parse import parse_value

K = TypeKind
# What ON ERROR passes over: a domain's check is one of the data too.
_SOFT = (DataError, IntegrityError)
_TEXTS = (K.TEXT, K.VARCHAR, K.CHAR, K.NAME, K.UNKNOWN)
_NUMBERS = (K.SMALLINT, K.INTEGER, K.BIGINT, K.REAL, K.DOUBLE, K.NUMERIC)
_DATED = (K.DATE, K.TIME, K.TIMETZ, K.TIMESTAMP, K.TIMESTAMPTZ)
_CONSTANTS: Mapping[str, bool | None] = {"true": True, "false": False, "unknown": None}


@dataclass(frozen=True, slots=True)
class QueryForm:
    """One use of one of the three, or a column of JSON_TABLE.

    Arguments: the document as jsonb, the path, the values of PASSING, then those of DEFAULT ... ON EMPTY and ON ERROR.
    """

    function: str
    returning: SqlType
    # The variables' names, in the order of their values.
    names: tuple[str, ...] = ()
    # none, conditional or unconditional.
    wrapper: str = "none"
    omits_quotes: bool = False
    # As `JsonBehavior.kind` has them.
    on_empty: str = "null"
    on_error: str = "null"
    # The name of JSON_TABLE's column, for messages.
    column: str = ""
    # Whether FORMAT JSON was written behind the document and behind each value.
    formats: tuple[bool, ...] = ()
    # Depends on no setting, so that it can be in an index; then it is called without a context.
    is_immutable: bool = False

    def __call__(self, *arguments: Any, types: Sequence[SqlType]) -> Any:
        if self.is_immutable:
            arguments = (STATELESS, *arguments)
        context, document, path, *rest = arguments
        if document is None or path is None:
            return None
        count = len(self.names)
        variables = path_variables(self.names, rest[:count], types[2:], context)
        return self.answer(
            context, load_json(document), parse_json_path(path), variables, rest[count:]
        )

    def answer(
        self,
        context: FunctionContext,
        root: JsonTree,
        path: JsonPath,
        variables: Mapping[str, JsonTree],
        defaults: Sequence[Any],
    ) -> Any:
        """The value; `defaults` are those of ON EMPTY and ON ERROR that are DEFAULT, in this order."""
        settings = text_settings(context)
        is_silent = self.on_error != "error"
        try:
            if self.function == "exists":
                return self._from_truth(
                    has_items(path, root, variables, settings, is_silent=is_silent)
                )
            items = list(iter_items(path, root, variables, settings, is_silent=is_silent))
            if items:
                return self._value(items, context, settings)
        except _SOFT:
            if self.on_error == "error":
                raise
            return self._behave("ON ERROR", self.on_error, defaults[-1:], context)
        if self.on_empty == "error":
            of_column = f' of column "{self.column}"' if self.column else ""
            raise NoSqlJsonItem(f"no SQL/JSON item found for specified path{of_column}")
        return self._behave("ON EMPTY", self.on_empty, defaults[:1], context)

    def _value(
        self, items: list[JsonTree], context: FunctionContext, settings: TextSettings
    ) -> Any:
        value = self._scalar(items) if self.function == "value" else self._wrapped(items)
        if self.function == "value":
            converted = None if value is None else self._from_scalar(value, settings)
        else:
            converted = self._from_json(plain_item(value), context, settings)
        check_domains(converted, self.returning, context)
        return converted

    def _scalar(self, items: list[JsonTree]) -> JsonTree:
        if len(items) > 1:
            self._refuse(MoreThanOneSqlJsonItem, "JSON_VALUE", "must return single scalar item")
        if isinstance(items[0], (list, dict)):
            self._refuse(SqlJsonScalarRequired, "JSON_VALUE", "must return single scalar item")
        return items[0]

    def _wrapped(self, items: list[JsonTree]) -> JsonTree:
        if self.wrapper == "unconditional" or (self.wrapper == "conditional" and len(items) > 1):
            return [plain_item(item) for item in items]
        if len(items) > 1:
            self._refuse(
                MoreThanOneSqlJsonItem,
                "JSON_QUERY",
                "must return single item when no wrapper is requested",
                "Use the WITH WRAPPER clause to wrap SQL/JSON items into an array.",
            )
        return items[0]

    def _refuse(
        self, error: type[DataError], function: str, problem: str, hint: str | None = None
    ) -> NoReturn:
        if self.column:
            raise error(f'JSON path expression for column "{self.column}" {problem}', hint=hint)
        raise error(f"JSON path expression in {function} {problem}", hint=hint)

    def _from_scalar(self, item: JsonTree, settings: TextSettings) -> Any:
        """JSON_VALUE's item, read as the type's own input reads its text."""
        kind = self.returning.kind
        if kind in (K.JSON, K.JSONB):
            return jsonb_text(plain_item(item))
        if isinstance(item, bool):
            text = "t" if item else "f"
        elif isinstance(item, Decimal):
            text = numeric_text(item)
        else:
            text = item.plain_text(settings) if isinstance(item, JsonDatetime) else item
        return _read_text(text, self.returning, settings)

    def _from_truth(self, truth: bool | None) -> Any:
        """What JSON_EXISTS found, as the type of a column of JSON_TABLE. Raises 22001."""
        returning = self.returning
        if truth is None or returning.kind is K.BOOLEAN:
            return truth
        if returning.kind is K.INTEGER:
            return int(truth)
        return coerce_length("true" if truth else "false", returning.base)

    def _from_json(self, item: JsonTree, context: FunctionContext, settings: TextSettings) -> Any:
        """JSON_QUERY's item: containers as arrays and rows, anything else by its JSON text."""
        returning = self.returning
        is_unquoted = self.omits_quotes and isinstance(item, str)
        text = item if is_unquoted else jsonb_text(item)
        if returning.kind is K.JSONB:
            return normalize_jsonb(text) if is_unquoted else text
        if returning.kind is K.JSON:
            return check_json(text)
        if not is_unquoted:
            if returning.kind is K.ARRAY and not isinstance(item, list):
                raise InvalidTextRepresentation("expected JSON array")
            if returning.kind is K.RECORD and not isinstance(item, dict):
                shown = "an array" if isinstance(item, list) else "a scalar"
                raise InvalidParameterValue(f"cannot call populate_composite on {shown}")
            if returning.kind in (K.ARRAY, K.RECORD):
                return read_value(text, returning.base, context)
        return _read_text(text, returning, settings)

    def _behave(
        self, clause: str, kind: str, default: Sequence[Any], context: FunctionContext
    ) -> Any:
        """What ON EMPTY or ON ERROR gives. Raises 42804 if that is no value of the type."""
        try:
            if kind == "default":
                value = default[0]
            elif kind == "null":
                value = None
            elif kind in _CONSTANTS:
                value = self._from_truth(_CONSTANTS[kind])
            else:
                empty: JsonTree = [] if kind == "empty array" else {}
                value = self._from_json(empty, context, text_settings(context))
            check_domains(value, self.returning, context)
        except _SOFT as error:
            raise DatatypeMismatch(
                f"could not coerce {clause} expression ({kind.upper()}) to the RETURNING type",
                detail=error.message,
            ) from error
        return value


def _read_text(text: str, sql_type: SqlType, settings: TextSettings) -> Any:
    base = sql_type.base
    return coerce_length(parse_value(text, base.unmodified, settings), base)


# What EXISTS of JSON_TABLE may be shown as.
EXISTS_KINDS = frozenset({K.BOOLEAN, K.INTEGER, K.TEXT, K.VARCHAR, K.CHAR, K.NAME, K.JSON, K.JSONB})
_STEADY_KINDS = frozenset({*_TEXTS, *_NUMBERS, K.BOOLEAN, K.JSON, K.JSONB, K.UUID, K.BYTEA})


def is_steady(form: QueryForm, path: str | None, passed: Sequence[SqlType]) -> bool:
    """Whether a use depends on no setting: its path is known (a constant) and speaks of no dates, nor do its types."""
    types = (*passed, form.returning)
    if path is None or any(each.kind not in _STEADY_KINDS or each.domain for each in types):
        return False
    return not uses_datetimes(parse_json_path(path))


def path_variables(
    names: Sequence[str],
    values: Sequence[Any],
    types: Sequence[SqlType],
    context: FunctionContext,
) -> dict[str, JsonTree]:
    """The values of PASSING as items of a path."""
    settings = text_settings(context)
    return {
        name: _path_item(value, kind, settings)
        for name, value, kind in zip(names, values, types, strict=False)
    }


def _path_item(value: Any, sql_type: SqlType, settings: TextSettings) -> JsonTree:
    kind = sql_type.kind
    if value is None or kind is K.BOOLEAN:
        return value
    if kind in _TEXTS:
        return str(value)
    if kind in _NUMBERS:
        number = cast_value(value, sql_type.base, NUMERIC, settings, is_explicit=True)
        return number
    if kind in _DATED:
        offset = 0
        if kind is K.TIMESTAMPTZ and not is_infinite_timestamp(value):
            offset = settings.time_zone.offset_at(value)
        return JsonDatetime(sql_type.base.unmodified, value, offset)
    return json_tree(value, sql_type, settings)


def query_function(name: str, form: QueryForm, arguments: Sequence[SqlType]) -> Function:
    """The function that a use stands for."""
    return Function(
        name,
        tuple(arguments),
        form.returning,
        form,
        volatility=Volatility.IMMUTABLE if form.is_immutable else Volatility.STABLE,
        is_strict=False,
        needs_context=not form.is_immutable,
        needs_types=True,
    )
