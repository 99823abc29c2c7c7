"""Settings of PostgreSQL's server that drivers, dumps and tools set or ask for.

`SERVER_SETTINGS` can change no answer here: what they steer (logging, vacuuming, compression, statistics) Lungfish does not have, or does
its own way. Those that would change one are accepted at the value that describes what Lungfish does. `FIXED_SETTINGS` are facts.
"""

from __future__ import annotations

from lungfish.session.setting_checks import (
    Check,
    check_boolean,
    check_integer,
    check_milliseconds,
    check_number,
    check_text,
    one_of,
    only,
)

_LEVELS = one_of(
    "debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "error", "log", "fatal", "panic",
)  # fmt: skip
# (name, default, what it accepts)
SERVER_SETTINGS: tuple[tuple[str, str, Check], ...] = (
    *(
        (name, "off", check_boolean)
        for name in (
            "allow_system_table_mods", "debug_pretty_print", "debug_print_parse", "debug_print_plan", "debug_print_rewritten",
            "exit_on_error", "lo_compat_privileges", "log_duration", "log_executor_stats", "log_lock_waits", "log_parser_stats",
            "log_planner_stats", "log_statement_stats", "trace_notify", "trace_sort", "track_commit_timestamp", "track_cost_delay_timing",
            "track_io_timing", "track_wal_io_timing",
        )
    ),
    *(
        (name, "on", check_boolean)
        for name in (
            "event_triggers", "jit_expressions", "jit_tuple_deforming", "synchronize_seqscans", "track_activities", "track_counts",
            "update_process_title", "vacuum_truncate",
        )
    ),
    *(
        (name, default, check_integer)
        for name, default in (
            ("commit_siblings", "5"), ("geqo_generations", "0"), ("geqo_pool_size", "0"), ("gin_fuzzy_search_limit", "0"),
            ("log_parameter_max_length", "-1"), ("log_parameter_max_length_on_error", "0"), ("vacuum_cost_limit", "200"),
            ("vacuum_cost_page_dirty", "20"), ("vacuum_cost_page_hit", "1"), ("vacuum_cost_page_miss", "2"),
            ("vacuum_freeze_min_age", "50000000"), ("vacuum_freeze_table_age", "150000000"),
            ("vacuum_multixact_freeze_min_age", "5000000"), ("vacuum_multixact_freeze_table_age", "150000000"),
        )
    ),
    *(
        (name, default, check_number)
        for name, default in (
            ("commit_delay", "0"), ("geqo_seed", "0"), ("geqo_selection_bias", "2"), ("log_min_duration_sample", "-1"),
            ("log_min_duration_statement", "-1"), ("log_statement_sample_rate", "1"), ("log_temp_files", "-1"),
            ("log_transaction_sample_rate", "0"), ("vacuum_cost_delay", "0"),
        )
    ),
    ("compute_query_id", "auto", one_of("auto", "on", "off", "regress")),
    ("default_text_search_config", "pg_catalog.english", check_text),
    ("default_toast_compression", "pglz", one_of("pglz", "lz4")),
    # A session stays open however long it does nothing.
    ("idle_session_timeout", "0", only("0")),
    ("log_error_verbosity", "default", one_of("terse", "default", "verbose")),
    ("log_min_error_statement", "error", _LEVELS),
    ("log_min_messages", "warning", _LEVELS),
    ("log_statement", "none", one_of("none", "ddl", "mod", "all")),
    ("password_encryption", "scram-sha-256", one_of("scram-sha-256", "md5")),
    ("quote_all_identifiers", "off", only("off", "false", "0")),
    # Foreign keys and rules are looked after whoever writes.
    ("session_replication_role", "origin", only("origin", "local")),
    ("stats_fetch_consistency", "cache", one_of("none", "cache", "snapshot")),
    ("temp_tablespaces", "", only("")),
    ("timezone_abbreviations", "Default", only("Default")),
    ("track_functions", "none", one_of("none", "pl", "all")),
    ("wal_sender_timeout", "1min", check_milliseconds),
    ("xmlbinary", "base64", one_of("base64", "hex")),
)  # fmt: skip
# What SHOW answers and nobody can set.
FIXED_SETTINGS: tuple[tuple[str, str, Check], ...] = (
    ("data_checksums", "on", check_boolean),
    ("debug_assertions", "off", check_boolean),
    ("full_page_writes", "off", check_boolean),
    ("in_hot_standby", "off", check_boolean),
    ("integer_datetimes", "on", check_boolean),
    ("is_superuser", "on", check_boolean),
    ("max_function_args", "100", check_integer),
    ("max_identifier_length", "63", check_integer),
    ("max_index_keys", "32", check_integer),
    ("max_prepared_transactions", "0", check_integer),
    ("ssl", "off", check_boolean),
)
