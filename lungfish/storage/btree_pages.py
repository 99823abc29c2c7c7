"""An index's pages: nodes by page number, and the list of free ones.

    page 0   META    what the tree is, and the head of the free list
    page 1   the root, always: a split of the root moves its content down into two new pages
    others   nodes, and FREE pages, each naming the next

    META   offset 8: head of the free list i8 (0: none) | page size u4 | version u2 | NULLs first u1
    FREE   offset 8: next free page i8 (0: none)

Invariants:
1. Every page is page 0, or a node reachable from the root, or on the free list; none is two of them.
2. `Frame.cache` of a node's frame is the node decoded from `Frame.data`, or None.
"""

from __future__ import annotations

import struct
from typing import Final, cast

from lungfish.errors import CorruptPage
from lungfish.storage.btree_byte_node import ByteForm
from lungfish.storage.btree_integer_node import IntegerForm
from lungfish.storage.btree_node import (
    FREE,
    HEADER,
    LEAF,
    META,
    UNFENCED,
    InnerNode,
    Leaf,
    NodeForm,
)
from lungfish.storage.ids import LSN, PageId
from lungfish.storage.keys import KeyCodec
from lungfish.storage.relation_pages import Frame, PageMiss, RelationPages

META_PAGE: Final = PageId(0)
ROOT_PAGE: Final = PageId(1)
VERSION: Final = 1

_LINK = struct.Struct("<q")
_META = struct.Struct("<qIHB")

Node = Leaf | InnerNode


class BTreePages:
    """The nodes of one tree. Its methods need the relation's latch, but for those that say otherwise."""

    def __init__(self, pages: RelationPages, codec: KeyCodec) -> None:
        """Open an existing tree. No latch may be held. Raises CorruptPage if page 0 says that it is another kind of tree."""
        self.pages = pages
        while True:
            try:
                with pages.latch:
                    meta = pages.fetch(META_PAGE).data
                    self.page_size = len(meta)
                    self.form = _form_of(codec, self.page_size)
                    self._check_meta(meta, codec)
                    return
            except PageMiss as miss:
                pages.load(miss.page_id)

    def _check_meta(self, meta: bytearray, codec: KeyCodec) -> None:
        kind, form, _, _ = HEADER.unpack_from(meta)
        _, page_size, version, nulls_first = _META.unpack_from(meta, HEADER.size)
        found = (kind, form, page_size, version, bool(nulls_first))
        expected = (META, self.form.number, len(meta), VERSION, codec.nulls_first[0])
        if found != expected:
            raise CorruptPage(
                f"relation {self.pages.relation_id} does not hold the expected index",
                detail=f"kind, form, page size, version, NULLs first: {found} instead of {expected}",
            )

    # Nodes

    def node(self, frame: Frame) -> Node:
        """The node of a page. Raises CorruptPage if it holds none."""
        node = frame.cache
        if node is None:
            read = self.form.read_leaf if frame.data[0] == LEAF else self.form.read_inner
            node = frame.cache = read(frame.data, frame.page_id)
        return cast(Node, node)

    def writable_leaf(self, frame: Frame, lsn: LSN) -> Leaf:
        """The leaf, to be changed in place."""
        self.pages.writable(frame, lsn)
        leaf = self.node(frame)
        assert not isinstance(leaf, InnerNode)
        return leaf

    # Free pages

    def first_free_page(self) -> PageId:
        """The head of the free list; 0 if that is empty."""
        return PageId(_META.unpack_from(self._meta().data, HEADER.size)[0])

    def next_free_page(self, page_id: PageId) -> PageId:
        """What comes after a free page; 0 at the end. Raises CorruptPage, PageMiss."""
        return PageId(_LINK.unpack_from(self._free_page(page_id).data, HEADER.size)[0])

    def free_page_content(self, next_page: PageId) -> bytes:
        """A free page that names the next."""
        head = HEADER.pack(FREE, self.form.number, 0, 0) + _LINK.pack(next_page)
        return head.ljust(self.page_size, b"\x00")

    def meta_content(self, first_free_page: PageId) -> bytes:
        """Page 0 with another head of the free list."""
        content = bytearray(self._meta().data)
        _LINK.pack_into(content, HEADER.size, first_free_page)
        return bytes(content)

    def free_page_ids(self) -> list[PageId]:
        """The free list. Raises CorruptPage if it is not one, PageMiss."""
        found: list[PageId] = []
        link = self.first_free_page()
        while link:
            if len(found) >= self.pages.page_count:
                raise CorruptPage(f"relation {self.pages.relation_id}: the free list has no end")
            found.append(link)
            link = self.next_free_page(link)
        return found

    def _meta(self) -> Frame:
        return self.pages.fetch(META_PAGE)

    def _free_page(self, page_id: int) -> Frame:
        if ROOT_PAGE < page_id < self.pages.page_count:
            frame = self.pages.fetch(PageId(page_id))
            if frame.data[0] == FREE:
                return frame
        raise CorruptPage(f"relation {self.pages.relation_id}: page {page_id} is not a free page")


def create_btree_pages(pages: RelationPages, codec: KeyCodec, lsn: LSN) -> BTreePages:
    """Make an empty tree in a relation without pages. No latch may be held."""
    with pages.latch:
        assert pages.page_count == 0
        meta, root = pages.allocate(), pages.allocate()
        assert (meta.page_id, root.page_id) == (META_PAGE, ROOT_PAGE)
        data = pages.writable(meta, lsn)
        form = _form_of(codec, len(data))
        HEADER.pack_into(data, 0, META, form.number, 0, 0)
        _META.pack_into(data, HEADER.size, 0, len(data), VERSION, codec.nulls_first[0])
        form.write_leaf(pages.writable(root, lsn), [], [], UNFENCED)
    return BTreePages(pages, codec)


def _form_of(codec: KeyCodec, page_size: int) -> NodeForm:
    return IntegerForm(page_size) if codec.is_integer else ByteForm(page_size)
