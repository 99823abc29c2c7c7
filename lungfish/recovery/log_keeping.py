"""What a checkpoint does with the log once its image is durable: pins move on, sealed segments are archived, and what nobody needs goes."""

from __future__ import annotations

from lungfish import errors
from lungfish.recovery.archive import WalArchive
from lungfish.recovery.checkpoint_images import CheckpointImageStore
from lungfish.recovery.checkpoint_run import CheckpointRun
from lungfish.recovery.retention import HolderKind, WalRetentionManager
from lungfish.recovery.settings import StorageSettings
from lungfish.recovery.wal import WriteAheadLog
from lungfish.storage.failpoints import Failpoints
from lungfish.storage.ids import LSN

# The pin of `wal_keep_size`.
MIN_KEEP = "wal_keep_size"


class LogKeeping:
    """The retention phase of the checkpoints of one database."""

    def __init__(
        self,
        log: WriteAheadLog,
        retention: WalRetentionManager,
        images: CheckpointImageStore,
        archive: WalArchive,
        *,
        settings: StorageSettings,
        failpoints: Failpoints,
    ) -> None:
        self._log = log
        self._retention = retention
        self._images = images
        self._archive = archive
        self._settings = settings
        self._failpoints = failpoints
        # How many segments had been archived at the last checkpoint.
        self._archived_count = 0

    def settle(self, run: CheckpointRun) -> None:
        """Let go of what only the image before needed. A failure here is no failure of the checkpoint."""
        checkpoint_id = str(run.context.checkpoint_id)
        self._failpoints.reach("checkpoint.retention")
        run.calls.commit()
        try:
            self._images.hold_log()
            self._keep_past_log()
            self._retention.release(HolderKind.CHECKPOINT_IN_PROGRESS, checkpoint_id)
            self._archive_sealed(run)
            self._failpoints.reach("checkpoint.prune")
            # With a named image its own pin keeps what RETAIN_WAL asks for; without one the next checkpoint removes it.
            if run.request.name or not run.request.retains_log:
                run.pruned = self._log.prune(self._retention.prune_below())
        except errors.Error as error:
            run.calls.warnings.append(f"after the image was published: {error.message}")
        run.note_held(self._retention.binding(), self._log.end_lsn())
        self._failpoints.reach("checkpoint.done")

    def _keep_past_log(self) -> None:
        """Hold `wal_keep_size` of the log."""
        kept = int(self._settings.number("wal_keep_size"))
        if not kept:
            self._retention.release(HolderKind.MIN_KEEP, MIN_KEEP)
            return
        # Still pinned from where it was kept before, so nothing from there on is gone.
        lowest = self._retention.prune_below()
        lsn = LSN(max(lowest, self._log.end_lsn() - kept))
        self._retention.pin(HolderKind.MIN_KEEP, MIN_KEEP, owner="wal_keep_size", lsn=lsn)

    def _archive_sealed(self, run: CheckpointRun) -> None:
        """Copy away what is about to be removed; what cannot be copied is held."""
        archive = self._archive
        do = archive.seal_and_run if run.request.archives else archive.run
        run.calls.warnings += do()
        before, self._archived_count = self._archived_count, archive.figures.archived_count
        run.segments_archived = self._archived_count - before
