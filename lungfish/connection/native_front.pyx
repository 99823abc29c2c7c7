# cython: language_level=3
"""The compiled form of plain_front.py: from the text of a short statement to its rows without a line of Python code.

What statements those are, session/native_runner.pyx knows. Every other goes through the functions of plain_front.py, which work on
these classes as on their own: the attributes are the same. A cursor with the rows of a short statement makes a `StatementResult` of them only
when somebody asks for more than the rows.
"""

from cpython.list cimport PyList_GET_SIZE, PyList_GetSlice
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF
from cpython.tuple cimport PyTuple_GET_SIZE

from lungfish.session.native_runner cimport ReadyRunner
from lungfish.slots cimport FALSE, offset_of, slot

from lungfish.connection.plain_front import PlainConnectionFront, PlainCursorFront
from lungfish.connection.result_rows import Converters
from lungfish.connection.row_factories import tuple_row
from lungfish.executor.result import ExecutionResult
from lungfish.session.session import Session

cdef Py_ssize_t SESSION_IS_CLOSED = offset_of(Session, "is_closed")

cdef Py_ssize_t RESULT_ROWS = offset_of(ExecutionResult, "rows")

cdef extern from "Python.h":
    # Borrowed, from the class and its bases; by CPython's cache of such searches. NULL, without an error: there is none.
    PyObject *_PyType_Lookup(PyTypeObject *kind, PyObject *name)
    PyTypeObject *type_of "Py_TYPE"(PyObject *value)

cdef tuple NOTHING = ()
cdef str CURSOR_TYPE = "cursor_type"
cdef object execute_plainly = PlainConnectionFront.execute
cdef object execute_on_cursor_plainly = PlainCursorFront.execute
cdef object fetch_one_plainly = PlainCursorFront.fetchone
cdef object fetch_all_plainly = PlainCursorFront.fetchall
cdef object fetch_value_plainly = PlainCursorFront.fetchval


cdef class ConnectionFront:
    """A connection, as far as each statement needs it."""

    cdef public object _session, row_factory, _converters
    cdef object __weakref__
    cdef dict __dict__
    # Of the session; None until its first statement.
    cdef ReadyRunner runner

    def __init__(self, session, *, row_factory=tuple_row):
        self._session = session
        self.row_factory = row_factory
        self._converters = Converters()

    def execute(self, sql, params=None, *, timeout=None):
        """Run a statement on a new cursor and answer it."""
        cdef CursorFront cursor
        cdef PyTypeObject *kind
        if timeout is None and type(sql) is str:
            cursor_type = cursor_type_of(self)
            kind = <PyTypeObject *>cursor_type
            cursor = kind.tp_new(cursor_type, <PyObject *>NOTHING, NULL)
            cursor.connection = self
            cursor.row_factory = self.row_factory
            cursor.arraysize = 1
            if cursor.run(sql, params):
                return cursor
        return execute_plainly(self, sql, params, timeout=timeout)

    cdef ReadyRunner ready_runner(self):
        """The runner of the session that the connection has just now; None if it is none that has one."""
        if self.runner is None or self.runner.session is not self._session:
            self.runner = ReadyRunner(self._session) if type(self._session) is Session else None
        return self.runner


cdef inline object cursor_type_of(ConnectionFront connection):
    """`connection.cursor_type`, which is an attribute of the class."""
    cdef PyObject *found = _PyType_Lookup(type_of(<PyObject *>connection), <PyObject *>CURSOR_TYPE)
    return connection.cursor_type if found == NULL else <object>found


cdef class CursorFront:
    """A cursor, as far as each statement needs it.

    While it has `quick` rows, `place` of which have been fetched, `_rows` is None; whatever wants to see more puts it into the state of the
    plain form first (`settle`).
    """

    cdef public ConnectionFront connection
    cdef public object row_factory, _rows, _tuples
    cdef public bint _is_closed
    cdef public Py_ssize_t arraysize, _result_index
    cdef object __weakref__
    # What `_results` has, unless there is an `outcome`: of the lane of `ready`.
    cdef object results
    cdef object outcome, ready
    # The rows, if internal values are Python's own; else None.
    cdef list quick
    cdef Py_ssize_t place

    def __init__(self, connection, row_factory):
        self.connection = connection
        self.row_factory = row_factory
        self.arraysize = 1

    cdef bint run(self, str sql, object params) except -1:
        """Run a statement in one step, if it is one that can be."""
        cdef ReadyRunner runner = None
        cdef PyObject *statement = NULL
        if self.connection is not None:
            runner = self.connection.ready_runner()
        if runner is None:
            return False
        try:
            outcome = runner.run(sql, params, &statement)
        except BaseException:
            self._results, self._rows = [], None
            raise
        if outcome is None:
            return False
        if statement == NULL:
            # BEGIN or COMMIT.
            self._results, self._result_index, self._rows, self.place = [outcome], 0, None, 0
            return True
        found = <object>statement
        Py_DECREF(found)
        is_quick = runner.gives_python_values(found)
        self._rows = None
        self._result_index = 0
        self.place = 0
        if type(outcome) is ExecutionResult:
            self.ready = self.outcome = None
            self.results = [outcome]
            rows = <object>slot(<PyObject *>outcome, RESULT_ROWS)
            # It may have been planned anew while it waited, for columns of other types.
            is_quick = is_quick and outcome.columns is found.columns
        else:
            self.ready = found
            rows = self.outcome = outcome
        is_quick = is_quick and are_tuples(rows)
        self.quick = <list>rows if is_quick else None
        return True

    cdef bint is_quick(self):
        """Whether the quick rows are what the caller is to get."""
        if self.quick is None or self.row_factory is not tuple_row or self._is_closed:
            return False
        if self.connection is None or type(self.connection._session) is not Session:
            return False
        return slot(<PyObject *>self.connection._session, SESSION_IS_CLOSED) == FALSE

    cdef settle(self):
        """Go on in the plain form."""
        if self.quick is not None:
            if self.place:
                self._rows = self._tuples = iter(self.quick[self.place :])
            self.quick = None

    def execute(self, sql, params=None, *, timeout=None):
        """As `PlainCursorFront.execute`."""
        if timeout is None and type(sql) is str and not self._is_closed and self.run(sql, params):
            return self
        return execute_on_cursor_plainly(self, sql, params, timeout=timeout)

    def fetchone(self):
        """The next row, or None."""
        if self.is_quick():
            if self.place == PyList_GET_SIZE(self.quick):
                return None
            self.place += 1
            return self.quick[self.place - 1]
        self.settle()
        return fetch_one_plainly(self)

    def fetchall(self):
        """All rows that are left."""
        if self.is_quick():
            place = self.place
            self.place = PyList_GET_SIZE(self.quick)
            return PyList_GetSlice(self.quick, place, self.place)
        self.settle()
        return fetch_all_plainly(self)

    def fetchval(self):
        """The first column of the next row, or None."""
        if self.is_quick():
            if self.place == PyList_GET_SIZE(self.quick):
                return None
            self.place += 1
            return (<tuple>self.quick[self.place - 1])[0]
        self.settle()
        return fetch_value_plainly(self)

    def __iter__(self):
        return self._iterator()

    def __next__(self):
        return next(self._iterator())

    def _iterator(self):
        self.settle()
        return iterate_plainly(self)

    @property
    def rowcount(self):
        """Rows given, or changed; -1 where that means nothing."""
        if self.ready is not None:
            return self.outcome if type(self.outcome) is int else len(self.outcome)
        return self._results[self._result_index].row_count if self._results else -1

    @property
    def _results(self):
        if self.ready is not None:
            ready, self.ready = self.ready, None
            self.results = [ready.result(self.outcome)]
            self.outcome = None
        return [] if self.results is None else self.results

    @_results.setter
    def _results(self, results):
        self.settle()
        self.ready = self.outcome = None
        self.results = results

    fetchmany = PlainCursorFront.fetchmany
    show = PlainCursorFront.show
    _python_rows = PlainCursorFront._python_rows
    _result = PlainCursorFront._result
    _check_open = PlainCursorFront._check_open


cdef inline bint are_tuples(object rows) noexcept:
    """Whether it is a list of tuples, none of them empty."""
    if type(rows) is not list:
        return False
    for row in <list>rows:
        if type(row) is not tuple or PyTuple_GET_SIZE(row) == 0:
            return False
    return True


cdef object iterate_plainly = PlainCursorFront._iterator
