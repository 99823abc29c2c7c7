"""A world for each test."""

from __future__ import annotations

import pytest

from tests.executor.world import World


@pytest.fixture
def world() -> World:
    """An empty database."""
    return World()
