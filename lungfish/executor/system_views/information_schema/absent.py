"""What Lungfish has none of: foreign data, triggers, transforms, user mappings. The views are there, with no rows."""

from __future__ import annotations

from lungfish.catalog.objects import SystemView
from lungfish.executor.system_views.information_schema.definition import standard_of

_OPTION = "option_name, option_value varchar"

ABSENT_VIEWS: tuple[SystemView, ...] = (
    standard_of(12246, "column_options", f"table*, column_name, {_OPTION}"),
    standard_of(
        12247,
        "foreign_data_wrapper_options",
        f"foreign_data_wrapper_catalog, foreign_data_wrapper_name, {_OPTION}",
    ),
    standard_of(
        12248,
        "foreign_data_wrappers",
        "foreign_data_wrapper_catalog, foreign_data_wrapper_name, authorization_identifier, library_name varchar,"
        " foreign_data_wrapper_language varchar",
    ),
    standard_of(
        12249,
        "foreign_server_options",
        f"foreign_server_catalog, foreign_server_name, {_OPTION}",
    ),
    standard_of(
        12250,
        "foreign_servers",
        "foreign_server_catalog, foreign_server_name, foreign_data_wrapper_catalog, foreign_data_wrapper_name,"
        " foreign_server_type varchar, foreign_server_version varchar, authorization_identifier",
    ),
    standard_of(12251, "foreign_table_options", f"foreign_table*, {_OPTION}"),
    standard_of(
        12252,
        "foreign_tables",
        "foreign_table*, foreign_server_catalog, foreign_server_name",
    ),
    standard_of(12253, "transforms", "udt*, specific*, group_name, transform_type varchar"),
    standard_of(
        12254,
        "triggered_update_columns",
        "trigger*, event_object_catalog, event_object_schema, event_object_table, event_object_column",
    ),
    standard_of(
        12255,
        "triggers",
        "trigger*, event_manipulation varchar, event_object_catalog, event_object_schema, event_object_table,"
        " action_order int4, action_condition varchar, action_statement varchar, action_orientation varchar,"
        " action_timing varchar, action_reference_old_table, action_reference_new_table,"
        " action_reference_old_row, action_reference_new_row, created timestamptz",
    ),
    standard_of(
        12256,
        "user_mapping_options",
        f"authorization_identifier, foreign_server_catalog, foreign_server_name, {_OPTION}",
    ),
    standard_of(
        12257,
        "user_mappings",
        "authorization_identifier, foreign_server_catalog, foreign_server_name",
    ),
)
