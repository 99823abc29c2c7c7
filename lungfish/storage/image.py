"""An image: the database as one checkpoint left it, immutable, with a page table for each relation."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.page_table import PageTable
from lungfish.storage.superblock import ManifestAddress


class RelationKind(enum.IntEnum):
    """What a relation's pages are. The numbers are in the file."""

    HEAP = 1
    INDEX = 2
    OVERFLOW = 3


@dataclass(frozen=True, slots=True)
class RelationImage:
    """One relation in an image."""

    kind: RelationKind
    page_count: int
    # The image has all changes up to here and, but for what the payload says, none after.
    mark_lsn: LSN
    # The owner's facts that belong to the pages; opaque to the page store.
    payload: bytes
    table: PageTable = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A checkpoint's image."""

    generation: int
    # Kept under this name; empty: only until two newer ones are there.
    name: str
    # The checkpoint's own facts; opaque to the page store.
    payload: bytes
    relations: Mapping[RelationId, RelationImage]
    manifest: ManifestAddress

    @property
    def unit_count(self) -> int:
        """How many units the image's pages take."""
        return sum(relation.table.unit_count for relation in self.relations.values())

    def without_name(self) -> Image:
        """The same image, not kept any longer than others."""
        return replace(self, name="")
