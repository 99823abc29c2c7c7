"""One user's state and the path of a statement. Start at `Session`."""

from lungfish.session.results import StatementResult
from lungfish.session.session import Session

__all__ = ["Session", "StatementResult"]
