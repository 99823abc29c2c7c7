"""Temporary objects: one session's own tables, views and sequences.

They are in no row of the catalog's heap and in no other session's catalog. Their rows are kept by the same storage as all
others, under the same transactions, but nothing of them is logged: at restart nobody knows their relations, which are
dropped like any orphan.
"""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.catalog import Catalog
from lungfish.catalog.objects import CatalogObject


class TemporaryObjects:
    """What one session has in `pg_temp`, as of its last commit."""

    __slots__ = ("_base", "_number", "_view", "objects")

    def __init__(self, number: int) -> None:
        """`number` is the session's; it is in the name of its schema."""
        self._number = number
        self.objects: tuple[CatalogObject, ...] = ()
        # The newest answer of `over`, and what it was made from.
        self._view: Catalog | None = None
        self._base: Catalog | None = None

    def over(self, catalog: Catalog) -> Catalog:
        """The catalog as the session sees it."""
        if not self.objects:
            return catalog
        if self._view is None or self._base is not catalog:
            self._base, self._view = catalog, catalog.with_temporaries(self.objects, self._number)
        return self._view

    def keep(self, objects: Iterable[CatalogObject]) -> None:
        """Have these from now on."""
        self.objects = tuple(objects)
        self._view = self._base = None
