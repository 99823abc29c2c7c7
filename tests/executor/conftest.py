"""A world for each test."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.executor.world import World

# A busy machine must not fail a test.
settings.register_profile("executor", deadline=None)
settings.load_profile("executor")


@pytest.fixture(params=["operators", "pipelines"])
def world(request: pytest.FixtureRequest) -> World:
    """An empty database, once for each gear of the executor."""
    return World(has_pipelines=request.param == "pipelines")
