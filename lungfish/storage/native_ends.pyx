# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The end of a transaction: its commit record, and later its leaving, each in one uninterrupted step of C.

What `TransactionManager.append_commit` and `finish` do is done here, in the same order, where nothing is out of the ordinary: nobody is inside the
fence's latch or holds a mutex at this moment, nobody waits for the transaction, nothing is to be called at its commit. Else nothing is done, and they do
it. For every other thread a step happens at once (native_tables.pyx), so the mutex of the running set need not be held: whoever has it is seen.

Invariants:
1. Between the first look and the last change no Python code runs; the garbage collector rests meanwhile.
2. What a transaction leaves to be purged is purged, or in the queue, before anybody can see that it has left.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_Contains, PyDict_DelItem, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsUnsignedLongLongMask
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from lungfish.slots cimport FALSE, NONE, offset_of, set_slot, slot
from lungfish.storage.native_frames cimport number_in
from lungfish.storage.native_purge cimport purge_in_one_step
from lungfish.storage.native_records cimport append_record
from lungfish.storage.native_tables cimport is_open

from heapq import heappush

from xxhash import xxh3_64_intdigest

from lungfish.storage.clock import SystemClock
from lungfish.storage.lock_queue import LockOwner
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.transaction_state import TransactionState
from lungfish.storage.transactions import Transaction

cdef extern from "Python.h":
    int PyGC_Disable()
    int PyGC_Enable()

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()

cdef extern from "time.h":
    struct timespec:
        long long tv_sec
        long tv_nsec
    int TIME_UTC
    int timespec_get(timespec *moment, int base)

cdef enum:
    # recovery/wal_records.py: a COMMIT.
    COMMIT_SIZE = 32
    COMMIT_TYPE = 3
    # So many open transactions are looked at for their snapshots.
    ACTIVE_COUNT_MAX = 64

cdef str TRANSACTION_KIND = "transaction"
cdef object COMMITTING = TransactionState.COMMITTING
cdef object COMMITTED = TransactionState.COMMITTED

cdef Py_ssize_t TRANSACTION_ID = offset_of(Transaction, "id")
cdef Py_ssize_t TRANSACTION_COMMIT_LSN = offset_of(Transaction, "commit_lsn")
cdef Py_ssize_t TRANSACTION_FIRST_LSN = offset_of(Transaction, "first_lsn")
cdef Py_ssize_t TRANSACTION_IS_UNDO_HELD = offset_of(Transaction, "is_undo_held")
cdef Py_ssize_t TRANSACTION_STATE = offset_of(Transaction, "state")
cdef Py_ssize_t TRANSACTION_UNDO = offset_of(Transaction, "undo")
cdef Py_ssize_t TRANSACTION_SNAPSHOT = offset_of(Transaction, "snapshot")
cdef Py_ssize_t TRANSACTION_ON_PUBLISH = offset_of(Transaction, "on_publish")
cdef Py_ssize_t TRANSACTION_ON_COMMIT = offset_of(Transaction, "on_commit")
cdef Py_ssize_t TRANSACTION_OWNER = offset_of(Transaction, "_lock_owner")
cdef Py_ssize_t OWNER_LOG = offset_of(LockOwner, "log")
cdef Py_ssize_t OWNER_WEAK = offset_of(LockOwner, "weak")
cdef Py_ssize_t SNAPSHOT_XMIN = offset_of(Snapshot, "xmin")


cdef class NativeEnds:
    """Ends transactions of one `TransactionManager`."""

    cdef object manager, fence, members, log, group, failpoints, queue
    # Where the log and its group have what is looked at.
    cdef Py_ssize_t log_chunks, log_end, log_failure, log_full, log_taken, group_leader
    # Whether locks are held, as functions.
    cdef object is_log_latched, are_members_locked, is_queue_locked
    cdef object seed
    cdef int64_t log_buffer_size_max
    cdef dict running, active, held, lists, lock_queues
    cdef list ids

    def __init__(self, manager):
        members, queue, log = manager.members, manager.purge_queue, manager.log
        self.manager, self.fence, self.members, self.queue = manager, manager.fence, members, queue
        self.running, self.active, self.held = members._running, members._active, members._held
        self.are_members_locked = members._mutex.locked
        self.lists, self.ids = queue._lists, queue._ids
        self.is_queue_locked = queue._mutex.locked
        self.lock_queues = manager.locks._queues
        # The write-ahead log; what ends in another one, or by another clock, ends in the ordinary way.
        if hasattr(log, "_chunks") and type(log._clock) is SystemClock:
            self.log, self.group, self.failpoints = log, log._group, log._failpoints
            kind = type(log)
            self.log_chunks, self.log_end = offset_of(kind, "_chunks"), offset_of(kind, "_end")
            self.log_failure, self.log_full = offset_of(kind, "_failure"), offset_of(kind, "_full")
            self.log_taken = offset_of(kind, "_taken")
            self.group_leader = offset_of(type(log._group), "_leader")
            self.is_log_latched = log._latch.locked
            self.seed = log._seed
            self.log_buffer_size_max = log._buffer_size_max

    def append_commit(self, transaction):
        """Log the commit; False: not done."""
        cdef bint was_on = PyGC_Disable()
        try:
            return self.append_record(transaction)
        finally:
            if was_on:
                PyGC_Enable()

    cdef bint append_record(self, object transaction) except -1:
        """See `append_commit`."""
        cdef PyObject* log = <PyObject*>self.log
        cdef PyObject* me = <PyObject*>transaction
        cdef object end, leader
        cdef bytes body
        cdef uint8_t* out
        cdef timespec moment
        cdef int64_t now, first_lsn
        cdef uint64_t writer
        if self.log is None or (
            self.manager._poison is not None
            or not is_open(self.fence)
            or self.is_log_latched()
            or slot(log, self.log_failure) != NONE
            or slot(log, self.log_full) != NONE
            or self.failpoints.is_on
        ):
            return False
        leader = <object>slot(<PyObject*>self.group, self.group_leader)
        if leader is not None and leader.thread == PyThread_get_thread_ident():
            # A finalizer within a flush: it is refused.
            return False
        writer, first_lsn = number_in(me, TRANSACTION_ID), number_in(me, TRANSACTION_FIRST_LSN)
        timespec_get(&moment, TIME_UTC)
        now = moment.tv_sec * 1_000_000 + moment.tv_nsec // 1000
        body = PyBytes_FromStringAndSize(NULL, COMMIT_SIZE)
        out = <uint8_t*>PyBytes_AS_STRING(body)
        memset(out, 0, 8)
        out[0] = COMMIT_TYPE
        memcpy(out + 8, &writer, 8)
        memcpy(out + 16, &now, 8)
        memcpy(out + 24, &first_lsn, 8)
        end = append_record(
            <list>slot(log, self.log_chunks),
            number_in(log, self.log_end),
            body,
            PyLong_AsUnsignedLongLongMask(xxh3_64_intdigest(body, self.seed)),
        )
        set_slot(log, self.log_end, end)
        set_slot(me, TRANSACTION_COMMIT_LSN, end)
        set_slot(me, TRANSACTION_STATE, COMMITTING)
        if <int64_t>end - number_in(log, self.log_taken) > self.log_buffer_size_max:
            self.log._ask_for_relief()
        return True

    def finish(self, transaction):
        """Let a committed transaction leave, with its locks and what it leaves to be purged; False: not done."""
        cdef bint was_on
        cdef dict weak = {}
        if type(transaction) is not Transaction:
            return False
        was_on = PyGC_Disable()
        try:
            return self.leave(transaction, weak)
        finally:
            if was_on:
                PyGC_Enable()

    cdef bint leave(self, object transaction, dict weak) except -1:
        """`finish`, given a new dictionary."""
        cdef PyObject* me = <PyObject*>transaction
        cdef PyObject* owner = slot(me, TRANSACTION_OWNER)
        cdef object number = <object>slot(me, TRANSACTION_ID)
        cdef list undo = <list>slot(me, TRANSACTION_UNDO)
        cdef bint has_purge
        if (
            PyList_GET_SIZE(<object>slot(me, TRANSACTION_ON_PUBLISH))
            or PyList_GET_SIZE(<object>slot(me, TRANSACTION_ON_COMMIT))
            or self.are_members_locked()
            or (owner != NONE and PyList_GET_SIZE(<object>slot(owner, OWNER_LOG)))
        ):
            return False
        if PyDict_Size(self.lock_queues) and (TRANSACTION_KIND, number, 0) in self.lock_queues:
            # Somebody waits for it.
            return False
        has_purge = has_versions(undo)
        if has_purge and (
            slot(me, TRANSACTION_IS_UNDO_HELD) != FALSE
            or self.queue._is_held
            or self.is_queue_locked()
            or self.queue._turn.locked()
        ):
            return False
        self.members._parts = None
        if PyDict_Contains(self.running, number):
            PyDict_DelItem(self.running, number)
        set_slot(me, TRANSACTION_SNAPSHOT, None)
        if has_purge:
            self.purge(number, undo)
        if owner != NONE and PyDict_Size(<object>slot(owner, OWNER_WEAK)):
            set_slot(owner, OWNER_WEAK, weak)
        set_slot(me, TRANSACTION_STATE, COMMITTED)
        if PyDict_Contains(self.active, transaction):
            PyDict_DelItem(self.active, transaction)
        return True

    cdef int purge(self, object number, list undo) except -1:
        """Drop what the transaction has replaced, if no snapshot needs it; what is left is owed."""
        if not PyDict_Size(self.lists) and self.is_behind_horizon(number):
            purge_in_one_step(undo)
        if undo:
            # In this order: an id without a list is passed over.
            heappush(self.ids, number)
            PyDict_SetItem(self.lists, number, undo)
        return 0

    cdef bint is_behind_horizon(self, int64_t number) except -1:
        """Whether all snapshots see the transaction, which has left (`RunningSet.horizon`)."""
        cdef PyObject* key
        cdef PyObject* value
        cdef PyObject* snapshot
        cdef Py_ssize_t place = 0
        if PyDict_Size(self.held) or PyDict_Size(self.active) > ACTIVE_COUNT_MAX:
            return False
        while PyDict_Next(self.running, &place, &key, &value):
            if <int64_t><object>key < number:
                return False
        place = 0
        while PyDict_Next(self.active, &place, &key, &value):
            snapshot = slot(key, TRANSACTION_SNAPSHOT)
            if snapshot != NONE and <int64_t><object>slot(snapshot, SNAPSHOT_XMIN) <= number:
                return False
        return True


cdef bint has_versions(list undo) except -1:
    """As in undo_list.py."""
    cdef Py_ssize_t index
    for index in range(PyList_GET_SIZE(undo)):
        if <object>PyTuple_GET_ITEM(<object>PyList_GET_ITEM(undo, index), 2) is not None:
            return True
    return False
