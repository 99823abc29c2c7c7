"""What a machine can check about the shape of the code: sizes, docstrings, paths named in docs, who touches files."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "lungfish").rglob("*.py"))
COMPILED = sorted((ROOT / "lungfish").rglob("*.pyx"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

FILE_LINES_MAX = 500
# A test file is a list: it may run on a little.
TEST_FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60
# Compiled code declares the type of each variable on a line of its own.
COMPILED_FILE_LINES_MAX = 800
COMPILED_FUNCTION_LINES_MAX = 75
PARAMETERS_MAX = 6
# Names of modules and functions through which a program touches the operating system's files.
FILE_MODULES = {"shutil", "mmap", "fcntl", "msvcrt", "tempfile"}
FILE_CALLS = {
    "open",
    "fsync",
    "fdatasync",
    "pread",
    "pwrite",
    "unlink",
    "rename",
    "replace",
    "truncate",
    "ftruncate",
}
# The shell and the runner of test scripts read files and make folders, like any client; the demo makes a folder for its database.
FILE_EXEMPT = ("lungfish/storage/disk.py", "lungfish/repl/", "lungfish/script/")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_top_folder_has_what_a_newcomer_looks_for_and_no_more() -> None:
    found = {path.name for path in ROOT.iterdir() if path.is_file() and path.name[0] != "."}
    assert found == {"CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml", "setup.py"}


@pytest.mark.parametrize("path", SOURCES + COMPILED + TESTS, ids=name_of)
def test_no_file_is_longer_than_the_cap(path: Path) -> None:
    cap = TEST_FILE_LINES_MAX if path in TESTS else FILE_LINES_MAX
    cap = COMPILED_FILE_LINES_MAX if path in COMPILED else cap
    assert len(path.read_text().splitlines()) <= cap


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def compiled_functions(text: str) -> dict[str, int]:
    """The functions of a Cython module, which `ast` does not read, with their lines: what stands deeper than the first one."""
    found: dict[str, int] = {}
    lines = text.splitlines()
    for start, line in enumerate(lines):
        head = re.match(
            r"( *)(?:cdef|cpdef|def) (?!class|extern|enum|struct).*?(\w+)\((?!.*\)$)", line
        )
        if head is None:
            continue
        indent, end = len(head[1]), start + 1
        for number, each in enumerate(lines[start + 1 :], start + 1):
            if each.strip() and len(each) - len(each.lstrip()) <= indent and each.strip()[0] != ")":
                break
            if each.strip():
                end = number + 1
        found[f"{head[2]}, line {start + 1}"] = end - start
    return found


@pytest.mark.parametrize("path", COMPILED, ids=name_of)
def test_compiled_modules_are_in_shape_too(path: Path) -> None:
    text = path.read_text()
    assert re.match(r'(?:#.*\n)*r?"""\S', text), "a docstring says what it is for"
    functions = compiled_functions(text)
    assert functions
    assert [name for name, size in functions.items() if size > COMPILED_FUNCTION_LINES_MAX] == []


def test_compiled_functions_are_measured_to_their_last_line() -> None:
    text = "cdef class A:\n    cdef int f(\n        self,\n    ) except -1:\n        return 1\n\n    def g(self): \n        pass\n"
    assert compiled_functions(text) == {"f, line 2": 4, "g, line 7": 2}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_functions_stay_small(path: Path) -> None:
    too_long, too_wide = [], []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                too_long.append(f"{node.name}: {lines} lines")
            positional = [
                a for a in node.args.posonlyargs + node.args.args if a.arg not in ("self", "cls")
            ]
            if len(positional) > PARAMETERS_MAX:
                too_wide.append(f"{node.name}: {len(positional)} parameters")
    assert not too_long
    assert not too_wide


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_public_functions_and_classes_have_docstrings(path: Path) -> None:
    tree = ast.parse(path.read_text())
    bare = [
        node.name
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
        # A node of the syntax tree or an enum whose name says it all.
        and not (isinstance(node, ast.ClassDef) and len(node.body) <= 8)
    ]
    assert not bare


def file_uses(tree: ast.Module) -> list[str]:
    """What in the module reaches for the operating system's files."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [
                alias.name for alias in node.names if alias.name.split(".")[0] in FILE_MODULES
            ]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FILE_MODULES:
            found.append(node.module or "")
        elif isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id="open"):
                    found.append("open()")
                case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in FILE_CALLS:
                    found.append(f"os.{name}()")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_the_disk_touches_files(path: Path) -> None:
    if not name_of(path).startswith(FILE_EXEMPT):
        assert not file_uses(ast.parse(path.read_text()))


def test_the_file_check_sees_an_open_call() -> None:
    assert file_uses(ast.parse("import shutil\nopen('x')")) == ["shutil", "open()"]


@pytest.mark.parametrize("path", [doc for doc in DOCS if doc.exists()], ids=name_of)
def test_paths_named_in_docs_exist(path: Path) -> None:
    missing = []
    for found in re.findall(
        r"`((?:lungfish|tests|docs|scripts|bench)/[\w./*-]+)`", path.read_text()
    ):
        if "*" in found:
            if not list(ROOT.glob(found)):
                missing.append(found)
        elif not (ROOT / found).exists():
            missing.append(found)
    assert not missing


def test_nothing_names_a_path_of_one_machine() -> None:
    pattern = re.compile(r"(?<![\w.])/(?:work|root|home)/\w")
    hits = [
        name_of(path)
        for path in [*SOURCES, *TESTS, *DOCS]
        if path.exists() and pattern.search(path.read_text())
    ]
    assert hits == []
