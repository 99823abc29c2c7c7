"""CREATE, ALTER and DROP STATISTICS."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish.errors import FeatureNotSupported
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.statistics import AlterStatistics, CreateStatistics, DropStatistics
from lungfish.sql.libpg import Node
from lungfish.sql.lower_tables import expression_text
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    object_name,
    object_name_of,
    strings,
)

TAG = "OBJECT_STATISTIC_EXT"


def _lower_create(fields: Node, lowering: Lowering) -> CreateStatistics:
    relations = fields["relations"]
    if len(relations) != 1 or "RangeVar" not in relations[0]:
        raise FeatureNotSupported("only a single relation is allowed in CREATE STATISTICS")
    elements = [node["StatsElem"] for node in fields["exprs"]]
    names = strings(fields.get("defnames", ()))
    table = object_name(relations[0]["RangeVar"])
    return CreateStatistics(
        name=object_name_of(names, table.position) if names else None,
        table=table,
        columns=tuple([each["name"] for each in elements if "name" in each]),
        expressions=tuple(
            [expression_text(each["expr"], lowering) for each in elements if "expr" in each]
        ),
        kinds=strings(fields.get("stat_types", ())),
        if_not_exists=fields.get("if_not_exists", False),
        position=table.position,
    )


def _lower_alter(fields: Node, _lowering: Lowering) -> AlterStatistics:
    target = fields.get("stxstattarget", {}).get("Integer")
    return AlterStatistics(
        object_name_of(strings(fields["defnames"])),
        "target",
        None if target is None else target.get("ival", 0),
        fields.get("missing_ok", False),
    )


def named_statistics(node: Node) -> ObjectName:
    """The name in ALTER STATISTICS ... RENAME and its kin."""
    return object_name_of(strings(node["List"]["items"]))


def lower_drop_statistics(fields: Node) -> DropStatistics:
    """DROP STATISTICS, which shares a node with other DROPs."""
    names = tuple([named_statistics(node) for node in fields["objects"]])
    return DropStatistics(names, fields.get("missing_ok", False))


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {"AlterStatsStmt": _lower_alter, "CreateStatsStmt": _lower_create}
)
