# cython: language_level=3
"""What compiled lanes have in common: compiled callers reach `run` without looking it up. See lanes.py for its contract."""

from lungfish.storage.native_tables cimport undo_to

cdef extern from "Python.h":
    int PyGC_Disable()
    int PyGC_Enable()


cdef class NativeLane:
    """A lane of compiled code."""

    cpdef object run(self, tuple values, object transaction):
        """As `lanes.Lane.run`.

        Meanwhile the garbage collector rests: making a tuple could set it off, and it runs finalizers, which are Python code.
        """
        cdef bint was_on = PyGC_Disable()
        cdef Py_ssize_t mark = 0 if transaction is None else len(transaction.undo)
        try:
            return self.act(values, transaction)
        except BaseException as error:
            # Whatever was done is taken back. A text that is none, or no memory: the pipeline says what is wrong.
            if transaction is not None:
                undo_to(transaction, mark)
            if not isinstance(error, Exception):
                raise
            return None
        finally:
            if was_on:
                PyGC_Enable()

    cdef object act(self, tuple values, object transaction):
        """What a lane does; see `run`."""
        return None
