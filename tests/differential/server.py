"""The real PostgreSQL that tests ask: the one of `lungfish test --oracle postgres`."""

from lungfish.script.postgres_server import ServerUnavailable, start_server

__all__ = ["ServerUnavailable", "start_server"]
