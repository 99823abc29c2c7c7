"""Up to where the image of each relation is complete, and what a restart would have to do for it: `relation_marks`, `index_wal_marks`."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.recovery.core import StorageCore
from lungfish.recovery.relation_state import decode_relation_state
from lungfish.recovery.view_rows import Columns, Row
from lungfish.recovery.views.storage_view import StorageView
from lungfish.recovery.wal_records import format_lsn
from lungfish.storage.ids import LSN
from lungfish.storage.image import RelationImage
from lungfish.types.sql_type import BIGINT, NAME, OID, PG_LSN, TEXT

RELATION_MARKS_COLUMNS: Columns = (
    ("relation", OID),
    ("name", NAME),
    ("kind", TEXT),
    ("table_name", NAME),
    ("high_water_lsn", PG_LSN),
    ("dirty_pages", BIGINT),
    ("replay_bytes", BIGINT),
    ("state", TEXT),
    ("last_checkpoint_id", BIGINT),
)

# Long values have their table's mark.
_KINDS = {"table": "heap", "index": "index"}
CONSISTENT = "consistent"
NEEDS_REPLAY = "needs_replay"
NEEDS_REBUILD = "needs_rebuild"


def relation_marks_rows(core: StorageCore) -> Iterable[Row]:
    """Tables and indexes in the order of their numbers."""
    image = core.store.image
    dirty = {each.relation_id: each.dirty_pages for each in core.pool.relation_figures()}
    end = core.log.end_lsn()
    checkpoints = _checkpoints_by_redo_lsn(core)
    for relation_id, label in sorted(core.relation_names().items()):
        if label.kind not in _KINDS:
            continue
        relation = image.relations.get(relation_id)
        dirty_pages = dirty.get(relation_id, 0)
        mark = None if relation is None else relation.mark_lsn
        state = _state(
            relation, core.memory.facts.redo_lsn, dirty_pages, is_index=label.kind == "index"
        )
        yield (
            label.oid,
            label.name,
            _KINDS[label.kind],
            label.table_name,
            None if mark is None else format_lsn(mark),
            dirty_pages,
            0 if state == CONSISTENT else max(0, end - (mark or LSN(0))),
            state,
            None if mark is None else checkpoints.get(mark),
        )


def _state(
    relation: RelationImage | None, redo_lsn: LSN, dirty_pages: int, *, is_index: bool
) -> str:
    """What a restart now would find of the relation."""
    if is_index and (relation is None or decode_relation_state(relation.payload).is_unsettled):
        return NEEDS_REBUILD
    if relation is None or dirty_pages or relation.mark_lsn < redo_lsn:
        return NEEDS_REPLAY
    return CONSISTENT


def _checkpoints_by_redo_lsn(core: StorageCore) -> dict[int, int]:
    """Which checkpoint captured what has this mark: of those that are remembered."""
    found = {
        row.redo_lsn: row.checkpoint_id
        for row in core.memory.checkpoints.rows()
        if row.redo_lsn is not None and row.outcome in ("complete", "partial")
    }
    return {**found, core.memory.facts.redo_lsn: core.memory.facts.checkpoint_id}


def index_wal_marks_rows(core: StorageCore) -> Iterable[Row]:
    """The part of `relation_marks` that is about indexes."""
    return [row for row in relation_marks_rows(core) if row[2] == "index"]


MARK_VIEWS = (
    StorageView(12307, "relation_marks", RELATION_MARKS_COLUMNS, relation_marks_rows),
    StorageView(12327, "index_wal_marks", RELATION_MARKS_COLUMNS, index_wal_marks_rows),
)
