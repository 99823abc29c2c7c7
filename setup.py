"""Builds the compiled modules, where a C compiler is present; without one the install goes on and the plain Python paths do all the work.

Everything else about the package is in pyproject.toml. `LUNGFISH_PLAIN=1` at the install leaves the compiled modules out.
"""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import Extension, setup

# By their names in the package; the source of each lies in its place, with the suffix .pyx.
COMPILED_MODULES = (
    "lungfish.storage.native_rows",
    "lungfish.storage.native_frames",
    "lungfish.storage.native_leaves",
    "lungfish.storage.native_trees",
    "lungfish.storage.native_overflow",
    "lungfish.storage.native_page_rows",
    "lungfish.storage.native_tables",
    "lungfish.storage.native_runs",
    "lungfish.storage.native_ranges",
    "lungfish.storage.native_purge",
    "lungfish.storage.native_undo",
    "lungfish.storage.native_ends",
    "lungfish.recovery.native_flush",
    "lungfish.sql.native_shapes",
    "lungfish.executor.native_lane",
    "lungfish.executor.native_expressions",
    "lungfish.executor.native_conditions",
    "lungfish.executor.native_lanes",
    "lungfish.executor.native_sources",
    "lungfish.executor.native_aggregates",
    "lungfish.executor.native_range_lanes",
    "lungfish.session.native_mutex",
    "lungfish.session.native_sets",
    "lungfish.session.native_control",
    "lungfish.session.native_runner",
    "lungfish.connection.native_front",
)


def extensions() -> list[Extension]:
    """The compiled modules; `optional`: one that cannot be built is left out with a warning."""
    if os.environ.get("LUNGFISH_PLAIN"):
        return []
    return [
        Extension(name, [str(Path(*name.split(".")).with_suffix(".pyx"))], optional=True)
        for name in COMPILED_MODULES
    ]


setup(ext_modules=extensions())
