"""`Connection.transaction()`: a block that is one transaction, or a savepoint inside one; also one that is tried again.

    with connection.transaction(isolation="serializable"):
        ...

    for attempt in connection.transaction(isolation="serializable", retry=5):
        with attempt:
            ...

A block cannot be run twice by its own `with`, so what is to be tried again stands in a loop: it ends with the first attempt that
commits. Only 40001 (serialization failure) and 40P01 (deadlock) are tried again, and only by the outermost transaction: what an inner
block has read is no truer the second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from lungfish.errors import DeadlockDetected, InterfaceError, SerializationFailure

if TYPE_CHECKING:
    from lungfish.connection.connection import Connection

_RETRIED = (SerializationFailure, DeadlockDetected)


@dataclass(frozen=True, slots=True)
class TransactionOptions:
    """What `Connection.transaction` was asked for."""

    # Of the savepoint, inside a transaction.
    name: str | None = None
    isolation: str | None = None
    read_only: bool | None = None


class TransactionBlock:
    """A transaction, or a savepoint inside one, for `with`."""

    def __init__(self, connection: Connection, options: TransactionOptions) -> None:
        self._connection = connection
        self._options = options
        # Its savepoint; None: it is a transaction of its own.
        self._savepoint: str | None = None

    def __enter__(self) -> Connection:
        options, session = self._options, self._connection.session
        self._savepoint = None
        if session.in_transaction:
            self._savepoint = options.name or f"_lungfish_{session.savepoint_count + 1}"
            session.savepoint(self._savepoint)
        else:
            session.begin(options.isolation, is_read_only=options.read_only)
        return self._connection

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        session, savepoint = self._connection.session, self._savepoint
        if savepoint is not None:
            if error is not None:
                session.rollback_to(savepoint)
            session.release(savepoint)
        elif error is None:
            session.commit()
        else:
            session.rollback()


class RetriedTransaction:
    """A transaction for each round of `for`, until one commits or there are no attempts left."""

    def __init__(self, connection: Connection, options: TransactionOptions, retry: int) -> None:
        """`retry`: how many more attempts there may be after the first."""
        self._connection = connection
        self._options = options
        self._retry = retry

    def __iter__(self) -> Iterator[Attempt]:
        if self._connection.in_transaction:
            raise InterfaceError("a transaction with retry cannot be inside another one")
        for left in range(self._retry, -1, -1):
            attempt = Attempt(TransactionBlock(self._connection, self._options), is_last=not left)
            yield attempt
            if not attempt.has_failed:
                return


class Attempt:
    """One of them. Keeps 40001 and 40P01 to itself, unless it is the last one."""

    def __init__(self, block: TransactionBlock, *, is_last: bool) -> None:
        self._block = block
        self._is_last = is_last
        self.has_failed = False

    def __enter__(self) -> Connection:
        return self._block.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        try:
            self._block.__exit__(kind, error, traceback)
        except _RETRIED:
            if self._is_last:
                raise
            self.has_failed = True
            return True
        self.has_failed = isinstance(error, _RETRIED) and not self._is_last
        return self.has_failed
