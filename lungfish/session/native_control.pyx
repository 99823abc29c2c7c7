# cython: language_level=3
"""BEGIN and COMMIT as they nearly always are, from their texts to their results.

What `Session.execute` does with them is done here in the same order, under the session's mutex, where nothing is out of the ordinary: no
option, no temporary objects, no deferred checks, no transaction that has failed. Else nothing is done, and it does it. Committing itself is the
transaction's affair, as are the errors that come out of it.
"""

from cpython.long cimport PyLong_AsUnsignedLong
from cpython.object cimport PyObject, PyTypeObject
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.tuple cimport PyTuple_GET_SIZE

from lungfish.session.native_mutex cimport NativeMutex
from lungfish.slots cimport FALSE, offset_of, set_slot, slot

from lungfish.errors import OWN_MISTAKES, Error
from lungfish.executor import DeferredChecks
from lungfish.executor.context import Cancellation
from lungfish.executor.result import ExecutionResult
from lungfish.session.session import Session
from lungfish.session.string_reading import raise_worded
from lungfish.sql.ast.utility import Begin, Commit
from lungfish.storage.clock import SystemClock
from lungfish.storage.lock_queue import LockOwner
from lungfish.storage.transactions import IsolationLevel, Transaction, TransactionState

cdef extern from "time.h":
    struct timespec:
        long long tv_sec
        long tv_nsec
    int TIME_UTC
    int timespec_get(timespec *moment, int base)

cdef Py_ssize_t SESSION_CANCELLATION = offset_of(Session, "cancellation")
cdef Py_ssize_t SESSION_LAST_QUERY = offset_of(Session, "last_query")
cdef Py_ssize_t SESSION_THREAD_NUMBER = offset_of(Session, "_thread_number")
cdef Py_ssize_t CANCELLATION_IS_REQUESTED = offset_of(Cancellation, "is_requested")
cdef Py_ssize_t CANCELLATION_ERROR = offset_of(Cancellation, "error")
cdef Py_ssize_t CANCELLATION_PROGRESS = offset_of(Cancellation, "progress")
cdef Py_ssize_t OWNER_CANCEL_MESSAGE = offset_of(LockOwner, "cancel_message")
cdef object SERIALIZABLE = IsolationLevel.SERIALIZABLE
cdef object RUNNING = TransactionState.RUNNING
cdef tuple FAILURES = (Error, *OWN_MISTAKES)
cdef tuple NOTHING = ()
# Results that nobody changes, so they serve all.
cdef object BEGUN = ExecutionResult(None, "BEGIN")
cdef object COMMITTED = ExecutionResult(None, "COMMIT")

cdef Py_ssize_t TRANSACTION_ISOLATION = offset_of(Transaction, "isolation")
cdef Py_ssize_t TRANSACTION_IS_READ_ONLY = offset_of(Transaction, "is_read_only")
cdef Py_ssize_t TRANSACTION_SYNCHRONOUS_COMMIT = offset_of(Transaction, "synchronous_commit")
cdef Py_ssize_t TRANSACTION_BEGUN_AT = offset_of(Transaction, "begun_at")
cdef Py_ssize_t TRANSACTION_ON_EXPIRED = offset_of(Transaction, "on_expired")
# Of all its attributes.
cdef tuple TRANSACTION_SLOTS = tuple(offset_of(Transaction, name) for name in Transaction.__slots__)


cdef class NativeControl:
    """Begins and commits the transactions of one session."""

    def __init__(self, session):
        self.session = session
        self.mutex = session._mutex
        self.database, self.settings = session.database, session.settings
        self.owner, self.temporary = session.lock_owner, session.temporary
        self.active = session.database.transactions.members._active
        self.clock = session.database.clock
        self.on_expired = session._give_up_snapshot
        # What a new transaction is like; it never runs.
        self.template = Transaction(
            session.database.transactions,
            session.settings.default_isolation,
            is_read_only=False,
            synchronous_commit=True,
            lock_owner=session.lock_owner,
            begun_at=0,
        )

    cdef object run(self, str sql, object parsed):
        """The statement's result; None: nothing was done."""
        cdef NativeMutex mutex = self.mutex
        cdef object statement
        if PyTuple_GET_SIZE(parsed.statements) != 1:
            return None
        statement = parsed.statements[0]
        if type(statement) is not Begin and type(statement) is not Commit:
            return None
        if not mutex.acquire(False):
            return None
        try:
            if type(statement) is Begin:
                return self.begin(sql, statement)
            return self.commit(sql, statement)
        except FAILURES as error:
            raise_worded(error, sql, parsed.position_of)
        finally:
            mutex.release()

    cdef bint is_usual(self) except -1:
        """Whether the session is open, and neither settings nor earlier statements ask for anything special."""
        cdef object session = self.session, settings = self.settings
        return (
            not session.is_closed
            and not self.database.is_closed
            and session._late is None
            and settings.string_reading is None
        )

    cdef object begin(self, str sql, object statement):
        """`TransactionalSession._control_begin`."""
        cdef object session = self.session, settings = self.settings, owner = self.owner
        # Made before anything is looked at: that may set off the garbage collector, and so finalizers that use the session.
        cdef object transaction = self.new_transaction(), deferred = session._deferred
        if not is_unused(deferred):
            deferred = DeferredChecks()
        if (
            session._transaction is not None
            or statement.isolation is not None
            or statement.is_read_only is not None
            or statement.is_deferrable is not None
            or settings.default_isolation is SERIALIZABLE
            or not self.is_usual()
        ):
            return None
        note_start(<PyObject *>session, owner, sql)
        owner.cancel_message = None
        owner.timeout_s = settings.lock_timeout_s
        now = now_us(self.clock)
        set_slot(<PyObject *>transaction, TRANSACTION_ISOLATION, settings.default_isolation)
        set_slot(<PyObject *>transaction, TRANSACTION_SYNCHRONOUS_COMMIT, settings.is_synchronous)
        set_slot(<PyObject *>transaction, TRANSACTION_BEGUN_AT, now)
        set_slot(<PyObject *>transaction, TRANSACTION_ON_EXPIRED, self.on_expired)
        if session.is_read_only or settings.is_read_only or self.database.is_historical:
            set_slot(<PyObject *>transaction, TRANSACTION_IS_READ_ONLY, True)
        self.active[transaction] = None
        session._transaction = transaction
        session._is_failed = False
        session.has_queried = False
        session._deferred = deferred
        session._settings_before = settings._values
        session._chained_modes = None
        session.transaction_time_us = now
        session._is_explicit = True
        return BEGUN if statement.tag == "BEGIN" else ExecutionResult(None, statement.tag)

    cdef object new_transaction(self):
        """A copy of the template, with lists of its own."""
        cdef PyTypeObject *kind = <PyTypeObject *>Transaction
        cdef object made = kind.tp_new(Transaction, <PyObject *>NOTHING, NULL), value
        cdef Py_ssize_t offset
        for offset in TRANSACTION_SLOTS:
            value = <object>slot(<PyObject *>self.template, offset)
            set_slot(<PyObject *>made, offset, [] if type(value) is list else value)
        return made

    cdef object commit(self, str sql, object statement):
        """`TransactionalSession._control_end` and `commit`."""
        cdef object session = self.session, settings = self.settings
        cdef object transaction = session._transaction, deferred = session._deferred
        if (
            type(transaction) is not Transaction
            or transaction.state is not RUNNING
            or statement.and_chain
            or not session._is_explicit
            or session._is_failed
            or session._change is not None
            or deferred._children
            or deferred._parents
            or deferred._keys
            or self.temporary.objects
            or self.database.catalog.commit_action_tables
            or not self.is_usual()
        ):
            return None
        session._note_start(sql)
        try:
            transaction.commit()
        except BaseException:
            session._roll_back_after_failed_commit(transaction)
            raise
        session._transaction = None
        session._is_explicit = False
        if session._savepoints:
            session._savepoints.clear()
        if session.cursors.open:
            session.cursors.end_transaction(is_committed=True)
        if settings._local:
            settings.end_transaction()
        self.database.after_commit()
        return COMMITTED


cdef int note_start(PyObject *session, object owner, str sql) except -1:
    """Leave behind what a statement leaves that begins, and runs nothing that could be stopped."""
    cdef PyObject *cancellation = slot(session, SESSION_CANCELLATION)
    cdef unsigned long thread = <unsigned long>PyThread_get_thread_ident()
    if slot(session, SESSION_LAST_QUERY) != <PyObject *>sql:
        set_slot(session, SESSION_LAST_QUERY, sql)
    if PyLong_AsUnsignedLong(<object>slot(session, SESSION_THREAD_NUMBER)) != thread:
        set_slot(session, SESSION_THREAD_NUMBER, thread)
    set_slot(cancellation, CANCELLATION_PROGRESS, None)
    if slot(cancellation, CANCELLATION_IS_REQUESTED) != FALSE:
        # What was asked of an earlier statement is no matter of this one.
        set_slot(cancellation, CANCELLATION_IS_REQUESTED, False)
        set_slot(cancellation, CANCELLATION_ERROR, None)
        set_slot(<PyObject *>owner, OWNER_CANCEL_MESSAGE, None)
    return 0


cdef object now_us(object clock):
    """`Clock.utc_us`."""
    cdef timespec moment
    if type(clock) is not SystemClock:
        return clock.utc_us()
    timespec_get(&moment, TIME_UTC)
    return moment.tv_sec * 1_000_000 + moment.tv_nsec // 1000


cdef bint is_unused(object deferred) except -1:
    """Whether the deferred checks of a transaction are as new ones are."""
    return not (deferred._modes or deferred._children or deferred._parents or deferred._keys)
