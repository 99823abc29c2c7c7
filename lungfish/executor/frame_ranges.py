"""The frames of all rows as ranges of rows, EXCLUDE seen to.

EXCLUDE takes rows out of the middle of a frame, so a frame is up to three ranges, in order and apart from each other:

    frame of row 4, peers 3 to 5, EXCLUDE TIES     [ 1 2 ] 3 [ 4 ] 5 [ 6 7 ]
"""

from __future__ import annotations

import numpy as np

from lungfish.executor.integer_codes import Codes
from lungfish.executor.window_frame import Frames, Partitions

# For each row a range: the first row in it, and the one behind the last. Empty where both are one.
Range = tuple[Codes, Codes]


def frame_ranges(frames: Frames, partitions: Partitions) -> tuple[Range, ...]:
    """The ranges that each row's frame consists of."""
    starts, ends = frames.starts, frames.ends
    if frames.exclude == "no others":
        return ((starts, ends),)
    rows = np.arange(partitions.row_count)
    if frames.exclude == "current row":
        cuts = [(rows, rows + 1)]
    elif frames.exclude == "group":
        cuts = [(partitions.peer_start, partitions.peer_end)]
    else:
        cuts = [(partitions.peer_start, rows), (rows + 1, partitions.peer_end)]
    ranges: list[Range] = []
    first = starts
    for cut_start, cut_end in cuts:
        ranges.append((first, np.clip(cut_start, first, ends)))
        first = np.clip(cut_end, first, ends)
    return (*ranges, (first, ends))
