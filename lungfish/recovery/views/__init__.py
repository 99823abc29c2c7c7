"""The rows of the system views about checkpoints, the log and restarts, each with its columns: name and SQL type.

One module for each thing looked at; `STORAGE_VIEWS` is all of them. A view's function takes the `StorageCore` and answers internal
values in the order of its columns.
"""

from lungfish.recovery.views.checkpoint_views import CHECKPOINT_VIEWS
from lungfish.recovery.views.coordination_views import COORDINATION_VIEWS
from lungfish.recovery.views.failpoint_views import FAILPOINT_VIEWS
from lungfish.recovery.views.image_views import IMAGE_VIEWS
from lungfish.recovery.views.integrity_views import INTEGRITY_VIEWS
from lungfish.recovery.views.log_views import LOG_VIEWS
from lungfish.recovery.views.mark_views import MARK_VIEWS
from lungfish.recovery.views.restart_views import RESTART_VIEWS
from lungfish.recovery.views.storage_view import StorageView
from lungfish.recovery.views.telemetry_views import TELEMETRY_VIEWS

# In the order in which clients list them.
STORAGE_VIEWS: tuple[StorageView, ...] = (
    *CHECKPOINT_VIEWS,
    *COORDINATION_VIEWS,
    *FAILPOINT_VIEWS,
    *IMAGE_VIEWS,
    *INTEGRITY_VIEWS,
    *LOG_VIEWS,
    *MARK_VIEWS,
    *RESTART_VIEWS,
    *TELEMETRY_VIEWS,
)

__all__ = ["STORAGE_VIEWS", "StorageView"]
