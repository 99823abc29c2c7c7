"""Views whose rows the running database makes. `SYSTEM_VIEWS` lists them all."""

from lungfish.catalog.objects import SystemView
from lungfish.executor.system_views.activity_views import ACTIVITY_VIEWS
from lungfish.executor.system_views.information_schema import INFORMATION_SCHEMA_VIEWS
from lungfish.executor.system_views.pg_absent import ABSENT_VIEWS
from lungfish.executor.system_views.pg_catalog import PG_CATALOG_VIEWS
from lungfish.executor.system_views.pg_depend import DEPEND_VIEWS
from lungfish.executor.system_views.pg_operator_classes import OPERATOR_CLASS_VIEWS
from lungfish.executor.system_views.pg_partitions import PARTITION_VIEWS
from lungfish.executor.system_views.pg_relations import RELATION_VIEWS
from lungfish.executor.system_views.pg_rewrite import REWRITE_VIEWS
from lungfish.executor.system_views.pg_roles import ROLE_VIEWS
from lungfish.executor.system_views.pg_routines import ROUTINE_VIEWS
from lungfish.executor.system_views.pg_server import SERVER_VIEWS
from lungfish.executor.system_views.pg_settings import SETTINGS_VIEWS
from lungfish.executor.system_views.pg_stat_database import STAT_DATABASE_VIEWS
from lungfish.executor.system_views.pg_stat_tables import STAT_TABLE_VIEWS
from lungfish.executor.system_views.pg_statistics import STATISTICS_VIEWS
from lungfish.executor.system_views.pg_types import TYPE_VIEWS
from lungfish.executor.system_views.session_views import SESSION_VIEWS
from lungfish.executor.system_views.storage_views import STORAGE_VIEWS
from lungfish.executor.system_views.zone_views import ZONE_VIEWS

SYSTEM_VIEWS: tuple[SystemView, ...] = (
    *PG_CATALOG_VIEWS,
    *RELATION_VIEWS,
    *DEPEND_VIEWS,
    *PARTITION_VIEWS,
    *TYPE_VIEWS,
    *ROUTINE_VIEWS,
    *OPERATOR_CLASS_VIEWS,
    *ROLE_VIEWS,
    *STATISTICS_VIEWS,
    *REWRITE_VIEWS,
    *SETTINGS_VIEWS,
    *ABSENT_VIEWS,
    *INFORMATION_SCHEMA_VIEWS,
    *STORAGE_VIEWS,
    *ACTIVITY_VIEWS,
    *SESSION_VIEWS,
    *STAT_TABLE_VIEWS,
    *STAT_DATABASE_VIEWS,
    *SERVER_VIEWS,
    *ZONE_VIEWS,
)

__all__ = ["SYSTEM_VIEWS"]
