"""Elements of indexes and of exclusion constraints: the parser's tree to ours."""

from __future__ import annotations

from collections.abc import Mapping

from lungfish.sql.ast.ddl import Exclusion, ExpressionText, IndexElement
from lungfish.sql.libpg import Node
from lungfish.sql.lowering import (
    Lowering,
    find_position,
    name_without_catalog,
    operator_name,
    raise_unsupported,
    require_only,
)
from lungfish.sql.unparse_queries import unparse_expression

_ELEMENT_FIELDS = frozenset({"name", "expr", "collation", "opclass", "ordering", "nulls_ordering"})
_NULLS_FIRST: Mapping[str, bool | None] = {
    "SORTBY_NULLS_DEFAULT": None,
    "SORTBY_NULLS_FIRST": True,
    "SORTBY_NULLS_LAST": False,
}


def lower_index_element(fields: Node, position: int, lowering: Lowering) -> IndexElement:
    """One element; `position` is that of what it belongs to, for those that have none."""
    require_only(fields, _ELEMENT_FIELDS, position=position)
    expression = fields.get("expr")
    if expression is not None:
        position = find_position(expression)
    operator_class = name_without_catalog(fields.get("opclass", ()))
    if len(operator_class) > 1:
        raise_unsupported("an operator class with a schema", position)
    return IndexElement(
        column=fields.get("name"),
        expression=None if expression is None else expression_text(expression, lowering),
        is_descending=fields["ordering"] == "SORTBY_DESC",
        nulls_first=_NULLS_FIRST[fields["nulls_ordering"]],
        collation=name_without_catalog(fields.get("collation", ())),
        operator_class=operator_class[0] if operator_class else None,
        position=position,
    )


def expression_text(node: Node, lowering: Lowering) -> ExpressionText:
    """An expression that will be stored."""
    expression = lowering.expression(node)
    return ExpressionText(expression, unparse_expression(expression))


def lower_exclusion(fields: Node, lowering: Lowering) -> Exclusion:
    """What a CONSTR_EXCLUSION has besides what all constraints have."""
    position = fields.get("location", 0)
    pairs = [node["List"]["items"] for node in fields["exclusions"]]
    where = fields.get("where_clause")
    return Exclusion(
        elements=tuple(
            (
                lower_index_element(element["IndexElem"], position, lowering),
                operator_name(operator["List"]["items"], position),
            )
            for element, operator in pairs
        ),
        method=fields.get("access_method", "btree"),
        where=None if where is None else expression_text(where, lowering),
    )
