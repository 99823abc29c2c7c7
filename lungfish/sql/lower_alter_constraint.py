"""ALTER TABLE ... ALTER CONSTRAINT, and ENABLE and DISABLE TRIGGER."""

from __future__ import annotations

from lungfish.sql.ast.ddl import AlterConstraint, SetTriggers
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.libpg import Node
from lungfish.sql.lowering import Lowering

TRIGGER_COMMANDS = (
    "AT_EnableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig", "AT_DisableTrig", "AT_EnableTrigAll",
    "AT_DisableTrigAll", "AT_EnableTrigUser", "AT_DisableTrigUser", "AT_DropOids",
)  # fmt: skip


def lower_alter_constraint(fields: Node, table: ObjectName, _lowering: Lowering) -> AlterConstraint:
    """ALTER CONSTRAINT."""
    given = fields["def"]["ATAlterConstraint"]
    sets_deferral = given.get("alterDeferrability", False)
    sets_enforcement = given.get("alterEnforceability", False)
    return AlterConstraint(
        name=given["conname"],
        is_deferrable=given.get("deferrable", False) if sets_deferral else None,
        is_initially_deferred=given.get("initdeferred", False),
        is_enforced=given.get("is_enforced", False) if sets_enforcement else None,
        inherits=not given.get("noinherit", False) if given.get("alterInheritability") else None,
        position=table.position,
    )


def lower_triggers(fields: Node, table: ObjectName, _lowering: Lowering) -> SetTriggers:
    """ENABLE and DISABLE TRIGGER, and SET WITHOUT OIDS."""
    disables_all = fields["subtype"] == "AT_DisableTrigAll"
    return SetTriggers(fields.get("name"), disables_all, table.position)
