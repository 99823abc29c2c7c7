"""Expressions, except calls (`lower_calls`) and the queries inside them (`lower_queries`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.expressions import (
    And,
    ArrayConstructor,
    ArraySubquery,
    Between,
    Binary,
    Case,
    CaseBranch,
    Cast,
    Coalesce,
    Collate,
    Default,
    Exists,
    Expression,
    Extreme,
    FieldAccess,
    FunctionCall,
    Grouping,
    InList,
    IsBoolean,
    IsDistinct,
    IsNull,
    Literal,
    Name,
    Not,
    NullIf,
    Or,
    Parameter,
    PatternMatch,
    QuantifiedArray,
    QuantifiedSubquery,
    Row,
    Star,
    Subquery,
    Subscript,
    Unary,
)
from lungfish.sql.libpg import Node
from lungfish.sql.lower_calls import lower_call, lower_value_function
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    ExpressionRule,
    Lowering,
    name_without_catalog,
    operator_name,
    raise_unsupported,
    require_only,
    strings,
)

_INTEGER = Literal.Kind.INTEGER
_DECIMAL = Literal.Kind.DECIMAL
_STRING = Literal.Kind.STRING


def _lower_constant(fields: Node, _lowering: Lowering) -> Literal:
    position = fields.get("location", 0)
    if "ival" in fields:
        return Literal(_INTEGER, str(fields["ival"].get("ival", 0)), position)
    if "sval" in fields:
        return Literal(_STRING, fields["sval"].get("sval", ""), position)
    if "fval" in fields:
        return _lower_number(fields["fval"]["fval"], position)
    if "boolval" in fields:
        text = "true" if fields["boolval"].get("boolval") else "false"
        return Literal(Literal.Kind.BOOLEAN, text, position)
    if "bsval" in fields:
        text = fields["bsval"]["bsval"]
        return Literal(
            Literal.Kind.BIT_STRING, text[1:] if text[0] == "b" else "x" + text[1:], position
        )
    return Literal(Literal.Kind.NULL, "", position)


def _lower_number(text: str, position: int) -> Literal:
    """A number too large for 32 bits or not whole; the grammar has folded a minus sign into it."""
    digits = text.replace("_", "")
    unsigned = digits.lstrip("-")
    if unsigned[:2].lower() in ("0x", "0o", "0b"):
        digits = str(int(digits, 0))
    kind = _INTEGER if digits.lstrip("-").isdigit() else _DECIMAL
    return Literal(kind, digits, position)


def _lower_column(fields: Node, _lowering: Lowering) -> Name | Star:
    nodes = fields["fields"]
    position = fields.get("location", 0)
    if "A_Star" in nodes[-1]:
        return Star(strings(nodes[:-1]), position)
    return Name(strings(nodes), position)


def _lower_parameter(fields: Node, _lowering: Lowering) -> Parameter:
    number = fields.get("number", 0)
    position = fields.get("location", 0)
    if number < 1:
        raise errors.UndefinedParameter(f"there is no parameter ${number}", position=position)
    return Parameter(number - 1, position)


def _lower_boolean(fields: Node, lowering: Lowering) -> Expression:
    position = fields.get("location", 0)
    kind = fields["boolop"]
    if kind == "NOT_EXPR":
        return _lower_not(fields["args"][0], position, lowering)
    operands = lowering.expressions(fields["args"])
    return And(operands, position) if kind == "AND_EXPR" else Or(operands, position)


def _lower_not(operand: Node, position: int, lowering: Lowering) -> Expression:
    """NOT; `x NOT IN (SELECT ...)` reaches us as NOT (x IN ...), which is the same as `x <> ALL (SELECT ...)`."""
    link = operand.get("SubLink")
    if link is not None and link["subLinkType"] == "ANY_SUBLINK" and "operName" not in link:
        return QuantifiedSubquery(
            lowering.expression(link["testexpr"]),
            "<>",
            True,
            lowering.query(link["subselect"]),
            link.get("location", 0),
            is_not_in=True,
        )
    return Not(lowering.expression(operand), position)


def _lower_null_test(fields: Node, lowering: Lowering) -> IsNull:
    require_only(fields, _NULL_TEST_FIELDS)
    return IsNull(
        lowering.expression(fields["arg"]),
        fields["nulltesttype"] == "IS_NOT_NULL",
        fields.get("location", 0),
    )


_NULL_TEST_FIELDS = frozenset({"arg", "nulltesttype", "location"})

# booltesttype -> (value, is_negated)
_BOOLEAN_TESTS: Mapping[str, tuple[bool | None, bool]] = {
    "IS_TRUE": (True, False),
    "IS_NOT_TRUE": (True, True),
    "IS_FALSE": (False, False),
    "IS_NOT_FALSE": (False, True),
    "IS_UNKNOWN": (None, False),
    "IS_NOT_UNKNOWN": (None, True),
}


def _lower_boolean_test(fields: Node, lowering: Lowering) -> IsBoolean:
    value, is_negated = _BOOLEAN_TESTS[fields["booltesttype"]]
    return IsBoolean(
        lowering.expression(fields["arg"]), value, is_negated, fields.get("location", 0)
    )


def _lower_cast(fields: Node, lowering: Lowering) -> Cast:
    position = fields.get("location", 0)
    type_name = lower_type(fields["typeName"])
    # DATE '2020-01-01' and the like have no place of their own.
    return Cast(
        lowering.expression(fields["arg"]),
        type_name,
        position if position >= 0 else type_name.position,
    )


def _lower_case(fields: Node, lowering: Lowering) -> Case:
    branches = tuple(
        CaseBranch(
            lowering.expression(branch["CaseWhen"]["expr"]),
            lowering.expression(branch["CaseWhen"]["result"]),
        )
        for branch in fields["args"]
    )
    return Case(
        lowering.optional_expression(fields.get("arg")),
        branches,
        lowering.optional_expression(fields.get("defresult")),
        fields.get("location", 0),
    )


def _lower_merge_support(fields: Node, lowering: Lowering) -> FunctionCall:
    """MERGE_ACTION()."""
    return FunctionCall(("merge_action",), (), position=fields.get("location", 0))


def _lower_coalesce(fields: Node, lowering: Lowering) -> Coalesce:
    return Coalesce(lowering.expressions(fields["args"]), fields.get("location", 0))


def _lower_extreme(fields: Node, lowering: Lowering) -> Extreme:
    return Extreme(
        fields["op"] == "IS_GREATEST",
        lowering.expressions(fields["args"]),
        fields.get("location", 0),
    )


def _lower_sublink(fields: Node, lowering: Lowering) -> Expression:
    kind = fields["subLinkType"]
    position = fields.get("location", 0)
    query = lowering.query(fields["subselect"])
    if kind == "EXPR_SUBLINK":
        return Subquery(query, position)
    if kind == "EXISTS_SUBLINK":
        return Exists(query, position)
    if kind == "ARRAY_SUBLINK":
        return ArraySubquery(query, position)
    if kind not in ("ANY_SUBLINK", "ALL_SUBLINK"):
        raise_unsupported(kind, position)
    names = fields.get("operName")
    operator = "=" if names is None else operator_name(names, position)
    operand = lowering.expression(fields["testexpr"])
    is_all = kind == "ALL_SUBLINK"
    if operator in _PATTERN_OPERATORS:
        raise_unsupported("LIKE with ANY or ALL", position)
    return QuantifiedSubquery(operand, operator, is_all, query, position)


def _lower_row(fields: Node, lowering: Lowering) -> Row:
    return Row(lowering.expressions(fields.get("args", ())), fields.get("location", 0))


def _lower_array(fields: Node, lowering: Lowering) -> ArrayConstructor:
    return ArrayConstructor(
        lowering.expressions(fields.get("elements", ())), fields.get("location", 0)
    )


# A chain is flat in the raw tree and nested in ours. PostgreSQL's arrays have at most six dimensions.
_INDIRECTION_STEPS_MAX = 100


def _lower_indirection(fields: Node, lowering: Lowering) -> Expression:
    """(x).field, x[i], x[i:j] and chains of them, from the inside out."""
    expression = lowering.expression(fields["arg"])
    position = expression.position
    steps = fields["indirection"]
    if len(steps) > _INDIRECTION_STEPS_MAX:
        raise errors.StatementTooComplex("stack depth limit exceeded", position=position)
    is_joined = False
    for step in steps:
        ((tag, detail),) = step.items()
        if tag == "String":
            expression = FieldAccess(expression, detail["sval"], position)
        elif tag == "A_Star":
            expression = FieldAccess(expression, "*", position)
        else:
            expression = _subscript(expression, detail, lowering, is_joined=is_joined)
        is_joined = tag == "A_Indices"
    return expression


def _subscript(
    operand: Expression, fields: Node, lowering: Lowering, *, is_joined: bool
) -> Subscript:
    """PostgreSQL keeps a plain subscript where it keeps a slice's upper bound."""
    lower = lowering.optional_expression(fields.get("lidx"))
    upper = lowering.optional_expression(fields.get("uidx"))
    if fields.get("is_slice", False):
        return Subscript(operand, lower, upper, True, operand.position, is_joined)
    return Subscript(operand, upper, None, False, operand.position, is_joined)


def _lower_collate(fields: Node, lowering: Lowering) -> Collate:
    return Collate(
        lowering.expression(fields["arg"]),
        name_without_catalog(fields["collname"]),
        fields.get("location", 0),
    )


def _lower_grouping(fields: Node, lowering: Lowering) -> Grouping:
    return Grouping(lowering.expressions(fields["args"]), fields.get("location", 0))


def _lower_default(fields: Node, _lowering: Lowering) -> Default:
    return Default(fields.get("location", 0))


# Operators.

_OPERATION_FIELDS = frozenset(
    {"kind", "name", "lexpr", "rexpr", "rexpr_list_start", "rexpr_list_end", "location"}
)
_PATTERN_OPERATORS = frozenset({"~~", "!~~", "~~*", "!~~*"})


def _lower_operation(fields: Node, lowering: Lowering) -> Expression:
    """An A_Expr: an operator, or one of the constructs that PostgreSQL keeps as one."""
    position = fields.get("location", 0)
    kind = fields["kind"]
    if kind == "AEXPR_OP":
        *schemas, operator = name_without_catalog(fields["name"])
        schema = schemas[-1] if schemas else None
        right = lowering.expression(fields["rexpr"])
        if "lexpr" not in fields:
            return Unary(operator, right, position, schema)
        return Binary(operator, lowering.expression(fields["lexpr"]), right, position, schema)
    require_only(fields, _OPERATION_FIELDS, position=position)
    rule = _OPERATIONS.get(kind)
    if rule is None:
        raise_unsupported(kind, position)
    return rule(fields, lowering)


def _lower_quantified_array(fields: Node, lowering: Lowering) -> QuantifiedArray:
    position = fields.get("location", 0)
    return QuantifiedArray(
        lowering.expression(fields["lexpr"]),
        operator_name(fields["name"], position),
        fields["kind"] == "AEXPR_OP_ALL",
        lowering.expression(fields["rexpr"]),
        position,
    )


def _lower_distinct(fields: Node, lowering: Lowering) -> IsDistinct:
    return IsDistinct(
        lowering.expression(fields["lexpr"]),
        lowering.expression(fields["rexpr"]),
        fields["kind"] == "AEXPR_NOT_DISTINCT",
        fields.get("location", 0),
    )


def _lower_nullif(fields: Node, lowering: Lowering) -> NullIf:
    return NullIf(
        lowering.expression(fields["lexpr"]),
        lowering.expression(fields["rexpr"]),
        fields.get("location", 0),
    )


def _lower_in_list(fields: Node, lowering: Lowering) -> InList:
    return InList(
        lowering.expression(fields["lexpr"]),
        lowering.expressions(fields["rexpr"]["List"]["items"]),
        strings(fields["name"]) == ("<>",),
        fields.get("location", 0),
    )


_PATTERN_KINDS: Mapping[str, str] = {
    "AEXPR_LIKE": "like",
    "AEXPR_ILIKE": "ilike",
    "AEXPR_SIMILAR": "similar to",
}
_ESCAPE_FUNCTIONS = frozenset({("pg_catalog", "like_escape"), ("pg_catalog", "similar_to_escape")})


def _lower_pattern(fields: Node, lowering: Lowering) -> PatternMatch:
    """LIKE and its kin; the grammar wraps a pattern with ESCAPE into a call."""
    pattern, escape = fields["rexpr"], None
    call = pattern.get("FuncCall")
    if call is not None and strings(call["funcname"]) in _ESCAPE_FUNCTIONS:
        # The pattern alone is what SIMILAR TO hands over, and LIKE never.
        if len(call["args"]) == 2 or fields["kind"] == "AEXPR_SIMILAR":
            pattern, *rest = call["args"]
            escape = lowering.expression(rest[0]) if rest else None
    return PatternMatch(
        kind=_PATTERN_KINDS[fields["kind"]],
        operand=lowering.expression(fields["lexpr"]),
        pattern=lowering.expression(pattern),
        escape=escape,
        is_negated=strings(fields["name"])[0].startswith("!"),
        position=fields.get("location", 0),
    )


def _lower_between(fields: Node, lowering: Lowering) -> Between:
    low, high = fields["rexpr"]["List"]["items"]
    kind = fields["kind"]
    return Between(
        operand=lowering.expression(fields["lexpr"]),
        low=lowering.expression(low),
        high=lowering.expression(high),
        is_symmetric=kind.endswith("_SYM"),
        is_negated=kind.startswith("AEXPR_NOT"),
        position=fields.get("location", 0),
    )


_OPERATIONS: Mapping[str, ExpressionRule] = MappingProxyType(
    {
        "AEXPR_OP_ANY": _lower_quantified_array,
        "AEXPR_OP_ALL": _lower_quantified_array,
        "AEXPR_DISTINCT": _lower_distinct,
        "AEXPR_NOT_DISTINCT": _lower_distinct,
        "AEXPR_NULLIF": _lower_nullif,
        "AEXPR_IN": _lower_in_list,
        "AEXPR_LIKE": _lower_pattern,
        "AEXPR_ILIKE": _lower_pattern,
        "AEXPR_SIMILAR": _lower_pattern,
        "AEXPR_BETWEEN": _lower_between,
        "AEXPR_NOT_BETWEEN": _lower_between,
        "AEXPR_BETWEEN_SYM": _lower_between,
        "AEXPR_NOT_BETWEEN_SYM": _lower_between,
    }
)

EXPRESSIONS: Mapping[str, ExpressionRule] = MappingProxyType(
    {
        "A_ArrayExpr": _lower_array,
        "A_Const": _lower_constant,
        "A_Expr": _lower_operation,
        "A_Indirection": _lower_indirection,
        "BoolExpr": _lower_boolean,
        "BooleanTest": _lower_boolean_test,
        "CaseExpr": _lower_case,
        "CoalesceExpr": _lower_coalesce,
        "MergeSupportFunc": _lower_merge_support,
        "CollateClause": _lower_collate,
        "ColumnRef": _lower_column,
        "FuncCall": lower_call,
        "GroupingFunc": _lower_grouping,
        "MinMaxExpr": _lower_extreme,
        "NullTest": _lower_null_test,
        "ParamRef": _lower_parameter,
        "RowExpr": _lower_row,
        "SQLValueFunction": lower_value_function,
        "SetToDefault": _lower_default,
        "SubLink": _lower_sublink,
        "TypeCast": _lower_cast,
    }
)
