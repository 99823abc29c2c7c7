"""information_schema: the standard's views, all those of PostgreSQL 18 with its columns and content.

`definition.py` is how a view is written down, `described_types.py` what is said of types; the others hold the views by topic. Oids
are fixed for ever: 12201 to 12264.
"""

from lungfish.catalog.objects import SystemView
from lungfish.executor.system_views.information_schema.absent import ABSENT_VIEWS
from lungfish.executor.system_views.information_schema.columns import COLUMN_VIEWS
from lungfish.executor.system_views.information_schema.conformance import CONFORMANCE_VIEWS
from lungfish.executor.system_views.information_schema.constraints import CONSTRAINT_VIEWS
from lungfish.executor.system_views.information_schema.privileges import PRIVILEGE_VIEWS
from lungfish.executor.system_views.information_schema.relations import RELATION_VIEWS
from lungfish.executor.system_views.information_schema.routines import ROUTINE_VIEWS
from lungfish.executor.system_views.information_schema.usage import USAGE_VIEWS

INFORMATION_SCHEMA_VIEWS: tuple[SystemView, ...] = (
    *RELATION_VIEWS,
    *COLUMN_VIEWS,
    *CONSTRAINT_VIEWS,
    *ROUTINE_VIEWS,
    *USAGE_VIEWS,
    *PRIVILEGE_VIEWS,
    *ABSENT_VIEWS,
    *CONFORMANCE_VIEWS,
)

__all__ = ["INFORMATION_SCHEMA_VIEWS"]
