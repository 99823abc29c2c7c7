"""CREATE TABLE: its elements, LIKE, INHERITS, OF, PARTITION BY and PARTITION OF."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.ddl import ColumnDefinition, CreateTable, LikeClause
from lungfish.sql.ast.expressions import Expression
from lungfish.sql.ast.partitions import (
    ColumnOptions,
    PartitionBy,
    PartitionElement,
    PartitionValues,
)
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.libpg import Node
from lungfish.sql.lower_tables import (
    ON_COMMIT,
    PERSISTENCE,
    check_access_method,
    expression_text,
    lower_column,
    lower_column_options,
    lower_constraint,
)
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    name_without_catalog,
    object_name,
    object_name_of,
    require_only,
    strings,
)
from lungfish.sql.storage_parameters import parameter_texts
from lungfish.sql.tablespaces import check_tablespace

_TABLE_FIELDS = frozenset(
    {
        "relation",
        "tableElts",
        "constraints",
        "oncommit",
        "if_not_exists",
        "options",
        "accessMethod",
        "inhRelations",
        "partbound",
        "partspec",
        "ofTypename",
        "tablespacename",
    }
)


def _lower_create_table(fields: Node, lowering: Lowering) -> CreateTable:
    require_only(fields, _TABLE_FIELDS)
    relation = fields["relation"]
    name = object_name(relation)
    bound, specification = fields.get("partbound"), fields.get("partspec")
    if specification is not None and fields.get("options"):
        raise errors.WrongObjectType(
            "cannot specify storage parameters for a partitioned table",
            hint="Specify storage parameters for its leaf partitions instead.",
        )
    parameters = parameter_texts(fields.get("options", ()), "table")
    check_access_method(fields)
    check_tablespace(fields.get("tablespacename", ""))
    elements: list[ColumnDefinition | LikeClause] = []
    options: list[ColumnOptions] = []
    constraints = []
    for node in fields.get("tableElts", ()):
        ((tag, detail),) = node.items()
        if tag == "ColumnDef" and (bound is not None or "ofTypename" in fields):
            options.append(lower_column_options(detail, name.name, lowering))
        elif tag == "ColumnDef":
            elements.append(lower_column(detail, name.name, lowering))
        elif tag == "TableLikeClause":
            elements.append(_lower_like(detail))
        else:
            constraints.append(lower_constraint(detail, lowering))
    return CreateTable(
        name=name,
        elements=tuple(elements),
        constraints=tuple(constraints),
        if_not_exists=fields.get("if_not_exists", False),
        persistence=PERSISTENCE[relation["relpersistence"]],
        on_commit=ON_COMMIT[fields["oncommit"]],
        parents=tuple(object_name(node["RangeVar"]) for node in fields.get("inhRelations", ())),
        partition_by=None if specification is None else _lower_by(specification, lowering),
        values=None if bound is None else lower_partition_values(bound, lowering),
        of_type=None if "ofTypename" not in fields else type_object_name(fields["ofTypename"]),
        options=tuple(options),
        parameters=parameters,
        position=name.position,
    )


def type_object_name(fields: Node) -> ObjectName:
    """The name of a type that is an object of the catalog, as OF has it."""
    return object_name_of(strings(fields["names"]), fields.get("location", 0))


# PostgreSQL's CREATE_TABLE_LIKE bits (nodes/parsenodes.h).
_LIKE_WORDS = (
    (1 << 0, "comments"),
    (1 << 1, "compression"),
    (1 << 2, "constraints"),
    (1 << 3, "defaults"),
    (1 << 4, "generated"),
    (1 << 5, "identity"),
    (1 << 6, "indexes"),
    (1 << 7, "statistics"),
    (1 << 8, "storage"),
)
_LIKE_ALL = 0x7FFFFFFF


def _lower_like(fields: Node) -> LikeClause:
    table = object_name(fields["relation"])
    options = fields.get("options", 0)
    if options == _LIKE_ALL:
        words = frozenset({"all"})
    else:
        words = frozenset({word for bit, word in _LIKE_WORDS if options & bit})
    return LikeClause(table, words, table.position)


# Partitions.

_ELEMENT_FIELDS = frozenset({"name", "expr", "collation", "opclass", "location"})


def _lower_by(fields: Node, lowering: Lowering) -> PartitionBy:
    strategy = fields["strategy"].removeprefix("PARTITION_STRATEGY_").lower()
    elements = [_lower_element(node["PartitionElem"], lowering) for node in fields["partParams"]]
    return PartitionBy(strategy, tuple(elements), fields.get("location", 0))


def _lower_element(fields: Node, lowering: Lowering) -> PartitionElement:
    position = fields.get("location", 0)
    require_only(fields, _ELEMENT_FIELDS, position=position)
    expression = fields.get("expr")
    return PartitionElement(
        fields.get("name"),
        None if expression is None else expression_text(expression, lowering),
        name_without_catalog(fields.get("collation", ())),
        ".".join(name_without_catalog(fields.get("opclass", ()))) or None,
        position,
    )


_STRATEGIES: Mapping[str, str] = {"r": "range", "l": "list", "h": "hash"}


def lower_partition_values(fields: Node, lowering: Lowering) -> PartitionValues:
    """FOR VALUES ..., or DEFAULT."""
    position = fields.get("location", 0)
    if fields.get("is_default", False):
        return PartitionValues("default", position=position)
    return PartitionValues(
        _STRATEGIES[fields["strategy"]],
        values=_lower_values(fields.get("listdatums", ()), lowering),
        lower=_lower_values(fields.get("lowerdatums", ()), lowering),
        upper=_lower_values(fields.get("upperdatums", ()), lowering),
        modulus=fields.get("modulus", 0),
        remainder=fields.get("remainder", 0),
        position=position,
    )


def _lower_values(nodes: list[Node] | tuple[()], lowering: Lowering) -> tuple[Expression, ...]:
    return tuple([lowering.expression(node) for node in nodes])


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType({"CreateStmt": _lower_create_table})

__all__ = ["STATEMENTS", "lower_partition_values", "type_object_name"]
