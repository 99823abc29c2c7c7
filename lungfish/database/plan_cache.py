"""Plans by text: a statement is parsed, bound and planned once for all its executions, in all sessions of a database.

An entry is found by the text, the types of the parameters, the search path and the catalog's version, so a change of the catalog
simply leaves old entries behind; the least recently used ones go when the cache is full.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from lungfish.planner.physical import PhysicalStatement
    from lungfish.sql.ast import Statement
    from lungfish.sql.offsets import OffsetMap
    from lungfish.storage.lock_modes import LockMode
    from lungfish.storage.relation_pages import RelationPages

ENTRY_COUNT_MAX = 1024

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A text's statements, and what its placeholders are called."""

    statements: tuple[Statement, ...]
    # The text of each statement.
    texts: tuple[str, ...]
    # The names in the order of $1, $2, ... where the text used names; None where it used positions.
    parameter_names: tuple[str, ...] | None
    parameter_count: int
    # Back to offsets in the caller's text, where placeholders were rewritten.
    position_of: OffsetMap | None


@dataclass(frozen=True, slots=True)
class CachedPlan:
    """A planned statement with the table locks that it needs."""

    plan: PhysicalStatement
    # (oid of the table, mode), strongest mode of each table.
    locks: tuple[tuple[int, LockMode], ...]
    # The tables' pages, and how many there were when the plan was made.
    sizes: tuple[tuple[RelationPages, int], ...] = ()

    @property
    def is_outgrown(self) -> bool:
        """Whether a table has grown so much since that another plan may be better."""
        # Looked at for every statement, so no generator.
        for pages, count in self.sizes:  # noqa: SIM110
            if pages.page_count > 4 * count + 4:
                return True
        return False


class LruCache(Generic[Entry]):
    """A bounded map; the entry that was used longest ago goes first. `_mutex` guards the order."""

    def __init__(self, count_max: int = ENTRY_COUNT_MAX) -> None:
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._count_max = count_max
        self._mutex = threading.Lock()
        self.hits = 0
        self.misses = 0

    def get(self, key: Hashable) -> Entry | None:
        """The entry, which becomes the most recently used one, or None."""
        with self._mutex:
            found = self._entries.get(key)
            if found is None:
                self.misses += 1
                return None
            self.hits += 1
            self._entries.move_to_end(key)
            return found

    def put(self, key: Hashable, entry: Entry) -> None:
        """Keep an entry."""
        with self._mutex:
            self._entries[key] = entry
            if len(self._entries) > self._count_max:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._mutex:
            self._entries.clear()
