"""The images that are kept: `checkpoint_images`."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.recovery.core import StorageCore
from lungfish.recovery.view_rows import Columns, Row
from lungfish.recovery.views.storage_view import StorageView
from lungfish.recovery.wal_records import format_lsn
from lungfish.storage.image import Image, shared_unit_count
from lungfish.storage.page_table import UNIT_SIZE
from lungfish.types.sql_type import BIGINT, INTEGER, PG_LSN, TEXT, TIMESTAMPTZ

CHECKPOINT_IMAGES_COLUMNS: Columns = (
    ("checkpoint_id", BIGINT),
    ("name", TEXT),
    ("state", TEXT),
    ("redo_lsn", PG_LSN),
    ("created_at", TIMESTAMPTZ),
    ("pages", BIGINT),
    ("bytes", BIGINT),
    ("shared_bytes", BIGINT),
    ("manifest_checksum", TEXT),
    ("verified_at", TIMESTAMPTZ),
    ("bad_pages", INTEGER),
    ("pinned_by", TEXT),
)


def checkpoint_images_rows(core: StorageCore) -> Iterable[Row]:
    """Oldest first; then those that were found damaged at open."""
    images = core.images.images()
    for index, image in enumerate(images):
        others = [each for each in images if each is not image]
        yield _image_row(core, image, _state(core, images, index), others)
    for damaged in core.images.quarantined():
        yield (None, damaged.name or None, "quarantined", *(None,) * 9)


def _state(core: StorageCore, images: tuple[Image, ...], index: int) -> str:
    image = images[index]
    if index == len(images) - 1:
        return "current"
    verdict = core.images.verdict_of(image.generation)
    if verdict is not None and verdict.bad_pages:
        return "quarantined"
    if index == len(images) - 2 or not image.name:
        return "previous"
    return "named"


def _image_row(core: StorageCore, image: Image, state: str, others: list[Image]) -> Row:
    facts = core.images.facts_of(image)
    verdict = core.images.verdict_of(image.generation)
    return (
        facts.checkpoint_id,
        image.name or None,
        state,
        format_lsn(facts.redo_lsn),
        facts.taken_at or None,
        sum(relation.page_count for relation in image.relations.values()),
        image.unit_count * UNIT_SIZE,
        shared_unit_count(image, others) * UNIT_SIZE,
        f"{image.manifest.checksum:016x}",
        None if verdict is None else verdict.verified_at,
        None if verdict is None else verdict.bad_pages,
        ", ".join(core.images.readers_of(image)) or None,
    )


IMAGE_VIEWS = (
    StorageView(12304, "checkpoint_images", CHECKPOINT_IMAGES_COLUMNS, checkpoint_images_rows),
)
