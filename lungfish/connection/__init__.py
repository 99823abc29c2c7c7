"""The API that people use: Connection and Cursor (PEP 249), row factories, scripts.

Start at `Connection`. Values become Python's own here and nowhere else.
"""

from lungfish.connection.connection import Connection
from lungfish.connection.cursor import Cursor

__all__ = ["Connection", "Cursor"]
