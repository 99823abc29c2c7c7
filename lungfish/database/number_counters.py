"""The counters from which new oids and relation numbers come."""

from __future__ import annotations

import threading

from lungfish.catalog.objects import FIRST_USER_OID
from lungfish.catalog.store import FIRST_RELATION_ID


class NumberCounters:
    """Hands out oids and relation numbers, each once in the life of the database; see `catalog/store.py`, invariant 2.

    Relation numbers go up in steps of two: a heap's long values live in the relation after it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_oid = FIRST_USER_OID
        self._next_relation_id = FIRST_RELATION_ID

    def go_on_from(self, next_oid: int, next_relation_id: int) -> None:
        """Hand out nothing below these."""
        with self._lock:
            self._next_oid = max(self._next_oid, next_oid)
            self._next_relation_id = max(self._next_relation_id, next_relation_id)

    def new_oid(self) -> int:
        """A number for an object."""
        with self._lock:
            self._next_oid += 1
            return self._next_oid - 1

    def new_relation_id(self) -> int:
        """A number for a relation."""
        with self._lock:
            self._next_relation_id += 2
            return self._next_relation_id - 2

    def counters(self) -> tuple[int, int]:
        """What will be handed out next."""
        with self._lock:
            return self._next_oid, self._next_relation_id
