"""A world for each test."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.executor.world import World

# A busy machine must not fail a test.
settings.register_profile("executor", deadline=None)
settings.load_profile("executor")


@pytest.fixture
def world() -> World:
    """An empty database."""
    return World()
