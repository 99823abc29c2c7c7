"""ALTER TABLE, RENAME and SET SCHEMA."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from lungfish.sql.ast.ddl import (
    AddColumn,
    AddConstraint,
    AlterColumnDefault,
    AlterColumnIdentity,
    AlterColumnNotNull,
    AlterColumnType,
    AlterTable,
    AlterTableAction,
    ChangeOwner,
    DropColumn,
    DropConstraint,
    DropExpression,
    Identity,
    Rename,
    SetExpression,
    SetPersistence,
    SetSchema,
    ValidateConstraint,
)
from lungfish.sql.ast.operators import AlterOperator
from lungfish.sql.ast.partitions import AlterInherit, AttachPartition, DetachPartition, SetTableType
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.routines import MoveFunction
from lungfish.sql.ast.rules import EnableRule
from lungfish.sql.ast.statistics import AlterStatistics
from lungfish.sql.ast.type_definitions import AlterCompositeType
from lungfish.sql.libpg import Node
from lungfish.sql.lower_alter_constraint import (
    TRIGGER_COMMANDS,
    lower_alter_constraint,
    lower_triggers,
)
from lungfish.sql.lower_alter_options import OPTION_COMMANDS
from lungfish.sql.lower_create_table import lower_partition_values, type_object_name
from lungfish.sql.lower_functions import lower_move_function
from lungfish.sql.lower_operators import lower_operator_schema
from lungfish.sql.lower_rights import lower_role
from lungfish.sql.lower_rules import RULE_MODES, lower_rule_mode
from lungfish.sql.lower_statistics import TAG as STATISTICS_TAG
from lungfish.sql.lower_statistics import named_statistics
from lungfish.sql.lower_tables import (
    expression_text,
    lower_collation,
    lower_column,
    lower_constraint,
    lower_identity,
    lower_sequence_options,
)
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    object_name,
    object_name_of,
    raise_unsupported,
    require_only,
    strings,
)

# A command's fields, the table's name, and the lowering.
_CommandRule: TypeAlias = Callable[[Node, ObjectName, Lowering], AlterTableAction]

_ALTER_FIELDS = frozenset({"relation", "cmds", "objtype", "missing_ok"})


def _lower_alter_table(fields: Node, lowering: Lowering) -> AlterTable | AlterCompositeType:
    require_only(fields, _ALTER_FIELDS)
    name = object_name(fields["relation"])
    kind = kind_of(fields["objtype"], "ALTER", name.position)
    commands = [node["AlterTableCmd"] for node in fields["cmds"]]
    if kind == "type":
        actions = tuple([_lower_command(command, name, lowering) for command in commands])
        return AlterCompositeType(name, actions, all(map(_is_cascade, commands)), name.position)
    for command in commands:
        if kind != "table" and command["subtype"] not in _COMMANDS_OF_ALL:
            raise_unsupported(
                f"ALTER {kind.upper()} {_command_words(command['subtype'])}", name.position
            )
    return AlterTable(
        name=name,
        kind=kind,
        actions=tuple([_lower_command(command, name, lowering) for command in commands]),
        if_exists=fields.get("missing_ok", False),
        is_only=not fields["relation"].get("inh", False),
        position=name.position,
    )


_COMMAND_FIELDS = frozenset({"subtype", "name", "num", "newowner", "def", "behavior", "missing_ok"})


def _lower_command(fields: Node, table: ObjectName, lowering: Lowering) -> AlterTableAction:
    kind = fields["subtype"]
    rule = _COMMANDS.get(kind)
    if rule is None:
        raise_unsupported(f"ALTER TABLE {_command_words(kind)}", table.position)
    require_only(fields, _COMMAND_FIELDS, position=table.position)
    return rule(fields, table, lowering)


def _command_words(kind: str) -> str:
    """AT_ChangeOwner is "CHANGE OWNER"."""
    stem = kind.removeprefix("AT_")
    return "".join(f" {letter}" if letter.isupper() else letter for letter in stem).strip().upper()


def _is_cascade(fields: Node) -> bool:
    return bool(fields["behavior"] == "DROP_CASCADE")


def _lower_add_column(fields: Node, table: ObjectName, lowering: Lowering) -> AddColumn:
    column = lower_column(fields["def"]["ColumnDef"], table.name, lowering)
    return AddColumn(column, fields.get("missing_ok", False), column.position)


def _lower_drop_column(fields: Node, table: ObjectName, _lowering: Lowering) -> DropColumn:
    return DropColumn(
        fields["name"], fields.get("missing_ok", False), _is_cascade(fields), table.position
    )


_NEW_TYPE_FIELDS = frozenset({"typeName", "collClause", "raw_default", "location"})


def _lower_column_type(fields: Node, _table: ObjectName, lowering: Lowering) -> AlterColumnType:
    definition = fields["def"]["ColumnDef"]
    position = definition.get("location", 0)
    require_only(definition, _NEW_TYPE_FIELDS, position=position)
    # The expression behind USING is kept where a column's default would be.
    using = definition.get("raw_default")
    return AlterColumnType(
        name=fields["name"],
        type_name=lower_type(definition["typeName"]),
        using=None if using is None else expression_text(using, lowering),
        collation=lower_collation(definition),
        position=position,
    )


def _lower_column_default(
    fields: Node, table: ObjectName, lowering: Lowering
) -> AlterColumnDefault:
    node = fields.get("def")
    default = None if node is None else expression_text(node, lowering)
    return AlterColumnDefault(fields["name"], default, table.position)


def _lower_set_not_null(fields: Node, table: ObjectName, _lowering: Lowering) -> AlterColumnNotNull:
    return AlterColumnNotNull(fields["name"], True, table.position)


def _lower_drop_not_null(
    fields: Node, table: ObjectName, _lowering: Lowering
) -> AlterColumnNotNull:
    return AlterColumnNotNull(fields["name"], False, table.position)


def _lower_add_identity(
    fields: Node, table: ObjectName, _lowering: Lowering
) -> AlterColumnIdentity:
    identity = lower_identity(fields["def"]["Constraint"])
    return AlterColumnIdentity(fields["name"], "add", identity, position=table.position)


def _lower_set_identity(
    fields: Node, table: ObjectName, _lowering: Lowering
) -> AlterColumnIdentity:
    """SET GENERATED and SET of sequence options."""
    is_always: bool | None = None
    options = []
    for node in fields["def"]["List"]["items"]:
        if node["DefElem"]["defname"] == "generated":
            is_always = node["DefElem"]["arg"]["Integer"]["ival"] == ord("a")
        else:
            options.append(node)
    return AlterColumnIdentity(
        name=fields["name"],
        action="set",
        identity=Identity(is_always is True, lower_sequence_options(options)),
        position=table.position,
        sets_generation=is_always is not None,
    )


def _lower_drop_identity(
    fields: Node, table: ObjectName, _lowering: Lowering
) -> AlterColumnIdentity:
    return AlterColumnIdentity(
        fields["name"], "drop", None, fields.get("missing_ok", False), table.position
    )


def _lower_drop_expression(fields: Node, table: ObjectName, _lowering: Lowering) -> DropExpression:
    return DropExpression(fields["name"], fields.get("missing_ok", False), table.position)


def _lower_set_expression(fields: Node, table: ObjectName, lowering: Lowering) -> SetExpression:
    return SetExpression(fields["name"], expression_text(fields["def"], lowering), table.position)


def _lower_add_constraint(fields: Node, _table: ObjectName, lowering: Lowering) -> AddConstraint:
    constraint = lower_constraint(fields["def"]["Constraint"], lowering)
    return AddConstraint(constraint, constraint.position)


def _lower_drop_constraint(fields: Node, table: ObjectName, _lowering: Lowering) -> DropConstraint:
    return DropConstraint(
        fields["name"], fields.get("missing_ok", False), _is_cascade(fields), table.position
    )


def _lower_validate_constraint(
    fields: Node, table: ObjectName, _lowering: Lowering
) -> ValidateConstraint:
    return ValidateConstraint(fields["name"], table.position)


def _lower_persistence(fields: Node, table: ObjectName, _lowering: Lowering) -> SetPersistence:
    is_logged = fields["subtype"] == "AT_SetLogged"
    return SetPersistence("permanent" if is_logged else "unlogged", table.position)


def _lower_owner(fields: Node, table: ObjectName, _lowering: Lowering) -> ChangeOwner:
    role = (
        fields["newowner"]["RoleSpec"] if "RoleSpec" in fields["newowner"] else fields["newowner"]
    )
    return ChangeOwner(lower_role(role), table.position)


def _lower_inherit(fields: Node, table: ObjectName, _lowering: Lowering) -> AlterInherit:
    parent = object_name(fields["def"]["RangeVar"])
    return AlterInherit(parent, fields["subtype"] == "AT_DropInherit", table.position)


def _lower_table_type(fields: Node, table: ObjectName, _lowering: Lowering) -> SetTableType:
    given = fields.get("def")
    name = None if given is None else type_object_name(given["TypeName"])
    return SetTableType(name, table.position)


def _lower_attach(fields: Node, table: ObjectName, lowering: Lowering) -> AttachPartition:
    command = fields["def"]["PartitionCmd"]
    bound = command.get("bound")
    values = None if bound is None else lower_partition_values(bound, lowering)
    return AttachPartition(object_name(command["name"]), values, table.position)


def _lower_detach(fields: Node, table: ObjectName, _lowering: Lowering) -> DetachPartition:
    command = fields["def"]["PartitionCmd"]
    is_concurrent = command.get("concurrent", False)
    is_finalize = fields["subtype"] == "AT_DetachPartitionFinalize"
    return DetachPartition(object_name(command["name"]), is_concurrent, table.position, is_finalize)


def _lower_rule_mode(fields: Node, table: ObjectName, _lowering: Lowering) -> EnableRule:
    return lower_rule_mode(fields, table.position)


# What ALTER VIEW, ALTER INDEX and ALTER SEQUENCE have of these.
_COMMANDS_OF_ALL = frozenset(
    {
        "AT_ChangeOwner", "AT_SetRelOptions", "AT_ResetRelOptions", "AT_SetStatistics", "AT_SetLogged",
        "AT_SetUnLogged", "AT_AttachPartition", "AT_ColumnDefault", "AT_SetTableSpace",
    }
)  # fmt: skip
_COMMANDS: Mapping[str, _CommandRule] = MappingProxyType(
    {
        **dict.fromkeys(RULE_MODES, _lower_rule_mode),
        **dict.fromkeys(TRIGGER_COMMANDS, lower_triggers),
        **OPTION_COMMANDS,
        "AT_AlterConstraint": lower_alter_constraint,
        "AT_SetExpression": _lower_set_expression,
        "AT_AddColumn": _lower_add_column,
        "AT_AddConstraint": _lower_add_constraint,
        "AT_AddIdentity": _lower_add_identity,
        "AT_AddInherit": _lower_inherit,
        "AT_AddOf": _lower_table_type,
        "AT_AlterColumnType": _lower_column_type,
        "AT_AttachPartition": _lower_attach,
        "AT_ChangeOwner": _lower_owner,
        "AT_SetLogged": _lower_persistence,
        "AT_SetUnLogged": _lower_persistence,
        "AT_ColumnDefault": _lower_column_default,
        "AT_DropColumn": _lower_drop_column,
        "AT_DropConstraint": _lower_drop_constraint,
        "AT_DetachPartition": _lower_detach,
        "AT_DetachPartitionFinalize": _lower_detach,
        "AT_DropExpression": _lower_drop_expression,
        "AT_DropInherit": _lower_inherit,
        "AT_DropOf": _lower_table_type,
        "AT_DropIdentity": _lower_drop_identity,
        "AT_DropNotNull": _lower_drop_not_null,
        "AT_SetIdentity": _lower_set_identity,
        "AT_SetNotNull": _lower_set_not_null,
        "AT_ValidateConstraint": _lower_validate_constraint,
    }
)

# RENAME and SET SCHEMA.

KINDS: Mapping[str, str] = {
    "OBJECT_ATTRIBUTE": "attribute",
    "OBJECT_COLUMN": "column",
    "OBJECT_DOMAIN": "domain",
    "OBJECT_DOMCONSTRAINT": "domain constraint",
    "OBJECT_INDEX": "index",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_ROLE": "role",
    "OBJECT_RULE": "rule",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_TABCONSTRAINT": "constraint",
    "OBJECT_TABLE": "table",
    "OBJECT_TYPE": "type",
    "OBJECT_VIEW": "view",
}


def kind_of(tag: str, statement: str, position: int = -1) -> str:
    """The kind of object in our words; what Lungfish has no objects of is unsupported."""
    kind = KINDS.get(tag)
    if kind is None:
        word = tag.removeprefix("OBJECT_").replace("_", " ")
        raise_unsupported(f"{statement} {word}", position)
    return kind


_RENAME_FIELDS = frozenset(
    {
        "renameType",
        "relationType",
        "relation",
        "object",
        "subname",
        "newname",
        "behavior",
        "missing_ok",
    }
)


def _lower_rename(fields: Node, _lowering: Lowering) -> Rename | MoveFunction | AlterStatistics:
    moved = lower_move_function(fields)
    if moved is not None:
        return moved
    if fields["renameType"] == STATISTICS_TAG:
        return AlterStatistics(named_statistics(fields["object"]), "rename", fields["newname"])
    require_only(fields, _RENAME_FIELDS)
    position = find_position(fields)
    kind = kind_of(fields["renameType"], "ALTER ... RENAME of", position)
    old_name = fields.get("subname")
    if kind in ("schema", "role"):
        name, old_name = ObjectName(fields["subname"], None, position), None
    else:
        name = _object_of(fields, position)
    return Rename(
        kind=kind,
        name=name,
        new_name=fields["newname"],
        old_name=old_name,
        owner_kind=KINDS.get(fields.get("relationType", ""), "table"),
        if_exists=fields.get("missing_ok", False),
        is_only="relation" in fields and not fields["relation"].get("inh", False),
        is_cascade=_is_cascade(fields),
        position=position,
    )


def _object_of(fields: Node, position: int) -> ObjectName:
    """The object, which is a relation or a bare name."""
    if "relation" in fields:
        return object_name(fields["relation"])
    return object_name_of(strings(fields["object"]["List"]["items"]), position)


def _lower_set_schema(
    fields: Node, _lowering: Lowering
) -> SetSchema | MoveFunction | AlterStatistics | AlterOperator:
    moved = lower_move_function(fields)
    if moved is not None:
        return moved
    if fields["objectType"] == "OBJECT_OPERATOR":
        return lower_operator_schema(fields)
    if fields["objectType"] == STATISTICS_TAG:
        return AlterStatistics(named_statistics(fields["object"]), "schema", fields["newschema"])
    position = find_position(fields)
    kind = kind_of(fields["objectType"], "SET SCHEMA of", position)
    return SetSchema(
        kind=kind,
        name=_object_of(fields, position),
        schema=fields["newschema"],
        if_exists=fields.get("missing_ok", False),
        position=position,
    )


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "AlterObjectSchemaStmt": _lower_set_schema,
        "AlterTableStmt": _lower_alter_table,
        "RenameStmt": _lower_rename,
    }
)
