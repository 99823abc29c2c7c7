# cython: language_level=3
"""A session's mutex: threading.RLock whose owner compiled code can see, so that a statement that runs in one step need not take it.

Its fields change in compiled code only, which keeps the interpreter's lock; so taking it when it is free is two assignments. Who finds it taken
waits on a lock of its own, which the one that leaves lets go.

Invariants:
1. `owner` is 0 exactly if `depth` is.
2. Whoever leaves while somebody waits wakes the first of `waiting` and takes it off; who is woken looks again, and who gives up waiting
   after being woken wakes the next. So nobody sleeps while the mutex is free and nobody is on the way to it.
"""

from _thread import allocate_lock

from cpython.pythread cimport PyThread_get_thread_ident


cdef class NativeMutex:
    """A mutex that its owner may enter again."""

    def __cinit__(self):
        self.waiting = []

    cpdef bint acquire(self, bint blocking=True):
        """Enter; without `blocking` only if that needs no wait. Answers whether."""
        cdef unsigned long me = <unsigned long>PyThread_get_thread_ident()
        while self.owner != me:
            if self.owner == 0:
                self.owner = me
            elif blocking:
                self.wait()
            else:
                return False
        self.depth += 1
        return True

    cdef wait(self):
        """Return once somebody has left, or sooner."""
        place = allocate_lock()
        place.acquire()
        if self.owner == 0:
            return
        self.waiting.append(place)
        try:
            place.acquire()
        except BaseException:
            if place in self.waiting:
                self.waiting.remove(place)
            elif self.owner == 0:
                self.wake()
            raise

    cdef wake(self):
        if self.waiting:
            self.waiting.pop(0).release()

    cpdef release(self):
        """Leave, as often as entered. Raises RuntimeError if another thread is inside."""
        if self.owner != <unsigned long>PyThread_get_thread_ident():
            raise RuntimeError("cannot release un-acquired lock")
        self.depth -= 1
        if self.depth == 0:
            self.owner = 0
            if self.waiting:
                self.wake()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_):
        self.release()
