"""What ANALYZE has learned of tables: kept with each image as a participant's facts, and between two images as a note in the log for each table.

A relation's figures are a JSON value that only the database layer can read. They may be stale, and may be lost: a note is made durable by the next
sync of the log, whoever asks for it. The payload of a note is a JSON array of the relation's number and its figures.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lungfish.errors import CorruptLog
from lungfish.recovery.checkpoint_facts import Facts
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_records import NoteKind
from lungfish.storage.fence import Fence
from lungfish.storage.ids import RelationId

# Under which name the image has them.
STATISTICS = "statistics"


class StoredStatistics:
    """The figures of every table that was analysed. What is there is replaced, never changed, so no lock is needed."""

    def __init__(self, log: WriteAheadLog, fence: Fence) -> None:
        self._log = log
        self._fence = fence
        self._known: dict[RelationId, Any] = {}

    @property
    def known(self) -> Mapping[RelationId, Any]:
        """The figures by relation."""
        return self._known

    def facts(self) -> Facts:
        """What a checkpoint keeps. Inside the closed fence."""
        return {str(relation_id): figures for relation_id, figures in self._known.items()}

    def restore(self, facts: Facts, notes: Sequence[bytes]) -> None:
        """At the opening: what the image has, and the notes since. Raises CorruptLog for a note that is none of ours."""
        self._known = {RelationId(int(number)): figures for number, figures in facts.items()}
        for payload in notes:
            try:
                number, figures = json.loads(payload)
            except ValueError as error:
                raise CorruptLog("a note about statistics cannot be read") from error
            self._known[RelationId(number)] = figures

    def keep(self, relation_id: RelationId, figures: Any) -> None:
        """Keep the figures of one relation in place of those before."""
        payload = json.dumps([relation_id, figures], separators=(",", ":")).encode()
        # In one passage of the fence: a checkpoint has both the note and the figures, or neither.
        with self._fence:
            self._log.append_note(NoteKind.STATISTICS, payload)
            self._known = {**self._known, relation_id: figures}

    def forget(self, relation_ids: Collection[RelationId]) -> None:
        """Drop the figures of relations that are gone. No note says so: at the opening they are gone as well."""
        if not self._known.keys().isdisjoint(relation_ids):
            self._known = {
                number: each for number, each in self._known.items() if number not in relation_ids
            }
