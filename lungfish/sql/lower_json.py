"""SQL/JSON: constructors, IS JSON, the query functions and JSON_TABLE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.json import (
    IsJson,
    JsonAggregate,
    JsonArray,
    JsonArrayQuery,
    JsonBehavior,
    JsonFormat,
    JsonMember,
    JsonObject,
    JsonParse,
    JsonQuery,
    JsonReturning,
    JsonScalar,
    JsonSerialize,
    JsonTable,
    JsonTableColumn,
    JsonValue,
)
from lungfish.sql.libpg import Node
from lungfish.sql.lower_calls import lower_order, lower_over
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import ExpressionRule, FromItemRule, Lowering, strings

_WRAPPERS = {
    "JSW_UNSPEC": "",
    "JSW_NONE": "none",
    "JSW_CONDITIONAL": "conditional",
    "JSW_UNCONDITIONAL": "unconditional",
}
_QUOTES = {"JS_QUOTES_UNSPEC": "", "JS_QUOTES_KEEP": "keep", "JS_QUOTES_OMIT": "omit"}
_COLUMN_KINDS = {
    "JTC_FOR_ORDINALITY": "ordinality",
    "JTC_REGULAR": "regular",
    "JTC_EXISTS": "exists",
    "JTC_FORMATTED": "formatted",
    "JTC_NESTED": "nested",
}


def _lower_format(fields: Node | None) -> JsonFormat | None:
    if fields is None or fields["format_type"] == "JS_FORMAT_DEFAULT":
        return None
    encoding = fields["encoding"].removeprefix("JS_ENC_")
    return JsonFormat(
        None if encoding == "DEFAULT" else encoding,
        fields.get("location", -1),
    )


def _lower_value(fields: Node, lowering: Lowering) -> JsonValue:
    return JsonValue(lowering.expression(fields["raw_expr"]), _lower_format(fields.get("format")))


def _lower_returning(fields: Node | None) -> JsonReturning | None:
    if fields is None:
        return None
    written = fields.get("returning", {}).get("format")
    return JsonReturning(lower_type(fields["typeName"]), _lower_format(written))


def _lower_behavior(fields: Node | None, lowering: Lowering) -> JsonBehavior | None:
    if fields is None:
        return None
    kind = fields["btype"].removeprefix("JSON_BEHAVIOR_").lower().replace("_", " ")
    expression = lowering.optional_expression(fields.get("expr"))
    return JsonBehavior(kind, expression, fields.get("location", -1))


def _lower_passing(nodes: Sequence[Node], lowering: Lowering) -> tuple[tuple[str, JsonValue], ...]:
    arguments = [node["JsonArgument"] for node in nodes]
    return tuple((each["name"], _lower_value(each["val"], lowering)) for each in arguments)


# Constructors.


def _lower_object(fields: Node, lowering: Lowering) -> JsonObject:
    pairs = [node["JsonKeyValue"] for node in fields.get("exprs", ())]
    return JsonObject(
        members=tuple(
            JsonMember(lowering.expression(pair["key"]), _lower_value(pair["value"], lowering))
            for pair in pairs
        ),
        is_absent_on_null=fields.get("absent_on_null", False),
        has_unique_keys=fields.get("unique", False),
        returning=_lower_returning(fields.get("output")),
        position=fields.get("location", 0),
    )


def _lower_array(fields: Node, lowering: Lowering) -> JsonArray:
    values = [node["JsonValueExpr"] for node in fields.get("exprs", ())]
    return JsonArray(
        items=tuple(_lower_value(value, lowering) for value in values),
        is_absent_on_null=fields.get("absent_on_null", False),
        returning=_lower_returning(fields.get("output")),
        position=fields.get("location", 0),
    )


def _lower_array_query(fields: Node, lowering: Lowering) -> JsonArrayQuery:
    return JsonArrayQuery(
        query=lowering.query(fields["query"]),
        format=_lower_format(fields.get("format")),
        returning=_lower_returning(fields.get("output")),
        position=fields.get("location", 0),
    )


def _lower_aggregate(fields: Node, lowering: Lowering) -> JsonAggregate:
    """JsonObjectAgg or JsonArrayAgg, which share what their constructor node holds."""
    constructor, argument = fields["constructor"], fields["arg"]
    pair = argument if "key" in argument else {"value": argument}
    over = constructor.get("over")
    return JsonAggregate(
        key=lowering.optional_expression(pair.get("key")),
        value=_lower_value(pair["value"], lowering),
        is_absent_on_null=fields.get("absent_on_null", False),
        has_unique_keys=fields.get("unique", False),
        returning=_lower_returning(constructor.get("output")),
        order_by=lower_order(constructor.get("agg_order", ()), lowering),
        filter=lowering.optional_expression(constructor.get("agg_filter")),
        window=None if over is None else lower_over(over, lowering),
        position=constructor.get("location", 0),
    )


def _lower_parse(fields: Node, lowering: Lowering) -> JsonParse:
    value = _lower_value(fields["expr"], lowering)
    return JsonParse(value, fields.get("unique_keys", False), fields.get("location", 0))


def _lower_scalar(fields: Node, lowering: Lowering) -> JsonScalar:
    return JsonScalar(lowering.expression(fields["expr"]), fields.get("location", 0))


def _lower_serialize(fields: Node, lowering: Lowering) -> JsonSerialize:
    value = _lower_value(fields["expr"], lowering)
    return JsonSerialize(value, _lower_returning(fields.get("output")), fields.get("location", 0))


def _lower_is_json(fields: Node, lowering: Lowering) -> IsJson:
    return IsJson(
        operand=JsonValue(lowering.expression(fields["expr"]), _lower_format(fields.get("format"))),
        item_kind=_ITEM_KINDS[fields["item_type"]],
        has_unique_keys=fields.get("unique_keys", False),
        position=fields.get("location", 0),
    )


_ITEM_KINDS = {
    "JS_TYPE_ANY": "value",
    "JS_TYPE_OBJECT": "object",
    "JS_TYPE_ARRAY": "array",
    "JS_TYPE_SCALAR": "scalar",
}


# Queries.


def _lower_query_function(fields: Node, lowering: Lowering) -> JsonQuery:
    return JsonQuery(
        function=fields["op"].removeprefix("JSON_").removesuffix("_OP").lower(),
        context=_lower_value(fields["context_item"], lowering),
        path=lowering.expression(fields["pathspec"]),
        passing=_lower_passing(fields.get("passing", ()), lowering),
        returning=_lower_returning(fields.get("output")),
        wrapper=_WRAPPERS[fields.get("wrapper", "JSW_UNSPEC")],
        quotes=_QUOTES[fields.get("quotes", "JS_QUOTES_UNSPEC")],
        on_empty=_lower_behavior(fields.get("on_empty"), lowering),
        on_error=_lower_behavior(fields.get("on_error"), lowering),
        position=fields.get("location", 0),
    )


def _path_text(fields: Node) -> str:
    """A path of JSON_TABLE, which must be a string."""
    value: str | None = fields["string"].get("A_Const", {}).get("sval", {}).get("sval")
    if value is None:
        raise errors.FeatureNotSupported(
            "only string constants are supported in JSON_TABLE path specification",
            position=fields.get("location", 0),
        )
    return value


def _lower_table_column(fields: Node, lowering: Lowering) -> JsonTableColumn:
    path = fields.get("pathspec")
    type_name = fields.get("typeName")
    return JsonTableColumn(
        kind=_COLUMN_KINDS[fields["coltype"]],
        name=fields.get("name", ""),
        type_name=None if type_name is None else lower_type(type_name),
        path=None if path is None else _path_text(path),
        path_name=None if path is None else path.get("name"),
        format=_lower_format(fields.get("format")),
        wrapper=_WRAPPERS[fields["wrapper"]],
        quotes=_QUOTES[fields["quotes"]],
        on_empty=_lower_behavior(fields.get("on_empty"), lowering),
        on_error=_lower_behavior(fields.get("on_error"), lowering),
        columns=tuple(
            _lower_table_column(node["JsonTableColumn"], lowering)
            for node in fields.get("columns", ())
        ),
        position=fields.get("location", -1),
    )


def _lower_table(fields: Node, lowering: Lowering) -> JsonTable:
    path = fields["pathspec"]
    alias = fields.get("alias")
    return JsonTable(
        context=_lower_value(fields["context_item"], lowering),
        path=_path_text(path),
        path_name=path.get("name"),
        passing=_lower_passing(fields.get("passing", ()), lowering),
        columns=tuple(
            _lower_table_column(node["JsonTableColumn"], lowering) for node in fields["columns"]
        ),
        on_error=_lower_behavior(fields.get("on_error"), lowering),
        alias=None if alias is None else alias["aliasname"],
        column_aliases=() if alias is None else strings(alias.get("colnames", ())),
        is_lateral=fields.get("lateral", False),
        position=fields.get("location", 0),
    )


JSON_EXPRESSIONS: Mapping[str, ExpressionRule] = MappingProxyType(
    {
        "JsonArrayAgg": _lower_aggregate,
        "JsonArrayConstructor": _lower_array,
        "JsonArrayQueryConstructor": _lower_array_query,
        "JsonFuncExpr": _lower_query_function,
        "JsonIsPredicate": _lower_is_json,
        "JsonObjectAgg": _lower_aggregate,
        "JsonObjectConstructor": _lower_object,
        "JsonParseExpr": _lower_parse,
        "JsonScalarExpr": _lower_scalar,
        "JsonSerializeExpr": _lower_serialize,
    }
)
JSON_FROM_ITEMS: Mapping[str, FromItemRule] = MappingProxyType({"JsonTable": _lower_table})
