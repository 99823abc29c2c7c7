# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""A commit's flush by a thread that finds nobody flushing: leading, writing, syncing and handing the lead on, without a line of Python code but the file's.

What `GroupSync.sync_to` does with `WriteAheadLog._write_and_sync`, `SegmentWriter.write` and `MeasuredFile` beneath it is done here, in the same order,
where nothing is out of the ordinary: the lead is free, nobody is inside one of the latches at this moment, nothing is left of a flush that was cut off,
the batch is small and goes where the current segment has its blocks. Else nothing is done, and they do it.

While the file is written and synced other threads run. They find a leader that is alive, and wait for it as for any other: all that they look
at is as Python would have left it there.

Invariants, beyond those of wal.py and wal_group.py:
1. From the look at the lead to the taking of the batch no Python code runs, so all of it is one step for other threads.
2. What comes out of the file's functions is met as wal.py meets it: an error by its methods, anything else (Ctrl-C) leaves the batch in flight.
3. The lead is handed on, and `alive` let go of, however the thread leaves.
"""

from _thread import get_ident
from bisect import bisect_left
from time import monotonic

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_SIZE
from cpython.long cimport PyLong_AsUnsignedLongLongMask
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from lungfish.slots cimport NONE, offset_of, set_slot, slot
from lungfish.storage.native_frames cimport number_in
from lungfish.storage.native_records cimport RECORD_HEADER_SIZE, append_record

from xxhash import xxh3_64_intdigest

from lungfish.errors import DiskFull, Error, IoError
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_group import GroupSync, Waiter
from lungfish.recovery.wal_segments import HEADER_SIZE
from lungfish.recovery.wal_writer import SMALL_WRITE_MAX, SegmentWriter
from lungfish.storage.clock import SystemClock
from lungfish.storage.measured_disk import CLIENT, WAL, MeasuredFile

cdef enum:
    # recovery/wal_records.py: a MARK.
    MARK_SIZE = 16
    MARK_TYPE = 7

# Where each object has what is looked at.
cdef Py_ssize_t LOG_CHUNKS = offset_of(WriteAheadLog, "_chunks")
cdef Py_ssize_t LOG_DURABLE = offset_of(WriteAheadLog, "_durable")
cdef Py_ssize_t LOG_END = offset_of(WriteAheadLog, "_end")
cdef Py_ssize_t LOG_FAILURE = offset_of(WriteAheadLog, "_failure")
cdef Py_ssize_t LOG_FULL = offset_of(WriteAheadLog, "_full")
cdef Py_ssize_t LOG_IN_FLIGHT = offset_of(WriteAheadLog, "_in_flight")
cdef Py_ssize_t LOG_TAKEN = offset_of(WriteAheadLog, "_taken")
cdef Py_ssize_t LOG_WRITTEN = offset_of(WriteAheadLog, "_written")
cdef Py_ssize_t GROUP_DURABLE = offset_of(GroupSync, "_durable")
cdef Py_ssize_t GROUP_LEADER = offset_of(GroupSync, "_leader")
cdef Py_ssize_t GROUP_WAITERS = offset_of(GroupSync, "_waiters")
cdef Py_ssize_t WRITER_FILE = offset_of(SegmentWriter, "_file")
cdef Py_ssize_t WRITER_FILLED_TO = offset_of(SegmentWriter, "_filled_to")
cdef Py_ssize_t WRITER_HEADER = offset_of(SegmentWriter, "_header")
cdef Py_ssize_t WRITER_ON_FIRST_SEGMENT = offset_of(SegmentWriter, "_on_first_segment")
cdef Py_ssize_t FILE_FILE = offset_of(MeasuredFile, "_file")
cdef Py_ssize_t FILE_SIZE = offset_of(MeasuredFile, "_size")
cdef Py_ssize_t FILE_TOTALS = offset_of(MeasuredFile, "_totals")

cdef int64_t SEGMENT_HEADER_SIZE = HEADER_SIZE
cdef int64_t SIZE_MAX = SMALL_WRITE_MAX


cdef class NativeFlush:
    """Leads for one log and its group."""

    cdef object log, group, writer, seed, waiter, failpoints
    cdef int64_t capacity
    cdef bint has_system_clock
    cdef object is_group_latched, is_log_latched, take_alive, let_go_of_alive

    def __init__(self, log, group):
        self.log, self.group, self.writer, self.seed = log, group, log.writer, log._seed
        self.capacity = log.start.capacity
        self.failpoints = log._failpoints
        self.has_system_clock = type(log._clock) is SystemClock
        self.is_group_latched = group._latch.locked
        self.is_log_latched = log._latch.locked
        # There is one leader at a time, so one waiter that leads at once is enough: its lock is held while it does.
        self.waiter = Waiter(0)
        self.take_alive, self.let_go_of_alive = self.waiter.alive.acquire, self.waiter.alive.release

    def sync_to(self, lsn):
        """`GroupSync.sync_to`; False: nothing was done."""
        cdef object durable = 0
        cdef PyObject* group = <PyObject*>self.group
        # Made first: it may set off the garbage collector, and so finalizers.
        cdef list empty = []
        cdef object thread = get_ident()
        # The leader before may have handed the lead on and not be gone: who waited for that would not know who leads by then.
        if not self.may_lead() or not self.take_alive(False):
            return False
        self.waiter.lsn, self.waiter.thread = lsn, thread
        try:
            set_slot(group, GROUP_LEADER, self.waiter)
            try:
                durable = self.lead(empty)
            finally:
                if self.is_group_latched() or <object>slot(group, GROUP_WAITERS):
                    self.group._pass_on(durable)
                else:
                    if <int64_t>durable > number_in(group, GROUP_DURABLE):
                        set_slot(group, GROUP_DURABLE, durable)
                    set_slot(group, GROUP_LEADER, None)
        finally:
            self.let_go_of_alive()
        return True

    cdef bint may_lead(self) except -1:
        """Whether all is as usual."""
        cdef PyObject* log = <PyObject*>self.log
        cdef PyObject* group = <PyObject*>self.group
        cdef PyObject* writer = <PyObject*>self.writer
        cdef object file = <object>slot(writer, WRITER_FILE)
        cdef object header = <object>slot(writer, WRITER_HEADER)
        cdef int64_t size, written, offset, end
        if (
            slot(group, GROUP_LEADER) != NONE
            or <object>slot(group, GROUP_WAITERS)
            or self.is_group_latched()
            or self.is_log_latched()
            or slot(log, LOG_FAILURE) != NONE
            or slot(log, LOG_FULL) != NONE
            or self.failpoints.is_on
            or <object>slot(log, LOG_IN_FLIGHT)
            or not self.has_system_clock
            or type(file) is not MeasuredFile
            or header is None
            or slot(writer, WRITER_ON_FIRST_SEGMENT) != NONE
        ):
            return False
        written, end = number_in(log, LOG_WRITTEN), number_in(log, LOG_END)
        if number_in(log, LOG_TAKEN) != written or end <= number_in(log, LOG_DURABLE):
            return False
        size = end - written + RECORD_HEADER_SIZE + MARK_SIZE
        offset = written % self.capacity
        if size > SIZE_MAX or offset + size > self.capacity or header.number != written // self.capacity:
            return False
        offset += SEGMENT_HEADER_SIZE + size
        return offset <= number_in(writer, WRITER_FILLED_TO) and (
            offset <= number_in(<PyObject*>file, FILE_SIZE)
        )

    cdef object lead(self, list empty):
        """`WriteAheadLog._write_and_sync`."""
        cdef object file = <object>slot(<PyObject*>self.writer, WRITER_FILE), began = monotonic()
        cdef PyObject* log = <PyObject*>self.log
        cdef bytes data
        cdef int64_t written = number_in(log, LOG_WRITTEN)
        cdef Py_ssize_t count
        self.append_mark()
        data = b"".join(<list>slot(log, LOG_CHUNKS))
        count = PyList_GET_SIZE(<object>slot(log, LOG_CHUNKS)) // 2
        set_slot(log, LOG_IN_FLIGHT, data)
        set_slot(log, LOG_CHUNKS, empty)
        set_slot(log, LOG_TAKEN, <object>slot(log, LOG_END))
        self.log.records.value += count
        try:
            self.write(file, SEGMENT_HEADER_SIZE + written % self.capacity, data)
        except Error as error:
            self.log.give_up_write(error)
        set_slot(log, LOG_WRITTEN, written + PyBytes_GET_SIZE(data))
        set_slot(log, LOG_IN_FLIGHT, b"")
        self.log.bytes.value += PyBytes_GET_SIZE(data)
        try:
            self.sync(file)
        except DiskFull as error:
            self.log.poison(IoError(error.message))
        except Error as error:
            self.log.poison(error)
        set_slot(log, LOG_DURABLE, <object>slot(log, LOG_WRITTEN))
        observe(self.log._syncs, (monotonic() - began) * 1000)
        return <object>slot(log, LOG_DURABLE)

    cdef int append_mark(self) except -1:
        """Append what says up to where the log is durable. Nobody has the log's latch."""
        cdef PyObject* log = <PyObject*>self.log
        cdef bytes body = PyBytes_FromStringAndSize(NULL, MARK_SIZE)
        cdef uint8_t* out = <uint8_t*>PyBytes_AS_STRING(body)
        cdef uint64_t durable = number_in(log, LOG_DURABLE)
        cdef object end
        memset(out, 0, 8)
        out[0] = MARK_TYPE
        memcpy(out + 8, &durable, 8)
        end = append_record(
            <list>slot(log, LOG_CHUNKS),
            number_in(log, LOG_END),
            body,
            PyLong_AsUnsignedLongLongMask(xxh3_64_intdigest(body, self.seed)),
        )
        set_slot(log, LOG_END, end)
        return 0

    cdef int write(self, object file, int64_t offset, bytes data) except -1:
        """`MeasuredFile.write_at`, within the file's size."""
        cdef object began = monotonic(), figures
        cdef object totals = <object>slot(<PyObject*>file, FILE_TOTALS)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        (<object>slot(<PyObject*>file, FILE_FILE)).write_at(offset, data)
        took_ms = (monotonic() - began) * 1000
        figures = figures_of(totals)
        figures.writes += 1
        figures.write_bytes += size
        figures.write_ms += took_ms
        if totals.charge is not None:
            totals.charged(WAL, size)
        return 0

    cdef int sync(self, object file) except -1:
        """`MeasuredFile.sync`."""
        cdef object began = monotonic(), figures
        (<object>slot(<PyObject*>file, FILE_FILE)).sync()
        took_ms = (monotonic() - began) * 1000
        figures = figures_of(<object>slot(<PyObject*>file, FILE_TOTALS))
        figures.syncs += 1
        figures.sync_ms += took_ms
        if took_ms > figures.longest_sync_ms:
            figures.longest_sync_ms = took_ms
        return 0


cdef object figures_of(object totals):
    """`IoTotals.of` the log."""
    return totals.of(WAL) if totals._purposes else totals.figures[CLIENT, WAL]


cdef int observe(object histogram, object value) except -1:
    """`Histogram.observe`."""
    histogram.counts[bisect_left(histogram.bounds, value)] += 1
    histogram.count += 1
    histogram.total += value
    if value > histogram.maximum:
        histogram.maximum = value
    return 0
