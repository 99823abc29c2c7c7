"""The API that people use: Connection and Cursor (PEP 249), row factories, scripts.

Start at `Connection`. Values become Python's own here and nowhere else.
"""

from lungfish.connection.connection import Connection
from lungfish.connection.cursor import Cursor
from lungfish.connection.entry import recovery_status
from lungfish.connection.routines import RoutineFacts

__all__ = ["Connection", "Cursor", "RoutineFacts", "recovery_status"]
