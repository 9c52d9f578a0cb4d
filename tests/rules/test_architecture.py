"""The shape of the library: layers, annotations, documentation, light imports, no global seed.

Each rule is applied to every module, and is seen to reject a module that breaks it.
"""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import code_rules as rules
import pytest
from conftest import ROOT

PACKAGE = ROOT / "lessons_lib"
FILES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"matplotlib", "scipy", "skimage", "ipywidgets", "IPython", "bm3d", "nbformat", "nbclient"}
HEAVY |= {"pydicom"}


def name(path: Path) -> str:
    """Dotted name below lessons_lib; a package's ``__init__`` keeps its last part."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@functools.cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def exported(path: Path) -> set[str] | None:
    """Names that a package hands out, for a module inside it; None for a module of its own."""
    if path.parent == PACKAGE:
        return None
    front = parse(path.parent / "__init__.py")
    imports = [node for node in front.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


modules = pytest.mark.parametrize("path", FILES, ids=name)


@modules
def test_public_names_are_documented(path: Path) -> None:
    assert rules.documented(parse(path), exported(path)) == []


@modules
def test_no_global_randomness(path: Path) -> None:
    assert rules.global_randomness(parse(path)) == []


@modules
def test_no_device_is_named(path: Path) -> None:
    assert rules.device_names(parse(path)) == []


@pytest.mark.parametrize("path", [p for p in FILES if name(p) != "files"], ids=name)
def test_files_are_written_whole(path: Path) -> None:
    assert rules.in_place(parse(path)) == []


@pytest.mark.parametrize("folder", ["lessons_lib", "book", "tests"])
def test_text_has_an_encoding(folder: str) -> None:
    found = {path: rules.encodings(parse(path)) for path in (ROOT / folder).rglob("*.py")}
    assert {path: lines for path, lines in found.items() if lines} == {}


STACK = [p for p in FILES if name(p).split(".")[0] not in {"shapes", "console", "course"}]


@pytest.mark.parametrize("path", STACK, ids=name)
def test_numbers_come_in_through_one_door(path: Path) -> None:
    assert rules.one_door(parse(path)) == []


TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if path.stem != "patience")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_no_test_judges_seconds(path: Path) -> None:
    """A machine may be slow or busy: tests count work and wait for events (`patience.until`)."""
    assert rules.clocks(parse(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "assert time.perf_counter() - start < 2",
        "start = time.process_time_ns()",
        "from time import monotonic",
        "time.sleep(1)",
        "page.wait_for_timeout(500)",
        "process.wait(timeout=20)",
        "page.evaluate('performance' '.now()')",
    ],
)
def test_clocks_rejects(source: str) -> None:
    assert rules.clocks(ast.parse(source))


def test_clocks_accepts() -> None:
    source = "while not seen():\n    time.sleep(0.1)\nrun(timeout=FOR_EVER)\nrun(timeout=900)"
    assert rules.clocks(ast.parse(source)) == []


def test_imports_are_light() -> None:
    """Importing any module loads none of the heavy libraries that only some functions need."""
    names = [name(p).removesuffix(".__init__") for p in FILES]
    program = (
        "import importlib, sys\n"
        f"for module in {[n for n in names if n != '__init__' and '__main__' not in n]}:\n"
        "    importlib.import_module('lessons_lib.' + module)\n"
        f"    heavy = sorted({HEAVY} & set(sys.modules))\n"
        "    assert not heavy, f'{module} loads {heavy}'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


DOC = '"""Module."""\n'


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        DOC + "def f() -> None: ...",
        DOC + "class A: ...",
        DOC + 'def f(k: int) -> int:\n    """Add one."""',
        DOC + 'def f(x: int) -> int:\n    """Add.\n\n    Parameters\n    ----------\n    y : int\n'
        '        A number, not ``x``.\n    """',
    ],
)
def test_documented_rejects(source: str) -> None:
    assert rules.documented(ast.parse(source))


def test_documented_accepts() -> None:
    source = DOC + (
        'def f(x: int, *, a: int, b: int) -> int:\n    """Add ``x``.\n\n    Parameters\n'
        "    ----------\n    a, b : int\n        Numbers.\n\n    Returns\n    -------\n    int\n"
        '        The sum.\n    """'
    )
    assert rules.documented(ast.parse(source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "torch.manual_seed(0)",
        "np.random.seed(0)",
        "np.random.randn(3)",
        "x = torch.randn(3)",
        "x = torch.randn_like(y)",
        "y.normal_()",
        "torch.nn.init.normal_(w)",
    ],
)
def test_global_randomness_rejects(source: str) -> None:
    assert rules.global_randomness(ast.parse(source))


def test_global_randomness_accepts() -> None:
    source = "g = torch.Generator().manual_seed(1)\ntorch.randn(3, generator=g)\n"
    assert rules.global_randomness(ast.parse(source)) == []


@pytest.mark.parametrize(
    "source",
    ["path.write_text(x, encoding='utf-8')", "os.replace(a, b)", "nbformat.write(book, path)"],
)
def test_in_place_rejects(source: str) -> None:
    assert rules.in_place(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "open(path, 'w')",
        "open(path, mode='r+')",
        "path.open()",
        "path.open('w', newline='')",
        "path.read_text()",
        "path.write_text(words)",
        "subprocess.run(words, text=True)",
        "io.TextIOWrapper(raw)",
        "os.fdopen(handle, 'w')",
    ],
)
def test_encodings_rejects(source: str) -> None:
    assert rules.encodings(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "open(path, encoding='utf-8')",
        "open(path, 'wb')",
        "path.open('xb')",
        "path.open('w', encoding='utf-8', newline='')",
        "path.read_text('utf-8')",
        "path.write_text(words, 'utf-8')",
        "Image.open(path)",
        "os.open(path, os.O_RDONLY)",
        "subprocess.run(words, encoding='utf-8')",
        "os.fdopen(handle, 'rb')",
    ],
)
def test_encodings_accepts(source: str) -> None:
    assert rules.encodings(ast.parse(source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "check_count(num, 'num')",
        "shapes.check_number(step, 'step', zero_allowed=True)",
        "if isinstance(num, bool) or not isinstance(num, int): ...",
        "isinstance(value, (float, int))",
        "isinstance(value, SupportsFloat)",
    ],
)
def test_one_door_rejects(source: str) -> None:
    assert rules.one_door(ast.parse(source))


def test_one_door_accepts() -> None:
    source = "num = check_count(num, 'num')\ncheck_tensor(x, 'x')\nisinstance(x, Tensor)"
    assert rules.one_door(ast.parse(source)) == []


def test_device_names_rejects() -> None:
    assert rules.device_names(ast.parse("x.to('cuda')"))
    assert rules.device_names(ast.parse("def f(device: str = 'cuda'): ...")) == []
