"""CREATE of everything but tables (indexes, views, schemas, sequences, types), and DROP and COMMENT of anything."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.built_ins import DropBuiltIn
from lungfish.sql.ast.ddl import (
    AlterSequence,
    ColumnDefinition,
    Comment,
    ConstraintDefinition,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    CreateView,
    Drop,
    ExpressionText,
    RefreshMaterializedView,
)
from lungfish.sql.ast.operators import CommentCast, CommentOperator
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.rights import OWNER
from lungfish.sql.ast.routines import CommentFunction, DropFunction
from lungfish.sql.ast.rules import DropRule
from lungfish.sql.ast.statistics import AlterStatistics, DropStatistics
from lungfish.sql.ast.type_definitions import (
    AlterEnum,
    CreateCompositeType,
    CreateDomain,
    CreateEnum,
)
from lungfish.sql.ast.upkeep import DropAbsent
from lungfish.sql.libpg import Node
from lungfish.sql.lower_alter import kind_of
from lungfish.sql.lower_built_ins import lower_drop_built_in
from lungfish.sql.lower_functions import (
    is_routine_kind,
    lower_comment_function,
    lower_drop_function,
)
from lungfish.sql.lower_index_elements import lower_index_element
from lungfish.sql.lower_operators import lower_comment_operator
from lungfish.sql.lower_rights import lower_role
from lungfish.sql.lower_rules import lower_drop_rule
from lungfish.sql.lower_statistics import TAG as STATISTICS_TAG
from lungfish.sql.lower_statistics import lower_drop_statistics, named_statistics
from lungfish.sql.lower_tables import (
    PERSISTENCE,
    expression_text,
    lower_collation,
    lower_constraint,
    lower_sequence_options,
)
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lower_upkeep import absent_kind, lower_drop_absent
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    object_name,
    object_name_of,
    require_only,
    strings,
)
from lungfish.sql.storage_parameters import check_parameters, parameter_texts
from lungfish.sql.tablespaces import check_tablespace
from lungfish.sql.unparse_queries import unparse_query

# Indexes.

_INDEX_FIELDS = frozenset(
    {
        "idxname",
        "relation",
        "accessMethod",
        "indexParams",
        "indexIncludingParams",
        "whereClause",
        "unique",
        "nulls_not_distinct",
        "concurrent",
        "if_not_exists",
        "options",
        "tableSpace",
    }
)


def _lower_create_index(fields: Node, lowering: Lowering) -> CreateIndex:
    table = object_name(fields["relation"])
    require_only(fields, _INDEX_FIELDS, position=table.position)
    check_tablespace(fields.get("tableSpace", ""))
    where = fields.get("whereClause")
    included = [node["IndexElem"] for node in fields.get("indexIncludingParams", ())]
    for element in included:
        if "name" not in element:
            raise errors.FeatureNotSupported(
                "expressions are not supported in included columns", position=find_position(element)
            )
    return CreateIndex(
        name=fields.get("idxname"),
        table=table,
        elements=tuple(
            [
                lower_index_element(node["IndexElem"], table.position, lowering)
                for node in fields["indexParams"]
            ]
        ),
        is_unique=fields.get("unique", False),
        method=fields["accessMethod"],
        include=tuple([element["name"] for element in included]),
        where=None if where is None else expression_text(where, lowering),
        nulls_not_distinct=fields.get("nulls_not_distinct", False),
        if_not_exists=fields.get("if_not_exists", False),
        is_concurrent=fields.get("concurrent", False),
        is_only=not fields["relation"].get("inh", False),
        parameters=parameter_texts(fields.get("options", ()), "index"),
        position=table.position,
    )


# Views.

_VIEW_FIELDS = frozenset({"view", "aliases", "query", "replace", "withCheckOption", "options"})
_CHECK_OPTIONS: Mapping[str, str | None] = {
    "NO_CHECK_OPTION": None,
    "LOCAL_CHECK_OPTION": "local",
    "CASCADED_CHECK_OPTION": "cascaded",
}


def _lower_create_view(fields: Node, lowering: Lowering) -> CreateView:
    name = object_name(fields["view"])
    require_only(fields, _VIEW_FIELDS, position=name.position)
    parameters = check_parameters(fields.get("options", ()), "view")
    check_option = _CHECK_OPTIONS[fields["withCheckOption"]]
    if check_option is not None:
        if "check_option" in parameters:
            raise errors.InvalidParameterValue('parameter "check_option" specified more than once')
        parameters["check_option"] = check_option
    query = lowering.query(fields["query"])
    return CreateView(
        name=name,
        column_names=strings(fields.get("aliases", ())),
        query=query,
        text=unparse_query(query),
        or_replace=fields.get("replace", False),
        persistence=PERSISTENCE[fields["view"]["relpersistence"]],
        parameters=tuple([f"{name}={value}" for name, value in parameters.items()]),
        position=name.position,
    )


_REFRESH_FIELDS = frozenset({"relation", "skipData", "concurrent"})


def _lower_refresh(fields: Node, _lowering: Lowering) -> RefreshMaterializedView:
    name = object_name(fields["relation"])
    require_only(fields, _REFRESH_FIELDS, position=name.position)
    return RefreshMaterializedView(
        name,
        not fields.get("skipData", False),
        name.position,
        is_concurrent=fields.get("concurrent", False),
    )


# Schemas and sequences.

_SCHEMA_FIELDS = frozenset({"schemaname", "schemaElts", "if_not_exists", "authrole"})


def _lower_create_schema(fields: Node, lowering: Lowering) -> CreateSchema:
    require_only(fields, _SCHEMA_FIELDS)
    owner = lower_role(fields["authrole"]) if "authrole" in fields else None
    name = fields.get("schemaname")
    if name is None:
        # A schema without a name has that of its owner.
        assert owner is not None, "one of the two is written"
        name = owner.name or OWNER
    return CreateSchema(
        name=name,
        owner=owner,
        if_not_exists=fields.get("if_not_exists", False),
        elements=tuple([lowering.statement(node) for node in fields.get("schemaElts", ())]),
    )


_SEQUENCE_FIELDS = frozenset({"sequence", "options", "if_not_exists"})


def _lower_create_sequence(fields: Node, _lowering: Lowering) -> CreateSequence:
    name = object_name(fields["sequence"])
    require_only(fields, _SEQUENCE_FIELDS, position=name.position)
    return CreateSequence(
        name=name,
        options=lower_sequence_options(fields.get("options", ())),
        if_not_exists=fields.get("if_not_exists", False),
        persistence=PERSISTENCE[fields["sequence"]["relpersistence"]],
        position=name.position,
    )


def _lower_alter_sequence(fields: Node, _lowering: Lowering) -> AlterSequence:
    name = object_name(fields["sequence"])
    return AlterSequence(
        name=name,
        options=lower_sequence_options(fields.get("options", ())),
        if_exists=fields.get("missing_ok", False),
        position=name.position,
    )


# Types.


def _lower_create_enum(fields: Node, _lowering: Lowering) -> CreateEnum:
    return CreateEnum(object_name_of(strings(fields["typeName"])), strings(fields.get("vals", ())))


def _lower_alter_enum(fields: Node, _lowering: Lowering) -> AlterEnum:
    return AlterEnum(
        name=object_name_of(strings(fields["typeName"])),
        new_label=fields["newVal"],
        old_label=fields.get("oldVal"),
        neighbour=fields.get("newValNeighbor"),
        is_after=fields.get("newValIsAfter", False),
        if_not_exists=fields.get("skipIfNewValExists", False),
    )


_ATTRIBUTE_FIELDS = frozenset({"colname", "typeName", "is_local", "collClause", "location"})


def _lower_composite_type(fields: Node, _lowering: Lowering) -> CreateCompositeType:
    columns = []
    for node in fields.get("coldeflist", ()):
        column = node["ColumnDef"]
        position = column.get("location", 0)
        require_only(column, _ATTRIBUTE_FIELDS, position=position)
        columns.append(
            ColumnDefinition(
                name=column["colname"],
                type_name=lower_type(column["typeName"]),
                collation=lower_collation(column),
                position=position,
            )
        )
    name = object_name(fields["typevar"])
    return CreateCompositeType(name, tuple(columns), name.position)


_DOMAIN_FIELDS = frozenset({"domainname", "typeName", "collClause", "constraints"})


_NULLS = frozenset({"CONSTR_NULL", "CONSTR_NOTNULL"})
# Constraints that a domain cannot have, and what else may stand behind one of a column.
_NOT_FOR_DOMAINS = {
    "CONSTR_UNIQUE": "unique", "CONSTR_PRIMARY": "primary key", "CONSTR_EXCLUSION": "exclusion",
    "CONSTR_FOREIGN": "foreign key",
}  # fmt: skip


def _refuse_domain_constraint(kind: str, position: int) -> errors.Error:
    if kind in _NOT_FOR_DOMAINS:
        return errors.SyntaxError(
            f"{_NOT_FOR_DOMAINS[kind]} constraints not possible for domains", position=position
        )
    if kind.endswith("ENFORCED"):
        return errors.InvalidObjectDefinition(
            "specifying constraint enforceability not supported for domains", position=position
        )
    if kind.startswith("CONSTR_ATTR"):
        return errors.FeatureNotSupported(
            "specifying constraint deferrability not supported for domains", position=position
        )
    return errors.FeatureNotSupported(
        "specifying GENERATED not supported for domains", position=position
    )


def _lower_create_domain(fields: Node, lowering: Lowering) -> CreateDomain:
    type_name = lower_type(fields["typeName"])
    require_only(fields, _DOMAIN_FIELDS, position=type_name.position)
    default: ExpressionText | None = None
    constraints: list[ConstraintDefinition] = []
    kinds: set[str] = set()
    for node in fields.get("constraints", ()):
        constraint = node["Constraint"]
        kind = constraint["contype"]
        if kind in _NULLS and (_NULLS - {kind}) & kinds:
            raise errors.SyntaxError(
                "conflicting NULL/NOT NULL constraints", position=constraint.get("location", 0)
            )
        if kind == "CONSTR_NOTNULL" and kind in kinds:
            raise errors.InvalidObjectDefinition(
                "redundant NOT NULL constraint definition", position=constraint.get("location", 0)
            )
        kinds.add(kind)
        if kind == "CONSTR_DEFAULT":
            if default is not None:
                raise errors.SyntaxError(
                    "multiple default expressions", position=constraint.get("location", 0)
                )
            default = expression_text(constraint["raw_expr"], lowering)
        elif kind == "CONSTR_CHECK" and constraint.get("is_no_inherit"):
            raise errors.InvalidObjectDefinition(
                "check constraints for domains cannot be marked NO INHERIT",
                position=constraint.get("location", 0),
            )
        elif kind in ("CONSTR_CHECK", "CONSTR_NOTNULL"):
            constraints.append(lower_constraint(constraint, lowering))
        elif kind != "CONSTR_NULL":
            raise _refuse_domain_constraint(kind, constraint.get("location", 0))
    return CreateDomain(
        name=object_name_of(strings(fields["domainname"]), type_name.position),
        type_name=type_name,
        default=default,
        constraints=tuple(constraints),
        collation=lower_collation(fields),
        position=type_name.position,
    )


# DROP and COMMENT.

_DROP_FIELDS = frozenset({"objects", "removeType", "behavior", "missing_ok", "concurrent"})


def _lower_drop(
    fields: Node, _lowering: Lowering
) -> Drop | DropFunction | DropAbsent | DropRule | DropStatistics | DropBuiltIn:
    require_only(fields, _DROP_FIELDS)
    if fields["removeType"] == "OBJECT_RULE":
        return lower_drop_rule(fields)
    absent = lower_drop_absent(fields)
    if absent is not None:
        return absent
    if fields["removeType"] == STATISTICS_TAG:
        return lower_drop_statistics(fields)
    built_in = lower_drop_built_in(fields)
    if built_in is not None:
        return built_in
    if is_routine_kind(fields["removeType"]):
        return lower_drop_function(fields)
    kind = kind_of(fields["removeType"], "DROP", find_position(fields))
    names = tuple([_named_object(node) for node in fields["objects"]])
    return Drop(
        kind=kind,
        names=names,
        if_exists=fields.get("missing_ok", False),
        is_cascade=fields["behavior"] == "DROP_CASCADE",
        is_concurrent=fields.get("concurrent", False),
        position=names[0].position,
    )


def _named_object(node: Node) -> ObjectName:
    """The name of an object, in any of the three forms that DROP and COMMENT keep it in."""
    ((tag, detail),) = node.items()
    if tag == "String":
        return ObjectName(detail["sval"])
    if tag == "TypeName":
        type_name = lower_type(detail)
        return ObjectName(type_name.name, type_name.schema, type_name.position)
    return object_name_of(strings(detail["items"]))


_COMMENT_FIELDS = frozenset({"objtype", "object", "comment"})


def _lower_comment(
    fields: Node, _lowering: Lowering
) -> Comment | CommentFunction | CommentOperator | CommentCast | AlterStatistics:
    require_only(fields, _COMMENT_FIELDS)
    text = fields.get("comment")
    if fields["objtype"] in ("OBJECT_OPERATOR", "OBJECT_CAST"):
        return lower_comment_operator(fields["object"], text)
    if fields["objtype"] == STATISTICS_TAG:
        return AlterStatistics(named_statistics(fields["object"]), "comment", text)
    if is_routine_kind(fields["objtype"]):
        return lower_comment_function(fields)
    absent = absent_kind(fields["objtype"])
    kind = absent or kind_of(fields["objtype"], "COMMENT ON", find_position(fields))
    if kind in ("column", "constraint", "trigger", "policy", "rule"):
        parts = strings(fields["object"]["List"]["items"])
        if len(parts) < 2:
            raise errors.SyntaxError("column name must be qualified")
        return Comment(kind, object_name_of(parts[:-1]), parts[-1], text)
    if kind == "domain constraint":
        owner, own = fields["object"]["List"]["items"]
        domain = object_name_of(strings(owner["TypeName"]["names"]))
        return Comment(kind, domain, own["String"]["sval"], text)
    return Comment(kind, _named_object(fields["object"]), None, text)


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "AlterEnumStmt": _lower_alter_enum,
        "AlterSeqStmt": _lower_alter_sequence,
        "CommentStmt": _lower_comment,
        "CompositeTypeStmt": _lower_composite_type,
        "CreateDomainStmt": _lower_create_domain,
        "CreateEnumStmt": _lower_create_enum,
        "CreateSchemaStmt": _lower_create_schema,
        "CreateSeqStmt": _lower_create_sequence,
        "DropStmt": _lower_drop,
        "IndexStmt": _lower_create_index,
        "RefreshMatViewStmt": _lower_refresh,
        "ViewStmt": _lower_create_view,
    }
)
