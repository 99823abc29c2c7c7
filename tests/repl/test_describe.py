r"""The \d family, beside what psql prints for the same schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lungfish.repl.describe import Pattern
from tests.repl.shells import TestShell, open_shell

GOLDEN = Path(__file__).parent / "golden_psql"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestShell]:
    with open_shell(tmp_path_factory.mktemp("describe")) as made:
        made.told((GOLDEN / "describe.sql").read_text())
        yield made


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestShell]:
    with open_shell(tmp_path_factory.mktemp("families")) as made:
        made.told((GOLDEN / "families.sql").read_text())
        yield made


def golden_cases(name: str) -> list[tuple[str, str]]:
    """The commands, each with what psql printed."""
    parts = (GOLDEN / f"{name}_expected.txt").read_text().split("=> ")[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


@pytest.mark.parametrize(("command", "printed"), golden_cases("describe"))
def test_a_description_is_psqls(shell: TestShell, command: str, printed: str) -> None:
    assert shell.told(command) == printed


@pytest.mark.parametrize(("command", "printed"), golden_cases("families"))
def test_families_marks_and_options_are_described_as_psql_does(
    families: TestShell, command: str, printed: str
) -> None:
    assert families.told(command) == printed


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("\\dt", ["album", "artist"]),
        (".tables", ["album", "artist", "titles"]),
        ("\\dt a*", ["album", "artist"]),
        ("\\dt al?um", ["album"]),
        ('\\dt "Odd".*', ["T x"]),
        ('\\dt Odd."T x"', []),
        ("\\di", ["album_lower", "album_pkey", "album_year", "artist_name_key", "artist_pkey"]),
        ("\\dv", ["titles"]),
        ("\\dm", ["counted"]),
        ("\\dtvm", ["album", "artist", "counted", "titles"]),
        ("\\dts tick*", ["tickets"]),
        ("\\ds tick*", ["tickets"]),
        ("\\df plus", ["plus"]),
        ("\\dT", ["mood", "pair", "posint"]),
        ("\\dD", ["posint"]),
    ],
)
def test_lists(shell: TestShell, command: str, names: list[str]) -> None:
    printed = shell.told(f"\\pset format plain \\t on \\\\ {command}\n\\pset format table \\t off")
    rows = [line.split("|") for line in printed.splitlines() if "|" in line]
    assert [row[1] for row in rows] == names


def test_schemas_roles_and_the_database_are_listed(shell: TestShell) -> None:
    assert [line.split()[0] for line in shell.told("\\dn").splitlines()[3:5]] == ["Odd", "public"]
    assert "lungfish" in shell.told("\\du")
    assert "app.db" in shell.told("\\l")


def test_a_plus_shows_sizes_and_comments(shell: TestShell) -> None:
    listed = shell.told("\\dt+ album")
    assert "Records" in listed
    assert "Persistence" in listed
    described = shell.told("\\d+ album")
    assert "As printed" in described
    assert "Access method: heap" in described
    assert "View definition:\n" in shell.told("\\d+ titles")


@pytest.mark.parametrize(
    "letters", ["", "t", "i", "v", "m", "s", "E", "n", "T", "D", "f", "a", "u", "x"]
)
@pytest.mark.parametrize("suffix", ["", "+", "S", "S+"])
def test_every_list_runs_with_every_suffix(shell: TestShell, letters: str, suffix: str) -> None:
    assert "ERROR" not in shell.told(f"\\d{letters}{suffix}")


def test_the_database_is_listed_with_its_size(shell: TestShell) -> None:
    assert "kB" in shell.told("\\l+")


def test_what_there_is_not_is_told(shell: TestShell) -> None:
    assert shell.told("\\d nope") == 'Did not find any relation named "nope".\n'
    assert shell.told("\\dt nope") == 'Did not find any tables named "nope".\n'
    assert 'function "nope" does not exist' in shell.told("\\sf nope")
    assert 'relation "nope" does not exist' in shell.told("\\sv nope")


def test_definitions_run_again(shell: TestShell) -> None:
    for command in ("\\sf plus", "\\sf plus(int, integer)", "\\sv titles"):
        text = shell.told(command)
        if "does not exist" in text:
            continue
        assert shell.told(f"{text};").startswith("CREATE ")


@pytest.mark.parametrize(
    ("text", "schema", "name"),
    [
        ("", "%", "%"),
        ("Abc", "%", "abc"),
        ('"Abc"', "%", "Abc"),
        ("a*.b?", "a%", "b_"),
        ('"a.b".c_d', "a.b", "c\\_d"),
        ('foo"BAR"', "%", "fooBAR"),
    ],
)
def test_patterns(text: str, schema: str, name: str) -> None:
    pattern = Pattern.parse(text)
    assert (pattern.schema, pattern.name) == (schema, name)


def test_privileges_are_listed_as_psql_lists_them(tmp_path: Path) -> None:
    with open_shell(tmp_path) as shell:
        shell.told(
            "create role alice; create role staff; grant staff to alice with admin option;"
            " create table t (a int, b int); grant select on t to alice with grant option;"
            " grant update (b) on t to public; alter default privileges grant select on tables to staff;"
        )
        printed = shell.told("\\dp t").split("\n")
        assert printed[3:6] == [
            " public | t    | table | lungfish=arwdDxtm/lungfish+| b:               +| ",
            "        |      |       | alice=r*/lungfish          |   =w/lungfish     | ",
            "(1 row)",
        ]
        assert "alice     | staff     | ADMIN, INHERIT, SET | lungfish" in shell.told("\\drg")
        assert "staff=r/lungfish" in shell.told("\\ddp")
        assert "Cannot login" in shell.told("\\du")
