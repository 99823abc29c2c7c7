"""The only place that wires the parts together. Start at `Database`; `open_database` shares one a file."""

from lungfish.database.database import Database
from lungfish.database.open_databases import open_database
from lungfish.database.options import DatabaseOptions

__all__ = ["Database", "DatabaseOptions", "open_database"]
