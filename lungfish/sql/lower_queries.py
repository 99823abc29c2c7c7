"""Queries: SELECT, VALUES, set operations, WITH, FROM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.dml import Delete, Insert, Merge, Update
from lungfish.sql.ast.expressions import Expression
from lungfish.sql.ast.queries import (
    ColumnDefinitionItem,
    CommonTableExpression,
    CycleClause,
    FromItem,
    FunctionReference,
    GroupingSet,
    Join,
    JoinKind,
    LockingClause,
    Query,
    SearchClause,
    Select,
    SelectItem,
    SetOperation,
    SubqueryReference,
    TableReference,
    TableSample,
    Values,
    With,
)
from lungfish.sql.libpg import Node
from lungfish.sql.lower_calls import lower_order, lower_window
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    FromItemRule,
    Lowering,
    find_position,
    name_without_catalog,
    object_name,
    raise_unsupported,
    require_only,
    strings,
)

_SELECT_FIELDS = frozenset(
    {
        "distinctClause",
        "targetList",
        "fromClause",
        "whereClause",
        "groupClause",
        "groupDistinct",
        "havingClause",
        "windowClause",
        "valuesLists",
        "sortClause",
        "limitOffset",
        "limitCount",
        "limitOption",
        "lockingClause",
        "withClause",
        "op",
        "all",
        "larg",
        "rarg",
    }
)


def lower_query(fields: Node, lowering: Lowering) -> Query:
    """A SelectStmt, which in PostgreSQL is any kind of query."""
    if "intoClause" in fields:
        raise errors.SyntaxError(
            "SELECT ... INTO is not allowed here",
            position=fields["intoClause"]["rel"].get("location", 0),
        )
    require_only(fields, _SELECT_FIELDS)
    body = _lower_body(fields, lowering)
    with_clause = fields.get("withClause")
    return Query(
        body=body,
        with_clause=None if with_clause is None else lower_with(with_clause, lowering),
        order_by=lower_order(fields.get("sortClause", ()), lowering),
        # LIMIT ALL is LIMIT NULL.
        limit=lowering.optional_expression(fields.get("limitCount")),
        offset=lowering.optional_expression(fields.get("limitOffset")),
        has_ties=fields["limitOption"] == "LIMIT_OPTION_WITH_TIES",
        locking=tuple(
            [_lower_locking(node["LockingClause"]) for node in fields.get("lockingClause", ())]
        ),
        position=body.position,
    )


_SET_OPERATIONS: Mapping[str, str] = {
    "SETOP_UNION": "union",
    "SETOP_INTERSECT": "intersect",
    "SETOP_EXCEPT": "except",
}


def _lower_body(fields: Node, lowering: Lowering) -> Select | Values | SetOperation:
    kind = fields["op"]
    if kind != "SETOP_NONE":
        left = lowering.select(fields["larg"])
        right = lowering.select(fields["rarg"])
        return SetOperation(
            _SET_OPERATIONS[kind], fields.get("all", False), left, right, right.position
        )
    if "valuesLists" in fields:
        rows = tuple(
            [lowering.expressions(node["List"]["items"]) for node in fields["valuesLists"]]
        )
        return Values(rows, rows[0][0].position)
    return _lower_select(fields, lowering)


def _lower_select(fields: Node, lowering: Lowering) -> Select:
    items = lower_items(fields.get("targetList", ()), lowering)
    distinct = fields.get("distinctClause", ())
    # Plain DISTINCT is a list of one empty node.
    is_distinct = len(distinct) == 1 and not distinct[0]
    return Select(
        items=items,
        from_items=tuple([lowering.from_item(node) for node in fields.get("fromClause", ())]),
        where=lowering.optional_expression(fields.get("whereClause")),
        group_by=_lower_grouping_list(fields.get("groupClause", ()), lowering),
        is_group_distinct=fields.get("groupDistinct", False),
        having=lowering.optional_expression(fields.get("havingClause")),
        windows=tuple(
            [lower_window(node["WindowDef"], lowering) for node in fields.get("windowClause", ())]
        ),
        is_distinct=is_distinct,
        distinct_on=() if is_distinct else lowering.expressions(distinct),
        position=items[0].position if items else -1,
    )


def lower_items(nodes: Sequence[Node], lowering: Lowering) -> tuple[SelectItem, ...]:
    """A select list, or that of RETURNING."""
    return tuple(
        [
            SelectItem(lowering.expression(item["val"]), item.get("name"), item.get("location", 0))
            for item in [node["ResTarget"] for node in nodes]
        ]
    )


# GROUP BY.


def _lower_grouping_list(
    nodes: Sequence[Node], lowering: Lowering
) -> tuple[Expression | GroupingSet, ...]:
    """GROUP BY's list; a bare (a, b) in it is the same as a, b."""
    items: list[Expression | GroupingSet] = []
    for node in nodes:
        if _is_bare_row(node):
            items.extend(lowering.expressions(_bare_items(node)))
        elif "GroupingSet" in node:
            items.append(_lower_grouping_set(node["GroupingSet"], lowering))
        else:
            items.append(lowering.expression(node))
    return tuple(items)


def _is_bare_row(node: Node) -> bool:
    """Whether it is (a, b), not ROW(a, b)."""
    row = node.get("RowExpr")
    return row is not None and row["row_format"] == "COERCE_IMPLICIT_CAST"


def _bare_items(row: Node) -> list[Node]:
    """The items of (a, (b, c)), those of bare rows in it among them."""
    items: list[Node] = []
    for node in row["RowExpr"].get("args", ()):
        items.extend(_bare_items(node) if _is_bare_row(node) else [node])
    return items


_GROUPING_KINDS: Mapping[str, str] = {
    "GROUPING_SET_EMPTY": "empty",
    "GROUPING_SET_ROLLUP": "rollup",
    "GROUPING_SET_CUBE": "cube",
    "GROUPING_SET_SETS": "sets",
}


def _lower_grouping_set(fields: Node, lowering: Lowering) -> GroupingSet:
    position = fields.get("location", 0)
    items: list[Expression | GroupingSet] = []
    for node in fields.get("content", ()):
        if _is_bare_row(node):
            place = node["RowExpr"].get("location", 0)
            items.append(GroupingSet("simple", lowering.expressions(_bare_items(node)), place))
        elif "GroupingSet" in node:
            items.append(_lower_grouping_set(node["GroupingSet"], lowering))
        else:
            items.append(lowering.expression(node))
    return GroupingSet(_GROUPING_KINDS[fields["kind"]], tuple(items), position)


# FOR UPDATE.

_LOCK_STRENGTHS: Mapping[str, str] = {
    "LCS_FORUPDATE": "update",
    "LCS_FORNOKEYUPDATE": "no key update",
    "LCS_FORSHARE": "share",
    "LCS_FORKEYSHARE": "key share",
}
_LOCK_WAITS: Mapping[str, str] = {
    "LockWaitBlock": "block",
    "LockWaitSkip": "skip locked",
    "LockWaitError": "nowait",
}


def _lower_locking(fields: Node) -> LockingClause:
    relations = [object_name(node["RangeVar"]) for node in fields.get("lockedRels", ())]
    for relation in relations:
        if relation.schema is not None:
            raise errors.SyntaxError(
                "FOR UPDATE must specify unqualified relation names", position=relation.position
            )
    return LockingClause(
        strength=_LOCK_STRENGTHS[fields["strength"]],
        tables=tuple([relation.name for relation in relations]),
        wait=_LOCK_WAITS[fields["waitPolicy"]],
        position=relations[0].position if relations else -1,
    )


# WITH.

_MATERIALIZED: Mapping[str, bool | None] = {
    "CTEMaterializeDefault": None,
    "CTEMaterializeAlways": True,
    "CTEMaterializeNever": False,
}
_TABLE_EXPRESSION_FIELDS = frozenset(
    {
        "ctename",
        "aliascolnames",
        "ctematerialized",
        "ctequery",
        "search_clause",
        "cycle_clause",
        "location",
    }
)


def lower_with(fields: Node, lowering: Lowering) -> With:
    """A WITH clause."""
    return With(
        is_recursive=fields.get("recursive", False),
        expressions=tuple(
            [_lower_table_expression(node["CommonTableExpr"], lowering) for node in fields["ctes"]]
        ),
        position=fields.get("location", 0),
    )


def _lower_table_expression(fields: Node, lowering: Lowering) -> CommonTableExpression:
    position = fields.get("location", 0)
    require_only(fields, _TABLE_EXPRESSION_FIELDS, position=position)
    statement = lowering.statement(fields["ctequery"])
    if not isinstance(statement, Query | Insert | Update | Delete | Merge):
        raise errors.SyntaxError("SELECT ... INTO is not allowed here", position=position)
    search = fields.get("search_clause")
    cycle = fields.get("cycle_clause")
    return CommonTableExpression(
        name=fields["ctename"],
        query=statement,
        column_aliases=strings(fields.get("aliascolnames", ())),
        is_materialized=_MATERIALIZED[fields["ctematerialized"]],
        search=None if search is None else _lower_search(search),
        cycle=None if cycle is None else _lower_cycle(cycle, lowering),
        position=position,
    )


def _lower_search(fields: Node) -> SearchClause:
    return SearchClause(
        is_breadth_first=fields.get("search_breadth_first", False),
        columns=strings(fields["search_col_list"]),
        sequence_column=fields["search_seq_column"],
        position=fields.get("location", 0),
    )


def _lower_cycle(fields: Node, lowering: Lowering) -> CycleClause:
    return CycleClause(
        columns=strings(fields["cycle_col_list"]),
        mark_column=fields["cycle_mark_column"],
        mark_value=lowering.optional_expression(fields.get("cycle_mark_value")),
        mark_default=lowering.optional_expression(fields.get("cycle_mark_default")),
        path_column=fields["cycle_path_column"],
        position=fields.get("location", 0),
    )


# FROM.


def lower_table(fields: Node, _lowering: Lowering) -> TableReference:
    """A RangeVar as a thing to read from or write to."""
    alias, columns = _lower_alias(fields)
    return TableReference(
        name=object_name(fields),
        alias=alias,
        column_aliases=columns,
        is_only=not fields.get("inh", False),
        position=fields.get("location", 0),
    )


def _lower_alias(fields: Node) -> tuple[str | None, tuple[str, ...]]:
    alias = fields.get("alias")
    if alias is None:
        return None, ()
    return alias["aliasname"], strings(alias.get("colnames", ()))


def _lower_subquery(fields: Node, lowering: Lowering) -> SubqueryReference:
    alias, columns = _lower_alias(fields)
    query = lowering.query(fields["subquery"])
    return SubqueryReference(
        query, alias, columns, fields.get("lateral", False), position=query.position
    )


_FUNCTION_FIELDS = frozenset(
    {"lateral", "ordinality", "is_rowsfrom", "functions", "alias", "coldeflist"}
)


def _lower_function(fields: Node, lowering: Lowering) -> FunctionReference:
    position = find_position(fields)
    require_only(fields, _FUNCTION_FIELDS, position=position)
    calls = []
    own: list[tuple[ColumnDefinitionItem, ...]] = []
    for node in fields["functions"]:
        function, own_definitions = node["List"]["items"]
        own.append(_lower_definitions(own_definitions["List"]["items"] if own_definitions else ()))
        calls.append(lowering.expression(function))
    alias, columns = _lower_alias(fields)
    return FunctionReference(
        calls=tuple(calls),
        alias=alias,
        column_aliases=columns,
        column_definitions=_lower_definitions(fields.get("coldeflist", ())),
        call_definitions=tuple(own) if any(own) else (),
        with_ordinality=fields.get("ordinality", False),
        is_lateral=fields.get("lateral", False),
        position=position,
    )


def _lower_definitions(nodes: Sequence[Node]) -> tuple[ColumnDefinitionItem, ...]:
    return tuple([_lower_definition_item(node["ColumnDef"]) for node in nodes])


_DEFINITION_FIELDS = frozenset({"colname", "typeName", "is_local", "location"})


def _lower_definition_item(fields: Node) -> ColumnDefinitionItem:
    require_only(fields, _DEFINITION_FIELDS, position=fields.get("location", 0))
    return ColumnDefinitionItem(fields["colname"], lower_type(fields["typeName"]))


_JOIN_FIELDS = frozenset(
    {
        "jointype",
        "isNatural",
        "larg",
        "rarg",
        "usingClause",
        "join_using_alias",
        "quals",
        "alias",
        "rtindex",
    }
)
_JOIN_KINDS: Mapping[str, JoinKind] = {
    "JOIN_INNER": JoinKind.INNER,
    "JOIN_LEFT": JoinKind.LEFT,
    "JOIN_RIGHT": JoinKind.RIGHT,
    "JOIN_FULL": JoinKind.FULL,
}


def _lower_join(fields: Node, lowering: Lowering) -> Join:
    require_only(fields, _JOIN_FIELDS)
    kind = _JOIN_KINDS[fields["jointype"]]
    using = strings(fields.get("usingClause", ()))
    condition = lowering.optional_expression(fields.get("quals"))
    is_natural = fields.get("isNatural", False)
    if kind is JoinKind.INNER and condition is None and not using and not is_natural:
        kind = JoinKind.CROSS
    alias, columns = _lower_alias(fields)
    using_alias = fields.get("join_using_alias")
    left = lowering.from_item(fields["larg"])
    right = lowering.from_item(fields["rarg"])
    return Join(
        kind=kind,
        left=left,
        right=right,
        condition=condition,
        using=using,
        using_alias=None if using_alias is None else using_alias["aliasname"],
        is_natural=is_natural,
        alias=alias,
        column_aliases=columns,
        position=right.position,
    )


def _lower_sample(fields: Node, lowering: Lowering) -> FromItem:
    position = fields.get("location", 0)
    table = lowering.from_item(fields["relation"])
    if not isinstance(table, TableReference):
        raise_unsupported("TABLESAMPLE of something that is not a table", position)
    sample = TableSample(
        method=name_without_catalog(fields["method"])[-1],
        arguments=lowering.expressions(fields.get("args", ())),
        seed=lowering.optional_expression(fields.get("repeatable")),
        position=position,
    )
    return TableReference(
        table.name, table.alias, table.column_aliases, sample, table.is_only, table.position
    )


FROM_ITEMS: Mapping[str, FromItemRule] = MappingProxyType(
    {
        "JoinExpr": _lower_join,
        "RangeFunction": _lower_function,
        "RangeSubselect": _lower_subquery,
        "RangeTableSample": _lower_sample,
        "RangeVar": lower_table,
    }
)
