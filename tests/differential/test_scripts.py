"""Scripts that PostgreSQL 18 and Lungfish answer alike, down to the words of errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.scripts import differences, script_names
from tests.differential.server import ServerUnavailable, start_server
from tests.differential.sides import LungfishSide, PostgresSide


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresSide]:
    try:
        with start_server() as uri:
            side = PostgresSide(uri)
            yield side
            side.close()
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.parametrize("name", script_names())
def test_a_script_is_answered_as_postgresql_answers_it(postgres: PostgresSide, name: str) -> None:
    ours = LungfishSide()
    found = differences(name, postgres, ours)
    ours.close()
    assert found == []
