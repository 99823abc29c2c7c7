# cython: language_level=3
"""What compiled lanes have in common: compiled callers reach `run` without looking it up. See lanes.py for its contract."""

from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE

from lungfish.slots cimport offset_of, slot
from lungfish.storage.native_tables cimport undo_of, undo_to

from lungfish.storage.transactions import IsolationLevel, Transaction

cdef Py_ssize_t TRANSACTION_ISOLATION = offset_of(Transaction, "isolation")
cdef Py_ssize_t TRANSACTION_SNAPSHOT = offset_of(Transaction, "snapshot")
cdef object READ_COMMITTED = IsolationLevel.READ_COMMITTED
cdef object READ_UNCOMMITTED = IsolationLevel.READ_UNCOMMITTED

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
        cdef Py_ssize_t mark = 0 if transaction is None else len(undo_of(transaction))
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


cdef object snapshot_of(object transaction):
    """What decides what the statement sees; None: what is committed now."""
    level = <object>slot(<PyObject *>transaction, TRANSACTION_ISOLATION)
    if level is READ_COMMITTED or level is READ_UNCOMMITTED:
        return None
    return <object>slot(<PyObject *>transaction, TRANSACTION_SNAPSHOT)


cdef bint has_null(tuple values, tuple not_null) except -1:
    """Whether a value is NULL where that is refused."""
    cdef Py_ssize_t index
    for index in range(PyTuple_GET_SIZE(values)):
        if <object>PyTuple_GET_ITEM(values, index) is None:
            if <object>PyTuple_GET_ITEM(not_null, index) is True:
                return True
    return False
