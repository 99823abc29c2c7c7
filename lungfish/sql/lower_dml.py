"""Statements that change rows: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.dml import (
    Assignment,
    ConflictTarget,
    Copy,
    Delete,
    Insert,
    Merge,
    MergeAction,
    OnConflict,
    Returning,
    SubscriptStep,
    TargetColumn,
    Truncate,
    Update,
)
from lungfish.sql.ast.expressions import Collate, CurrentOf, Default, Expression, Name
from lungfish.sql.ast.queries import Query
from lungfish.sql.libpg import Node
from lungfish.sql.lower_queries import lower_items, lower_table, lower_with
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    name_without_catalog,
    object_name,
    raise_unsupported,
    require_only,
    strings,
)

# INSERT.

_INSERT_FIELDS = frozenset(
    {
        "relation",
        "cols",
        "selectStmt",
        "onConflictClause",
        "returningClause",
        "withClause",
        "override",
    }
)
_OVERRIDES: Mapping[str, str | None] = {
    "OVERRIDING_NOT_SET": None,
    "OVERRIDING_USER_VALUE": "user",
    "OVERRIDING_SYSTEM_VALUE": "system",
}


def _lower_insert(fields: Node, lowering: Lowering) -> Insert:
    require_only(fields, _INSERT_FIELDS)
    query = fields.get("selectStmt")
    conflict = fields.get("onConflictClause")
    with_clause = fields.get("withClause")
    table = lower_table(fields["relation"], lowering)
    return Insert(
        table=table,
        columns=tuple(
            [_lower_target(node["ResTarget"], lowering) for node in fields.get("cols", ())]
        ),
        query=None if query is None else lowering.query(query),
        overriding=_OVERRIDES[fields["override"]],
        on_conflict=None if conflict is None else _lower_conflict(conflict, lowering),
        returning=_lower_returning(fields.get("returningClause"), lowering),
        with_clause=None if with_clause is None else lower_with(with_clause, lowering),
        position=table.position,
    )


def _lower_target(fields: Node, lowering: Lowering) -> TargetColumn:
    indirection: list[SubscriptStep | str] = []
    for step in fields.get("indirection", ()):
        ((tag, detail),) = step.items()
        if tag == "String":
            indirection.append(detail["sval"])
        elif tag == "A_Star":
            raise_unsupported("assignment to .*", fields.get("location", 0))
        elif detail.get("is_slice", False):
            lower = lowering.optional_expression(detail.get("lidx"))
            upper = lowering.optional_expression(detail.get("uidx"))
            indirection.append(SubscriptStep(lower, upper, is_slice=True))
        else:
            # A plain subscript is kept where a slice has its upper bound.
            indirection.append(SubscriptStep(lowering.expression(detail["uidx"])))
    return TargetColumn(fields["name"], tuple(indirection), fields.get("location", 0))


def _lower_conflict(fields: Node, lowering: Lowering) -> OnConflict:
    infer = fields.get("infer")
    return OnConflict(
        target=None if infer is None else _lower_conflict_target(infer, lowering),
        assignments=_lower_assignments(fields.get("targetList", ()), lowering),
        where=_lower_where(fields.get("whereClause"), lowering),
        position=fields.get("location", 0),
    )


def _refuse_order(element: Node, position: int) -> None:
    """Raise InvalidColumnReference for an order, which no unique index depends on."""
    for field, unordered, words in (
        ("ordering", "SORTBY_DEFAULT", "ASC/DESC"),
        ("nulls_ordering", "SORTBY_NULLS_DEFAULT", "NULLS FIRST/LAST"),
    ):
        if element.get(field, unordered) != unordered:
            raise errors.InvalidColumnReference(f"{words} is not allowed in ON CONFLICT clause").at(
                position
            )


_CONFLICT_ELEMENT_FIELDS = frozenset({"name", "expr", "collation", "ordering", "nulls_ordering"})


def _lower_conflict_target(fields: Node, lowering: Lowering) -> ConflictTarget:
    position = fields.get("location", 0)
    elements: list[Expression] = []
    for node in fields.get("indexElems", ()):
        element = node["IndexElem"]
        _refuse_order(element, position)
        require_only(element, _CONFLICT_ELEMENT_FIELDS, position=position)
        expression: Expression
        if "name" in element:
            expression = Name((element["name"],), position)
        else:
            expression = lowering.expression(element["expr"])
        if "collation" in element:
            expression = Collate(expression, name_without_catalog(element["collation"]), position)
        elements.append(expression)
    return ConflictTarget(
        elements=tuple(elements),
        where=_lower_where(fields.get("whereClause"), lowering),
        constraint=fields.get("conname"),
        position=position,
    )


def _lower_returning(fields: Node | None, lowering: Lowering) -> Returning | None:
    if fields is None:
        return None
    aliases = {}
    for node in fields.get("options", ()):
        option = node["ReturningOption"]
        if option["option"] in aliases:
            word = option["option"].removeprefix("RETURNING_OPTION_")
            raise errors.SyntaxError(f"{word} cannot be specified multiple times").at(
                option.get("location", -1)
            )
        aliases[option["option"]] = option["value"]
    return Returning(
        items=lower_items(fields["exprs"], lowering),
        old_alias=aliases.get("RETURNING_OPTION_OLD"),
        new_alias=aliases.get("RETURNING_OPTION_NEW"),
    )


# UPDATE and DELETE.


def _lower_assignments(nodes: Sequence[Node], lowering: Lowering) -> tuple[Assignment, ...]:
    """SET's list. Of (a, b) = row the raw tree has one entry for each column, all with the same source."""
    assignments = []
    columns: list[TargetColumn] = []
    for node in nodes:
        fields = node["ResTarget"]
        target = _lower_target(fields, lowering)
        row = fields["val"].get("MultiAssignRef")
        if row is None:
            assignments.append(
                Assignment((target,), _lower_value(fields["val"], lowering), False, target.position)
            )
            continue
        columns.append(target)
        if row["colno"] == row["ncolumns"]:
            value = _lower_value(row["source"], lowering)
            assignments.append(Assignment(tuple(columns), value, True, columns[0].position))
            columns = []
    return tuple(assignments)


def _lower_value(node: Node, lowering: Lowering) -> Expression | Default:
    return lowering.expression(node)


_UPDATE_FIELDS = frozenset(
    {"relation", "targetList", "whereClause", "fromClause", "returningClause", "withClause"}
)


def _lower_update(fields: Node, lowering: Lowering) -> Update:
    require_only(fields, _UPDATE_FIELDS)
    with_clause = fields.get("withClause")
    table = lower_table(fields["relation"], lowering)
    return Update(
        table=table,
        assignments=_lower_assignments(fields["targetList"], lowering),
        from_items=tuple([lowering.from_item(node) for node in fields.get("fromClause", ())]),
        where=_lower_where(fields.get("whereClause"), lowering),
        returning=_lower_returning(fields.get("returningClause"), lowering),
        with_clause=None if with_clause is None else lower_with(with_clause, lowering),
        position=table.position,
    )


_DELETE_FIELDS = frozenset(
    {"relation", "usingClause", "whereClause", "returningClause", "withClause"}
)


def _lower_delete(fields: Node, lowering: Lowering) -> Delete:
    require_only(fields, _DELETE_FIELDS)
    with_clause = fields.get("withClause")
    table = lower_table(fields["relation"], lowering)
    return Delete(
        table=table,
        using=tuple([lowering.from_item(node) for node in fields.get("usingClause", ())]),
        where=_lower_where(fields.get("whereClause"), lowering),
        returning=_lower_returning(fields.get("returningClause"), lowering),
        with_clause=None if with_clause is None else lower_with(with_clause, lowering),
        position=table.position,
    )


# MERGE.

_MERGE_FIELDS = frozenset(
    {
        "relation",
        "sourceRelation",
        "joinCondition",
        "mergeWhenClauses",
        "returningClause",
        "withClause",
    }
)
_MERGE_ACTION_FIELDS = frozenset(
    {"matchKind", "commandType", "override", "condition", "targetList", "values"}
)
_MERGE_MATCHES: Mapping[str, str] = {
    "MERGE_WHEN_MATCHED": "matched",
    "MERGE_WHEN_NOT_MATCHED_BY_TARGET": "not matched by target",
    "MERGE_WHEN_NOT_MATCHED_BY_SOURCE": "not matched by source",
}
_MERGE_COMMANDS: Mapping[str, str] = {
    "CMD_INSERT": "insert",
    "CMD_UPDATE": "update",
    "CMD_DELETE": "delete",
    "CMD_NOTHING": "nothing",
}


def _lower_merge(fields: Node, lowering: Lowering) -> Merge:
    require_only(fields, _MERGE_FIELDS)
    with_clause = fields.get("withClause")
    table = lower_table(fields["relation"], lowering)
    return Merge(
        table=table,
        source=lowering.from_item(fields["sourceRelation"]),
        condition=lowering.expression(fields["joinCondition"]),
        actions=tuple(
            [
                _lower_merge_action(node["MergeWhenClause"], lowering)
                for node in fields["mergeWhenClauses"]
            ]
        ),
        returning=_lower_returning(fields.get("returningClause"), lowering),
        with_clause=None if with_clause is None else lower_with(with_clause, lowering),
        position=table.position,
    )


def _lower_merge_action(fields: Node, lowering: Lowering) -> MergeAction:
    require_only(fields, _MERGE_ACTION_FIELDS)
    kind = _MERGE_COMMANDS[fields["commandType"]]
    targets = fields.get("targetList", ())
    is_insert = kind == "insert"
    return MergeAction(
        match=_MERGE_MATCHES[fields["matchKind"]],
        condition=lowering.optional_expression(fields.get("condition")),
        kind=kind,
        columns=tuple([_lower_target(node["ResTarget"], lowering) for node in targets])
        if is_insert
        else (),
        values=lowering.expressions(fields.get("values", ())),
        assignments=() if is_insert else _lower_assignments(targets, lowering),
        overriding=_OVERRIDES[fields["override"]],
        position=find_position(fields),
    )


# TRUNCATE and COPY.


def _lower_truncate(fields: Node, _lowering: Lowering) -> Truncate:
    names = []
    only = set()
    for node in fields["relations"]:
        relation = node["RangeVar"]
        name = object_name(relation)
        if not relation.get("inh", False):
            only.add(name)
        names.append(name)
    return Truncate(
        tables=tuple(names),
        only=frozenset(only),
        restart_identity=fields.get("restart_seqs", False),
        is_cascade=fields["behavior"] == "DROP_CASCADE",
        position=names[0].position,
    )


_COPY_FIELDS = frozenset(
    {
        "relation",
        "query",
        "attlist",
        "is_from",
        "is_program",
        "filename",
        "options",
        "whereClause",
    }
)


def _lower_copy(fields: Node, lowering: Lowering) -> Copy:
    require_only(fields, _COPY_FIELDS)
    relation = fields.get("relation")
    table = None if relation is None else object_name(relation)
    query = _lower_copy_query(fields["query"], lowering) if "query" in fields else None
    return Copy(
        table=table,
        columns=strings(fields.get("attlist", ())),
        query=query,
        is_from=fields.get("is_from", False),
        path=fields.get("filename"),
        is_program=fields.get("is_program", False),
        options=tuple(
            [
                (option["defname"].lower(), _lower_copy_option(option.get("arg")))
                for option in [node["DefElem"] for node in fields.get("options", ())]
            ]
        ),
        where=_lower_where(fields.get("whereClause"), lowering),
        position=find_position(fields) if table is None else table.position,
    )


def _lower_copy_query(node: Node, lowering: Lowering) -> Query | Insert | Update | Delete | Merge:
    statement = lowering.statement(node)
    if not isinstance(statement, Query | Insert | Update | Delete | Merge):
        raise_unsupported("COPY of this statement", find_position(node))
    return statement


def _lower_copy_option(argument: Node | None) -> object:
    """An option's value; an option without one is switched on."""
    if argument is None:
        return True
    ((tag, detail),) = argument.items()
    if tag == "Boolean":
        return detail.get("boolval", False)
    if tag == "Integer":
        return detail.get("ival", 0)
    if tag == "Float":
        return detail["fval"]
    if tag == "String":
        return detail.get("sval", "")
    if tag == "A_Star":
        return "*"
    if tag != "List":
        raise_unsupported("this value of a COPY option", find_position(detail))
    return strings(detail["items"])


def _lower_where(node: Node | None, lowering: Lowering) -> Expression | None:
    """A condition; in UPDATE and DELETE it may be CURRENT OF a cursor."""
    if node is not None and "CurrentOfExpr" in node:
        return CurrentOf(node["CurrentOfExpr"]["cursor_name"])
    return lowering.optional_expression(node)


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "CopyStmt": _lower_copy,
        "DeleteStmt": _lower_delete,
        "InsertStmt": _lower_insert,
        "MergeStmt": _lower_merge,
        "TruncateStmt": _lower_truncate,
        "UpdateStmt": _lower_update,
    }
)
