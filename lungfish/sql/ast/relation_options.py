"""What ALTER says of a relation that changes no row of it: storage parameters, targets of statistics, clustering, replica identity."""

from __future__ import annotations

from lungfish.sql.ast.queries import ObjectName
from lungfish.types.frozen import frozen


@frozen
class SetParameters:
    """SET (name = value, ...) of a relation; with `is_reset` RESET (name, ...), whose values are empty.

    `column`: of that column (n_distinct and its kin), not of the relation.
    """

    parameters: tuple[tuple[str, str], ...]
    is_reset: bool = False
    column: str | None = None
    position: int = -1


@frozen
class SetStatistics:
    """ALTER COLUMN ... SET STATISTICS. A column of an index is known by its `number`. `target` None: the default."""

    column: str | None
    number: int | None
    target: int | None
    position: int = -1


@frozen
class SetColumnStorage:
    """ALTER COLUMN ... SET STORAGE, or with `is_compression` SET COMPRESSION: the word that stands behind it."""

    column: str
    word: str
    is_compression: bool = False
    position: int = -1


@frozen
class ClusterOn:
    """CLUSTER ON index; None: SET WITHOUT CLUSTER."""

    index: str | None
    position: int = -1


@frozen
class ReplicaIdentity:
    """REPLICA IDENTITY. `kind`: default, full, nothing or index."""

    kind: str
    index: str | None = None
    position: int = -1


@frozen
class KeepAsIs:
    """What asks for the state that every relation is in: SET TABLESPACE pg_default, SET ACCESS METHOD heap, DISABLE ROW LEVEL SECURITY."""

    position: int = -1


@frozen
class Cluster:
    """CLUSTER table USING index, CLUSTER table, or (without a table) CLUSTER of all that have been clustered."""

    table: ObjectName | None = None
    index: str | None = None
    position: int = -1


@frozen
class RewriteTables:
    """What VACUUM (FULL) does: the tables are written anew."""

    tables: tuple[ObjectName, ...] = ()
    position: int = -1


RelationOption = (
    SetParameters | SetStatistics | SetColumnStorage | ClusterOn | ReplicaIdentity | KeepAsIs
)
