"""Changing several pages of a B+Tree as one: new contents are collected first, then put in place, all of them.

Between two bytecodes of Python a signal handler may raise. A split that stops half-way would lose entries, so nothing is
changed while a step is thought out, and what is then to be written is whole pages, which can be written twice: an interrupt while
they are put in place has them put in place once more, and is let through after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lungfish.storage.btree_node import Fences, InnerNode
from lungfish.storage.btree_pages import META_PAGE, BTreePages, Node
from lungfish.storage.ids import LSN, PageId
from lungfish.storage.keys import Position


class Content(NamedTuple):
    """The entries of a leaf (no children) or of an inner node, whose first key and address are not looked at."""

    level: int
    keys: Sequence[Any]
    addresses: Sequence[int]
    children: Sequence[PageId]

    def part(self, start: int, end: int) -> Content:
        """Some of the entries."""
        return Content(
            self.level, self.keys[start:end], self.addresses[start:end], self.children[start:end]
        )

    def entry(self, index: int) -> Position:
        """The position of an entry."""
        return self.keys[index], self.addresses[index]

    def with_child(self, index: int, separator: Position, child: PageId) -> Content:
        """An inner node with one more child, which begins at the separator."""
        return Content(
            self.level,
            [*self.keys[:index], separator[0], *self.keys[index:]],
            [*self.addresses[:index], separator[1], *self.addresses[index:]],
            [*self.children[:index], child, *self.children[index:]],
        )

    def without_child(self, index: int) -> Content:
        """An inner node without a child, not the first: what that held belongs to the one before it."""
        assert index > 0
        return Content(
            self.level,
            [*self.keys[:index], *self.keys[index + 1 :]],
            [*self.addresses[:index], *self.addresses[index + 1 :]],
            [*self.children[:index], *self.children[index + 1 :]],
        )

    def joined(self, separator: Position, right: Content) -> Content:
        """The entries of two neighbours. In inner nodes the right one's first child begins at the separator."""
        keys, addresses = right.keys, right.addresses
        if self.level:
            keys, addresses = [separator[0], *keys[1:]], [separator[1], *addresses[1:]]
        return Content(
            self.level,
            [*self.keys, *keys],
            [*self.addresses, *addresses],
            [*self.children, *right.children],
        )


def content_of(node: Node) -> Content:
    """What a node holds."""
    if isinstance(node, InnerNode):
        return Content(node.level, node.keys, node.addresses, node.children)
    count = node.count
    return Content(0, node.keys_between(0, count), node.addresses_between(0, count), ())


class PageChange:
    """What one step will do. Until `apply` nothing is changed, and any method may raise PageMiss."""

    def __init__(self, store: BTreePages) -> None:
        self._store = store
        self._form = store.form
        self._contents: dict[PageId, bytes] = {}
        # The decoded form of the inner nodes among them.
        self._nodes: dict[PageId, InnerNode] = {}
        self._page_count = store.pages.page_count
        self._free_head = store.first_free_page()

    def new_page(self) -> PageId:
        """A page to write: from the free list, else one more."""
        page_id = self._free_head
        if page_id:
            self._free_head = self._store.next_free_page(page_id)
            self._write_free_head()
            return page_id
        page_id = PageId(self._page_count)
        self._page_count += 1
        return page_id

    def free_page(self, page_id: PageId) -> None:
        """Put a page that nothing will refer to any more on the free list."""
        self._contents[page_id] = self._store.free_page_content(self._free_head)
        self._free_head = page_id
        self._write_free_head()

    def _write_free_head(self) -> None:
        self._contents[META_PAGE] = self._store.meta_content(self._free_head)

    def write(self, page_id: PageId, content: Content, fences: Fences) -> None:
        """Let a page hold a node."""
        scratch = bytearray(self._store.page_size)
        if content.level:
            node = InnerNode(
                content.level, list(content.keys), list(content.addresses), list(content.children)
            )
            self._form.write_inner(scratch, node, fences)
            self._nodes[page_id] = node
        else:
            self._form.write_leaf(scratch, content.keys, content.addresses, fences)
        self._contents[page_id] = bytes(scratch)

    def apply(self, lsn: LSN) -> None:
        """Put everything in place. Requires: the latch has not been let go since the first page was looked at."""
        try:
            self._put_in_place(lsn)
        except BaseException:
            self._put_in_place(lsn)
            raise

    def _put_in_place(self, lsn: LSN) -> None:
        pages = self._store.pages
        while pages.page_count < self._page_count:
            pages.allocate()
        for page_id, content in self._contents.items():
            frame = pages.fetch(page_id)
            data = pages.writable(frame, lsn)
            frame.cache = None
            memoryview(data)[:] = content
            frame.cache = self._nodes.get(page_id)
