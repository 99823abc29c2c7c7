# cython: language_level=3
"""What compiled lanes have in common: compiled callers reach `run` without looking it up. See lanes.py for its contract."""


cdef class NativeLane:
    """A lane of compiled code."""

    cpdef object run(self, tuple values, object transaction):
        """As `lanes.Lane.run`."""
        return None
