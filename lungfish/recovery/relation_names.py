"""What relations are called: storage knows numbers, the catalog above it knows names and says them when somebody looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lungfish.storage.ids import RelationId


@dataclass(frozen=True, slots=True)
class RelationName:
    """A relation as SQL speaks of it."""

    # The table's, index's or sequence's own; 0 for the catalog's relations.
    oid: int
    schema: str
    name: str
    # table, index, or toast: a table's long values.
    kind: str
    # Of an index and of long values, the table they belong to.
    table_name: str


RelationNames = Mapping[RelationId, RelationName]


def numbered(relation_id: RelationId, kind: str) -> RelationName:
    """For a relation that the catalog does not know: not committed yet, or dropped and not yet gone."""
    return RelationName(0, "", f"relation {relation_id}", kind, "")
