# cython: language_level=3
"""Runs a statement that is ready, has a lane, and meets nothing out of the ordinary, from its text to its rows without a line of Python code.

What `Session.execute` and `PlanningSession._run_ready` would do is done here, in the same order. In any other case nothing is done, and they go
the whole way: they alone make errors.

From the first look at the session to the end of its statement no Python code runs, so no other thread does: the interpreter's lock is never let
go (executor/lanes.py). That is why the session's mutex is not taken, only looked at, and no lock on a table is noted that would be let go of at
the statement's end anyway.

Invariants:
1. Until the lane has said yes nothing is changed that anybody could tell afterwards.
2. What can run Python code is left out: letting go of objects that users have made, and the garbage collector.
"""

from cpython.dict cimport PyDict_GetItem, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.float cimport PyFloat_AS_DOUBLE
from cpython.long cimport PyLong_AsLong
from cpython.object cimport PyObject, PyTypeObject
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.ref cimport Py_INCREF
from cpython.set cimport PySet_Contains, PySet_GET_SIZE

from lungfish.executor.native_lane cimport NativeLane
from lungfish.session.native_control cimport NativeControl, note_start, now_us
from lungfish.session.native_mutex cimport NativeMutex
from lungfish.slots cimport FALSE, NONE, TRUE, offset_of, set_slot, slot
from lungfish.storage.native_frames cimport PAGES_PAGE_COUNT, number_in

from lungfish.database import Database
from lungfish.database.plan_cache import CachedPlan, ParsedText
from lungfish.database.temporaries import TemporaryObjects
from lungfish.session.function_context import SessionFunctions
from lungfish.session.ready import ReadyStatement, ReadyText
from lungfish.session.session import Session
from lungfish.session.settings import SessionSettings
from lungfish.storage.lock_queue import LockOwner
from lungfish.storage.transactions import IsolationLevel, Transaction, TransactionState
from lungfish.types.sql_type import BIGINT, BOOLEAN, BYTEA, DOUBLE, INTEGER


cdef extern from "Python.h":
    PyTypeObject *type_of "Py_TYPE"(PyObject *value)
    PyTypeObject PyBool_Type, PyBytes_Type, PyFloat_Type, PyLong_Type, PyUnicode_Type
    long long PyLong_AsLongLongAndOverflow(PyObject *value, int *overflow)
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject *text)
    Py_ssize_t PyUnicode_FindChar(PyObject *text, Py_UCS4 sign, Py_ssize_t start, Py_ssize_t end, int direction)
    # Keeps what it makes with the text, which is wanted again when the text is stored or looked up.
    const char *PyUnicode_AsUTF8AndSize(PyObject *text, Py_ssize_t *size)
    void PyErr_Clear()
    int PyGC_Disable()
    int PyGC_Enable()
    Py_ssize_t PyTuple_GET_SIZE(PyObject *values)
    PyObject *PyTuple_GET_ITEM(PyObject *values, Py_ssize_t index)


# Where each object has what is looked at.
cdef Py_ssize_t SESSION_IS_CLOSED = offset_of(Session, "is_closed")
cdef Py_ssize_t SESSION_TRANSACTION = offset_of(Session, "_transaction")
cdef Py_ssize_t SESSION_IS_FAILED = offset_of(Session, "_is_failed")
cdef Py_ssize_t SESSION_LATE = offset_of(Session, "_late")
cdef Py_ssize_t SESSION_CHANGE = offset_of(Session, "_change")
cdef Py_ssize_t SESSION_AUTOCOMMIT = offset_of(Session, "autocommit")
cdef Py_ssize_t SESSION_TABLES = offset_of(Session, "tables")
cdef Py_ssize_t SESSION_HAS_QUERIED = offset_of(Session, "has_queried")
cdef Py_ssize_t DATABASE_IS_CLOSED = offset_of(Database, "is_closed")
cdef Py_ssize_t DATABASE_CATALOG = offset_of(Database, "catalog")
cdef Py_ssize_t DATABASE_CLOCK = offset_of(Database, "clock")
cdef Py_ssize_t SETTINGS_SEARCH_PATH = offset_of(SessionSettings, "search_path")
cdef Py_ssize_t SETTINGS_TEXT = offset_of(SessionSettings, "text")
cdef Py_ssize_t SETTINGS_TIMEOUT_S = offset_of(SessionSettings, "statement_timeout_s")
cdef Py_ssize_t SETTINGS_ISOLATION = offset_of(SessionSettings, "default_isolation")
cdef Py_ssize_t TEMPORARY_OBJECTS = offset_of(TemporaryObjects, "objects")
cdef Py_ssize_t FUNCTIONS_TIME = offset_of(SessionFunctions, "statement_time_us")
cdef Py_ssize_t OWNER_WEAK = offset_of(LockOwner, "weak")
cdef Py_ssize_t TRANSACTION_ID = offset_of(Transaction, "id")
cdef Py_ssize_t TRANSACTION_STATE = offset_of(Transaction, "state")
cdef Py_ssize_t TRANSACTION_EXPIRED = offset_of(Transaction, "expired")
cdef Py_ssize_t TRANSACTION_ISOLATION = offset_of(Transaction, "isolation")
cdef Py_ssize_t TRANSACTION_SNAPSHOT = offset_of(Transaction, "snapshot")
cdef Py_ssize_t TRANSACTION_IS_READ_ONLY = offset_of(Transaction, "is_read_only")
cdef Py_ssize_t TEXT_PARSED = offset_of(ReadyText, "parsed")
cdef Py_ssize_t TEXT_BY_TYPES = offset_of(ReadyText, "by_types")
cdef Py_ssize_t PARSED_NAMES = offset_of(ParsedText, "parameter_names")
cdef Py_ssize_t CACHED_SIZES = offset_of(CachedPlan, "sizes")
cdef Py_ssize_t READY_TYPES = offset_of(ReadyStatement, "types")
cdef Py_ssize_t READY_CATALOG = offset_of(ReadyStatement, "catalog")
cdef Py_ssize_t READY_SEARCH_PATH = offset_of(ReadyStatement, "search_path")
cdef Py_ssize_t READY_CACHED = offset_of(ReadyStatement, "cached")
cdef Py_ssize_t READY_LOCKS = offset_of(ReadyStatement, "locks")
cdef Py_ssize_t READY_IS_INFERRING = offset_of(ReadyStatement, "is_inferring")
cdef Py_ssize_t READY_LANE = offset_of(ReadyStatement, "lane")
cdef Py_ssize_t READY_PLAIN_UNDER = offset_of(ReadyStatement, "plain_under")
cdef Py_ssize_t READY_IS_READ_ONLY = offset_of(ReadyStatement, "is_read_only")

cdef long long INTEGER_LIMIT = 2147483648
cdef object RUNNING = TransactionState.RUNNING
cdef object SERIALIZABLE = IsolationLevel.SERIALIZABLE
cdef object REPEATABLE_READ = IsolationLevel.REPEATABLE_READ


cdef class ReadyRunner:
    """Runs statements of one session that are ready."""

    def __init__(self, session):
        self.session = session
        self.me = <PyObject *>session
        self.mutex = session._mutex
        self.database = session.database
        self.settings = session.settings
        self.temporary = session.temporary
        self.functions = session.functions
        self.owner = session.lock_owner
        self.with_parameters = session._ready.with_parameters
        self.without_parameters = session._ready.without_parameters
        self.shapes = NativeShapes(session._shapes)
        self.control = NativeControl(session)
        self.strong = session.database.transactions.locks.fast_path.strong

    cdef object run(self, str sql, object given, PyObject **found):
        """What the lane of the statement has given, or a StatementResult; None: nothing has been done.

        `found` becomes a new reference to the statement, but for BEGIN and COMMIT. Not an attribute: another thread may have the runner before the caller looks.
        """
        cdef bint is_lifted = False
        cdef tuple values
        cdef PyObject *text
        cdef PyObject *ready
        if given is None:
            text, values = PyDict_GetItem(self.without_parameters, sql), ()
            if text == NULL:
                values = self.shapes.lift(sql)
                if values is None:
                    return None
                text = PyDict_GetItem(self.with_parameters, self.shapes.shape)
                is_lifted = True
            elif PyDict_Size(<object>slot(text, TEXT_BY_TYPES)) == 0:
                return self.control.run(sql, <object>slot(text, TEXT_PARSED))
        elif type(given) is tuple or type(given) is list:
            # First: making it may run finalizers, and these may change what is ready.
            values = tuple(given)
            text = PyDict_GetItem(self.with_parameters, sql)
        else:
            return None
        if text == NULL or slot(slot(text, TEXT_PARSED), PARSED_NAMES) != NONE:
            return None
        ready = find_ready(text, values)
        if ready == NULL or not self.is_valid(ready):
            return None
        statement, parsed = <object>ready, None if is_lifted else <object>slot(text, TEXT_PARSED)
        outcome = None
        if takes(ready, values):
            outcome = self.run_lane(sql, ready, values)
        elif is_lifted:
            # A text that is to be read as another type, and maybe cannot be: then the statement is none of this shape.
            return None
        if outcome is None:
            if self.has_time_limit() or not self.is_valid(<PyObject *>statement):
                # Giving out an id is Python code, and may have waited.
                return None
            outcome = self.run_pipeline(sql, statement, values, parsed)
        Py_INCREF(statement)
        found[0] = <PyObject *>statement
        return outcome

    cdef bint gives_python_values(self, object ready) noexcept:
        """Whether the values in the statement's rows are Python's own under the settings of now."""
        cdef PyObject *text = slot(<PyObject *>self.settings, SETTINGS_TEXT)
        return slot(<PyObject *>ready, READY_PLAIN_UNDER) == text

    cdef object run_pipeline(self, str sql, object ready, tuple values, object parsed):
        """Have the session run a valid statement."""
        cdef NativeMutex mutex = self.mutex
        mutex.acquire()
        try:
            return self.session.run_ready(sql, ready, values, parsed)
        finally:
            mutex.release()

    cdef object run_lane(self, str sql, PyObject *ready, tuple values):
        """Run a valid statement by its lane, if it has one and nothing else is in the way."""
        cdef PyObject *transaction = slot(self.me, SESSION_TRANSACTION)
        # For its own sake: Python code that runs on the way (another clock than the system's, a finalizer) may end it.
        cdef object held = <object>transaction
        cdef bint is_in_transaction = transaction != NONE
        if slot(ready, READY_LANE) == NONE or not self.may_run_in(transaction, ready):
            return None
        if not self.has_locks(ready, is_in_transaction):
            return None
        try:
            outcome = lane_outcome(<object>slot(ready, READY_LANE), values, <object>transaction)
            if outcome is None and is_in_transaction and self.gets_id(ready, transaction):
                outcome = lane_outcome(<object>slot(ready, READY_LANE), values, <object>transaction)
            if outcome is None:
                return None
            self.note_start(sql)
        except BaseException:
            # A stop, or no memory: it fails the transaction, as anywhere.
            if is_in_transaction:
                self.session._after_failure(is_single=False)
            raise
        if is_in_transaction and slot(transaction, TRANSACTION_ISOLATION) != <PyObject *>REPEATABLE_READ:
            # `Transaction.end_statement`.
            set_slot(transaction, TRANSACTION_SNAPSHOT, None)
        return outcome

    cdef bint gets_id(self, PyObject *ready, PyObject *transaction) except -1:
        """Give the transaction its id, which the lane of its first change misses; False: it has one, or something is in the way now.

        That is Python code, so all is looked at again.
        """
        cdef NativeMutex mutex = self.mutex
        if slot(ready, READY_IS_READ_ONLY) == TRUE or <object>slot(transaction, TRANSACTION_ID):
            return False
        mutex.acquire()
        try:
            (<object>transaction).assign_id()
            return (
                slot(self.me, SESSION_TRANSACTION) == transaction
                and self.is_valid(ready)
                and self.may_run_in(transaction, ready)
                and self.has_locks(ready, True)
            )
        except Exception:
            # The pipeline meets it too, and words it.
            return False
        finally:
            mutex.release()

    cdef bint has_time_limit(self) except -1:
        """Whether a timer must run beside the statement. Not beside a lane: it is over in less time than any limit has."""
        return PyFloat_AS_DOUBLE(<object>slot(<PyObject *>self.settings, SETTINGS_TIMEOUT_S)) > 0

    cdef bint is_valid(self, PyObject *ready) except -1:
        """Whether the session is free and as it was when the statement was planned: `Session._check_open`, `PlanningSession._is_valid`."""
        cdef PyObject *database = <PyObject *>self.database
        cdef PyObject *settings = <PyObject *>self.settings
        if not is_free(self.mutex):
            return False
        return (
            slot(self.me, SESSION_IS_CLOSED) == FALSE
            and slot(database, DATABASE_IS_CLOSED) == FALSE
            and slot(self.me, SESSION_IS_FAILED) == FALSE
            and slot(self.me, SESSION_LATE) == NONE
            and slot(self.me, SESSION_CHANGE) == NONE
            and slot(self.me, SESSION_TABLES) == database
            and slot(ready, READY_CATALOG) == slot(database, DATABASE_CATALOG)
            and slot(ready, READY_SEARCH_PATH) == slot(settings, SETTINGS_SEARCH_PATH)
            and PyTuple_GET_SIZE(slot(<PyObject *>self.temporary, TEMPORARY_OBJECTS)) == 0
            and not is_outgrown(slot(ready, READY_CACHED))
        )

    cdef bint may_run_in(self, PyObject *transaction, PyObject *ready) noexcept:
        """Whether the lane may run in the transaction; in none, if the statement is one by itself and only reads."""
        cdef PyObject *level
        if transaction == NONE:
            return (
                slot(self.me, SESSION_AUTOCOMMIT) == TRUE
                and slot(ready, READY_IS_READ_ONLY) == TRUE
                and slot(<PyObject *>self.settings, SETTINGS_ISOLATION) != <PyObject *>SERIALIZABLE
            )
        level = slot(transaction, TRANSACTION_ISOLATION)
        return (
            <PyObject *>type_of(transaction) == <PyObject *>Transaction
            and slot(transaction, TRANSACTION_STATE) == <PyObject *>RUNNING
            and slot(transaction, TRANSACTION_EXPIRED) == NONE
            and (
                level != <PyObject *>REPEATABLE_READ
                or slot(transaction, TRANSACTION_SNAPSHOT) != NONE
            )
            and (
                slot(ready, READY_IS_READ_ONLY) == TRUE
                or slot(transaction, TRANSACTION_IS_READ_ONLY) == FALSE
            )
        )

    cdef bint has_locks(self, PyObject *ready, bint is_noted) except -1:
        """Whether the statement's locks are free; `is_noted`: and the transaction's from now on. See fast_path_locks.py."""
        cdef PyObject *weak = slot(<PyObject *>self.owner, OWNER_WEAK)
        cdef PyObject *noted
        cdef long bit, mask
        for lock in <tuple>slot(ready, READY_LOCKS):
            tag = <object>PyTuple_GET_ITEM(<PyObject *>lock, 0)
            if PySet_GET_SIZE(self.strong) and PySet_Contains(self.strong, tag):
                return False
            if is_noted:
                bit = PyLong_AsLong(<object>PyTuple_GET_ITEM(<PyObject *>lock, 2))
                noted = PyDict_GetItem(<object>weak, tag)
                mask = 0 if noted == NULL else PyLong_AsLong(<object>noted)
                if not mask & bit:
                    PyDict_SetItem(<object>weak, tag, mask | bit)
        return True

    cdef int note_start(self, str sql) except -1:
        """Leave behind what a statement leaves that has run."""
        note_start(self.me, self.owner, sql)
        set_slot(self.me, SESSION_HAS_QUERIED, True)
        now = now_us(<object>slot(<PyObject *>self.database, DATABASE_CLOCK))
        set_slot(<PyObject *>self.functions, FUNCTIONS_TIME, now)
        return 0


cdef inline object lane_outcome(object lane, tuple values, object transaction):
    if isinstance(lane, NativeLane):
        return (<NativeLane>lane).run(values, transaction)
    return lane.run(values, transaction)


cdef inline bint is_free(object mutex) noexcept:
    """Whether no other thread is inside."""
    cdef unsigned long inside = (<NativeMutex>mutex).owner
    return inside == 0 or inside == <unsigned long>PyThread_get_thread_ident()


cdef PyObject *find_ready(PyObject *text, tuple values) noexcept:
    """The statement that the text is ready for with these parameters; NULL if there is none."""
    cdef PyObject *key
    cdef PyObject *ready
    cdef Py_ssize_t place = 0
    while PyDict_Next(<object>slot(text, TEXT_BY_TYPES), &place, &key, &ready):
        if fits(ready, values):
            return ready
    return NULL


cdef inline bint fits(PyObject *ready, tuple values) noexcept:
    """Whether these are parameters that stand for themselves, of the types that the statement is ready for."""
    cdef PyObject *types = slot(ready, READY_TYPES)
    cdef Py_ssize_t count = PyTuple_GET_SIZE(types)
    cdef Py_ssize_t index
    if count != PyTuple_GET_SIZE(<PyObject *>values):
        return False
    for index in range(count):
        if not is_of_type(PyTuple_GET_ITEM(<PyObject *>values, index), PyTuple_GET_ITEM(types, index)):
            return False
    return True


cdef inline bint takes(PyObject *ready, tuple values) noexcept:
    """Whether the statement takes these values as they are: there is no text among them that it reads as something else."""
    if slot(ready, READY_IS_INFERRING) == FALSE:
        return True
    for value in values:
        if type(value) is str:
            return False
    return True


cdef inline bint is_encodable(PyObject *text) noexcept:
    """Whether UTF-8 can write the text: it holds no lone surrogate."""
    cdef Py_ssize_t size
    # Making the error could set off the garbage collector, and statements run by finalizers change what is ready.
    cdef bint was_on = PyGC_Disable()
    cdef bint is_made = PyUnicode_AsUTF8AndSize(text, &size) != NULL
    if not is_made:
        PyErr_Clear()
    if was_on:
        PyGC_Enable()
    return is_made


cdef inline bint is_of_type(PyObject *value, PyObject *wanted) noexcept:
    """Whether `bind_parameters` gives the parameter this type, and would leave the value as it is."""
    cdef PyTypeObject *kind = type_of(value)
    cdef long long number
    cdef int overflow = 0
    if kind == &PyLong_Type:
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow:
            return False
        if -INTEGER_LIMIT <= number < INTEGER_LIMIT:
            return wanted == <PyObject *>INTEGER
        return wanted == <PyObject *>BIGINT
    if kind == &PyUnicode_Type:
        return (
            wanted == NONE
            and PyUnicode_FindChar(value, 0, 0, PyUnicode_GET_LENGTH(value), 1) == -1
            and is_encodable(value)
        )
    if value == NONE:
        return wanted == NONE
    if kind == &PyFloat_Type:
        return wanted == <PyObject *>DOUBLE
    if kind == &PyBytes_Type:
        return wanted == <PyObject *>BYTEA
    return kind == &PyBool_Type and wanted == <PyObject *>BOOLEAN


cdef bint is_outgrown(PyObject *cached) except -1:
    """`CachedPlan.is_outgrown`."""
    for pages, count in <tuple>slot(cached, CACHED_SIZES):
        if number_in(<PyObject *>pages, PAGES_PAGE_COUNT) > 4 * <long long>count + 4:
            return True
    return False

