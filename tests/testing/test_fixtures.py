"""docs/testing.md: its files are a project whose tests pass, with the fixtures that it speaks of."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def with_lungfish(monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's own pytest finds this Lungfish, wherever it was started."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


# Where Lungfish is installed pytest finds the plugin by itself, and takes no second one.
IS_INSTALLED = bool(entry_points(group="pytest11", name="lungfish"))
PLUGIN = () if IS_INSTALLED else ("-p", "lungfish.pytest_plugin")
PAGE = (ROOT / "docs" / "testing.md").read_text()
FILES = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
def test_the_project_of_the_page_passes(pytester: pytest.Pytester) -> None:
    for name, text in FILES:
        (pytester.path / name).write_text(text)
    done = pytester.runpytest_subprocess(*PLUGIN, "-p", "no:randomly", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=9)


@pytest.mark.slow
def test_a_schema_may_be_a_path_or_a_function(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pathlib, pytest

        @pytest.fixture(scope="session", params=["path", "function", "nothing"])
        def lungfish_schema(request, tmp_path_factory):
            if request.param == "path":
                script = tmp_path_factory.mktemp("schema") / "schema.sql"
                script.write_text("create table t (a int); insert into t values (1);")
                return script
            if request.param == "function":
                return lambda connection: connection.execute("create table t as select 1 as a")

        def test_it(lungfish_session, lungfish_schema):
            found = lungfish_session.execute("select to_regclass('t')").fetchval()
            assert (found is None) == (lungfish_schema is None)
        """
    )
    done = pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider")
    done.assert_outcomes(passed=3)
