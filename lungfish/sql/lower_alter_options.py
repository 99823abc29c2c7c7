"""Commands of ALTER TABLE that change no row and no column: storage parameters, statistics, clustering, replica identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from lungfish import errors
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.relation_options import (
    ClusterOn,
    KeepAsIs,
    RelationOption,
    ReplicaIdentity,
    SetColumnStorage,
    SetParameters,
    SetStatistics,
)
from lungfish.sql.libpg import Node
from lungfish.sql.lower_tables import check_access_method
from lungfish.sql.lowering import Lowering
from lungfish.sql.storage_parameters import (
    check_column_parameters,
    check_parameters,
    given_parameters,
)
from lungfish.sql.tablespaces import check_tablespace


def _lower_parameters(fields: Node, table: ObjectName, _lowering: Lowering) -> SetParameters:
    is_reset = fields["subtype"] == "AT_ResetRelOptions"
    nodes = fields["def"]["List"]["items"]
    if not is_reset:
        _check_of_any_kind(nodes)
    return SetParameters(given_parameters(nodes), is_reset, position=table.position)


def _check_of_any_kind(nodes: Sequence[Node]) -> None:
    """Raise InvalidParameterValue unless a table, an index or a view takes the parameters; which it is, is seen later."""
    first: errors.InvalidParameterValue | None = None
    for kind in ("table", "index", "view"):
        try:
            check_parameters(nodes, kind)
        except errors.InvalidParameterValue as error:
            # What is wrong with a value says more than that another kind has no such parameter.
            if first is None or "unrecognized" in str(first):
                first = error
        else:
            return
    assert first is not None, "each kind was tried"
    raise first


def _lower_column_parameters(fields: Node, table: ObjectName, _lowering: Lowering) -> SetParameters:
    is_reset = fields["subtype"] == "AT_ResetOptions"
    given = given_parameters(fields["def"]["List"]["items"])
    if not is_reset:
        check_column_parameters(given)
    return SetParameters(given, is_reset, fields["name"], table.position)


def _lower_statistics(fields: Node, table: ObjectName, _lowering: Lowering) -> SetStatistics:
    target = fields.get("def", {}).get("Integer")
    return SetStatistics(
        column=fields.get("name"),
        number=fields.get("num"),
        target=None if target is None else target.get("ival", 0),
        position=table.position,
    )


def _lower_column_storage(fields: Node, table: ObjectName, _lowering: Lowering) -> SetColumnStorage:
    word = fields["def"]["String"]["sval"]
    is_compression = fields["subtype"] == "AT_SetCompression"
    return SetColumnStorage(fields["name"], word, is_compression, table.position)


def _lower_cluster(fields: Node, table: ObjectName, _lowering: Lowering) -> ClusterOn:
    return ClusterOn(fields.get("name"), table.position)


_REPLICA_IDENTITIES = {"d": "default", "f": "full", "n": "nothing", "i": "index"}


def _lower_replica_identity(
    fields: Node, table: ObjectName, _lowering: Lowering
) -> ReplicaIdentity:
    given = fields["def"]["ReplicaIdentityStmt"]
    kind = _REPLICA_IDENTITIES[given["identity_type"]]
    return ReplicaIdentity(kind, given.get("name"), table.position)


def _lower_tablespace(fields: Node, table: ObjectName, _lowering: Lowering) -> KeepAsIs:
    check_tablespace(fields["name"])
    return KeepAsIs(table.position)


def _lower_access_method(fields: Node, table: ObjectName, _lowering: Lowering) -> KeepAsIs:
    check_access_method({"accessMethod": fields.get("name", "heap")})
    return KeepAsIs(table.position)


def _lower_as_is(_fields: Node, table: ObjectName, _lowering: Lowering) -> KeepAsIs:
    return KeepAsIs(table.position)


_OptionRule: TypeAlias = Callable[[Node, ObjectName, Lowering], RelationOption]
OPTION_COMMANDS: Mapping[str, _OptionRule] = MappingProxyType(
    {
        "AT_ClusterOn": _lower_cluster,
        "AT_DropCluster": _lower_cluster,
        "AT_ReplicaIdentity": _lower_replica_identity,
        "AT_ResetOptions": _lower_column_parameters,
        "AT_ResetRelOptions": _lower_parameters,
        "AT_SetCompression": _lower_column_storage,
        "AT_SetOptions": _lower_column_parameters,
        "AT_SetRelOptions": _lower_parameters,
        "AT_SetStatistics": _lower_statistics,
        "AT_SetStorage": _lower_column_storage,
        "AT_DisableRowSecurity": _lower_as_is,
        "AT_NoForceRowSecurity": _lower_as_is,
        "AT_SetAccessMethod": _lower_access_method,
        "AT_SetTableSpace": _lower_tablespace,
    }
)
