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
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from lungfish.storage.native_records cimport RECORD_HEADER_SIZE, append_record

from xxhash import xxh3_64_intdigest

from lungfish.errors import DiskFull, Error, IoError
from lungfish.recovery.wal_group import Waiter
from lungfish.recovery.wal_segments import HEADER_SIZE
from lungfish.recovery.wal_writer import SMALL_WRITE_MAX
from lungfish.storage.clock import SystemClock
from lungfish.storage.measured_disk import CLIENT, WAL, MeasuredFile

cdef enum:
    # recovery/wal_records.py: a MARK.
    MARK_SIZE = 16
    MARK_TYPE = 7

cdef int64_t SEGMENT_HEADER_SIZE = HEADER_SIZE
cdef int64_t SIZE_MAX = SMALL_WRITE_MAX


cdef class NativeFlush:
    """Leads for one log and its group."""

    cdef object log, group, writer, seed, waiter
    cdef int64_t capacity
    cdef object is_group_latched, is_log_latched, take_alive, let_go_of_alive

    def __init__(self, log, group):
        self.log, self.group, self.writer, self.seed = log, group, log.writer, log._seed
        self.capacity = log.start.capacity
        self.is_group_latched = group._latch.locked
        self.is_log_latched = log._latch.locked
        # There is one leader at a time, so one waiter that leads at once is enough: its lock is held while it does.
        self.waiter = Waiter(0)
        self.take_alive, self.let_go_of_alive = self.waiter.alive.acquire, self.waiter.alive.release

    def sync_to(self, lsn):
        """`GroupSync.sync_to`; False: nothing was done."""
        cdef object group = self.group, durable = 0
        # Made first: it may set off the garbage collector, and so finalizers.
        cdef list empty = []
        cdef object thread = get_ident()
        # The leader before may have handed the lead on and not be gone: who waited for that would not know who leads by then.
        if not self.may_lead() or not self.take_alive(False):
            return False
        self.waiter.lsn, self.waiter.thread = lsn, thread
        try:
            group._leader = self.waiter
            try:
                durable = self.lead(empty)
            finally:
                if self.is_group_latched() or group._waiters:
                    group._pass_on(durable)
                else:
                    if durable > group._durable:
                        group._durable = durable
                    group._leader = None
        finally:
            self.let_go_of_alive()
        return True

    cdef bint may_lead(self) except -1:
        """Whether all is as usual."""
        cdef object log = self.log, writer = self.writer, group = self.group
        cdef object file = writer._file, header = writer._header
        cdef int64_t size, written, offset
        if (
            group._leader is not None
            or group._waiters
            or self.is_group_latched()
            or self.is_log_latched()
            or log._failure is not None
            or log._full is not None
            or log._failpoints.is_on
            or log._in_flight
            or type(log._clock) is not SystemClock
            or type(file) is not MeasuredFile
            or header is None
            or writer._on_first_segment is not None
        ):
            return False
        written = log._written
        if log._taken != written or log._end <= log._durable:
            return False
        size = <int64_t>log._end - written + RECORD_HEADER_SIZE + MARK_SIZE
        offset = written % self.capacity
        if size > SIZE_MAX or offset + size > self.capacity or header.number != written // self.capacity:
            return False
        offset += SEGMENT_HEADER_SIZE + size
        return offset <= <int64_t>writer._filled_to and offset <= <int64_t>file._size

    cdef object lead(self, list empty):
        """`WriteAheadLog._write_and_sync`."""
        cdef object log = self.log, writer = self.writer, file = writer._file
        cdef object began = monotonic()
        cdef bytes data
        cdef int64_t written = log._written
        cdef Py_ssize_t count
        self.append_mark()
        data = b"".join(log._chunks)
        count = PyList_GET_SIZE(log._chunks) // 2
        log._in_flight, log._chunks, log._taken = data, empty, log._end
        log.records.value += count
        try:
            self.write(file, SEGMENT_HEADER_SIZE + written % self.capacity, data)
        except Error as error:
            log.give_up_write(error)
        log._written, log._in_flight = written + PyBytes_GET_SIZE(data), b""
        log.bytes.value += PyBytes_GET_SIZE(data)
        try:
            self.sync(file)
        except DiskFull as error:
            log.poison(IoError(error.message))
        except Error as error:
            log.poison(error)
        log._durable = log._written
        observe(log._syncs, (monotonic() - began) * 1000)
        return log._durable

    cdef int append_mark(self) except -1:
        """Append what says up to where the log is durable. Nobody has the log's latch."""
        cdef object log = self.log
        cdef bytes body = PyBytes_FromStringAndSize(NULL, MARK_SIZE)
        cdef uint8_t* out = <uint8_t*>PyBytes_AS_STRING(body)
        cdef uint64_t durable = log._durable
        memset(out, 0, 8)
        out[0] = MARK_TYPE
        memcpy(out + 8, &durable, 8)
        log._end = append_record(log._chunks, log._end, body, xxh3_64_intdigest(body, self.seed))
        return 0

    cdef int write(self, object file, int64_t offset, bytes data) except -1:
        """`MeasuredFile.write_at`, within the file's size."""
        cdef object began = monotonic(), totals = file._totals, figures
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        file._file.write_at(offset, data)
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
        file._file.sync()
        took_ms = (monotonic() - began) * 1000
        figures = figures_of(file._totals)
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
