"""One serializable transaction with its conflicts, and which of these make a dangerous structure. `serializable.py` has the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from lungfish import errors
from lungfish.storage.ids import TransactionId
from lungfish.storage.snapshots import Snapshot

MESSAGE = "could not serialize access due to read/write dependencies among transactions"
HINT = "The transaction might succeed if retried."


class Owner(Protocol):
    """What is needed of a transaction: its id, once it has written."""

    id: TransactionId


class Member:
    """A serializable transaction. Guarded by the mutex of `SerializableTransactions`."""

    __slots__ = (
        "begin_sequence",
        "commit_sequence",
        "earliest_out_sequence",
        "has_conflict_out",
        "has_summary_in",
        "has_summary_out",
        "has_written",
        "in_conflicts",
        "is_doomed",
        "is_over",
        "is_read_only",
        "is_safe",
        "is_unsafe",
        "on_decided",
        "out_conflicts",
        "owner",
        "owner_number",
        "prepare_sequence",
        "snapshot",
        "unsafe_candidates",
        "watchers",
    )

    def __init__(self, owner: Owner, owner_number: int, *, is_read_only: bool) -> None:
        self.owner = owner
        # The session's number, for pg_locks.
        self.owner_number = owner_number
        # Declared so, or found so at its commit.
        self.is_read_only = is_read_only
        self.snapshot: Snapshot | None = None
        # The last commit before the snapshot; of its own commit: when it was let through, and when it was done. 0: not yet.
        self.begin_sequence = 0
        self.prepare_sequence = 0
        self.commit_sequence = 0
        # Who has read what this one wrote, and whose writes this one has not seen.
        self.in_conflicts: dict[Member, None] = {}
        self.out_conflicts: dict[Member, None] = {}
        # Whether, when its commit was done, one of the latter had been let through to its own, and when the first of them was.
        self.has_conflict_out = False
        self.earliest_out_sequence = 0
        # The same with transactions that stand in the summary.
        self.has_summary_in = False
        self.has_summary_out = False
        self.has_written = False
        self.is_doomed = False
        # Rolled back, or let go of.
        self.is_over = False
        # Of a READ ONLY one: the writers on whose end it hangs whether its snapshot is safe, and the outcome.
        self.unsafe_candidates: dict[Member, None] = {}
        self.is_safe = False
        self.is_unsafe = False
        # Called when that is decided.
        self.on_decided: Callable[[], None] | None = None
        # Of a writer: the READ ONLY ones that it is a candidate of.
        self.watchers: dict[Member, None] = {}

    @property
    def is_undecided(self) -> bool:
        """Whether it is still open if its snapshot is safe."""
        return not (self.is_safe or self.is_unsafe)

    @property
    def is_prepared(self) -> bool:
        """Whether it was let through to its commit, and cannot be doomed any more."""
        return self.prepare_sequence != 0

    @property
    def is_committed(self) -> bool:
        """Whether its commit is done."""
        return self.commit_sequence != 0

    def has_missed_commit_before(self, sequence: int) -> bool:
        """Of a committed one: whether one whose writes it has not seen had, or may have, been let through by then. When those of the summary were, nobody knows."""
        return self.has_summary_out or (
            self.has_conflict_out and self.earliest_out_sequence <= sequence
        )


def is_harmless_to_reader(reader: Member, writer: Member) -> bool:
    """Whether a read of what a committed transaction wrote cannot matter: the reader only reads, and nobody whom the writer missed had
    committed before the reader's snapshot."""
    return (
        reader.is_read_only
        and writer.is_committed
        and not writer.has_missed_commit_before(reader.begin_sequence)
    )


def is_dangerous(reader: Member, writer: Member) -> bool:
    """Whether the conflict from `reader` to `writer` completes a structure whose last transaction commits first."""
    if writer.is_committed and (writer.has_conflict_out or writer.has_summary_out):
        return True
    if any(_ends_structure(third, reader, writer) for third in writer.out_conflicts):
        return True
    if writer.has_summary_out and not writer.is_committed:
        return True
    if not writer.is_prepared or reader.is_read_only:
        return False
    return reader.has_summary_in or any(
        _begins_structure(first, writer) for first in reader.in_conflicts
    )


def _ends_structure(third: Member, reader: Member, writer: Member) -> bool:
    """With `writer` as the pivot: whether `third` has committed before both others (before the reader's snapshot, if that only reads)."""
    return (
        third.is_prepared
        and (not reader.is_committed or third.prepare_sequence <= reader.commit_sequence)
        and (not writer.is_committed or third.prepare_sequence <= writer.commit_sequence)
        and (not reader.is_read_only or third.prepare_sequence <= reader.begin_sequence)
    )


def _begins_structure(first: Member, writer: Member) -> bool:
    """With the reader as the pivot: whether `writer` has committed before `first` (before its snapshot, if that only reads)."""
    return (
        not first.is_doomed
        and (not first.is_committed or first.commit_sequence >= writer.prepare_sequence)
        and (not first.is_read_only or first.begin_sequence >= writer.prepare_sequence)
    )


def unlink(reader: Member, writer: Member) -> None:
    """Forget a conflict. Twice is harmless."""
    reader.out_conflicts.pop(writer, None)
    writer.in_conflicts.pop(reader, None)


def require_not_doomed(member: Member) -> None:
    """Raise SerializationFailure if the member has been chosen to go."""
    if member.is_doomed:
        raise failure("Canceled on identification as a pivot.")


def failure(reason: str) -> errors.SerializationFailure:
    """The error, in PostgreSQL's words."""
    return errors.SerializationFailure(MESSAGE, detail=f"Reason code: {reason}", hint=HINT)
