"""An image: the database as one checkpoint left it, immutable, with a page table for each relation."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
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

    def named(self, name: str) -> Image:
        """The same image, kept under that name; with the empty one not kept any longer than others."""
        return replace(self, name=name)


@dataclass(frozen=True, slots=True)
class QuarantinedImage:
    """An image that was found damaged, and is used for nothing any more."""

    generation: int
    # The name under which it was kept; empty for most.
    name: str
    # What is wrong with it, in words.
    reason: str
    # Where its page tables are whole: as long as the file's superblock leads to it, its pages stay as they are. None: what it had
    # is not known.
    image: Image | None = None


def shared_unit_count(image: Image, others: Iterable[Image]) -> int:
    """How many units of the image's pages other images refer to as well."""
    own = 0
    tables = [each.relations for each in others]
    for relation_id, relation in image.relations.items():
        theirs = [each[relation_id].table for each in tables if relation_id in each]
        own += relation.table.unit_count_not_in(theirs)
    return image.unit_count - own
