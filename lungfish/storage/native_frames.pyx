# cython: language_level=3
"""Where a page's frame and its relation keep what compiled code looks at each time; the functions are in the .pxd, to be inlined."""

from lungfish.slots cimport offset_of

from lungfish.storage.relation_pages import Frame, RelationPages


cdef int find_offsets() except -1:
    """Look where the classes of now have them."""
    global FRAME_CACHE, FRAME_DATA, FRAME_EPOCH, FRAME_NEWEST_LSN, FRAME_PAGE_ID, FRAME_TOUCHES
    global PAGES_EPOCH, PAGES_FRAMES, PAGES_HITS, PAGES_IS_DROPPED
    global PAGES_NEWEST_LSN, PAGES_PAGE_COUNT
    FRAME_CACHE = offset_of(Frame, "cache")
    FRAME_DATA = offset_of(Frame, "data")
    FRAME_EPOCH = offset_of(Frame, "epoch")
    FRAME_NEWEST_LSN = offset_of(Frame, "newest_lsn")
    FRAME_PAGE_ID = offset_of(Frame, "page_id")
    FRAME_TOUCHES = offset_of(Frame, "touches")
    PAGES_EPOCH = offset_of(RelationPages, "_epoch")
    PAGES_FRAMES = offset_of(RelationPages, "frames")
    PAGES_HITS = offset_of(RelationPages, "hits")
    PAGES_IS_DROPPED = offset_of(RelationPages, "is_dropped")
    PAGES_NEWEST_LSN = offset_of(RelationPages, "newest_lsn")
    PAGES_PAGE_COUNT = offset_of(RelationPages, "page_count")
    return 0


find_offsets()
