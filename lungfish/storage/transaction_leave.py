"""How a transaction leaves the running set: what it owes the purge, whom it tells, what it lets go of.

`native_ends.pyx` does the same in one step for one that has committed and has nobody to tell.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lungfish.storage.transaction_state import TransactionState
from lungfish.storage.undo_list import has_versions

if TYPE_CHECKING:
    from lungfish.storage.transactions import Transaction, TransactionManager


def leave(manager: TransactionManager, transaction: Transaction, state: TransactionState) -> None:
    """Take it out of the running set, then tell those who wait to know. Goes on where an exception cut it off."""
    is_committed = state is TransactionState.COMMITTED
    before = None
    if is_committed and (transaction.on_publish or has_versions(transaction.undo)):
        before = partial(_publish, manager, transaction)
    manager.members.leave(transaction, before)
    try:
        if is_committed:
            while transaction.on_commit:
                transaction.on_commit[0]()
                del transaction.on_commit[0]
        else:
            transaction.run_rollback_callbacks(0)
    finally:
        manager.locks.end_transaction(transaction._lock_owner, transaction.id)
        transaction.state = state
        manager.members.forget(transaction)


def _publish(manager: TransactionManager, transaction: Transaction) -> None:
    """What happens as the transaction leaves. It is still running to all others, so the purge cannot come too early."""
    if has_versions(transaction.undo):
        manager.purge_queue.add(transaction.id, transaction.undo)
    while transaction.on_publish:
        transaction.on_publish[0]()
        del transaction.on_publish[0]
