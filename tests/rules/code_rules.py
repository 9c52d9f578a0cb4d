"""Rules of the library's code, each a function from a syntax tree to a list of complaints.

`test_architecture` applies them to every module and sees each one reject a bad example;
`test_book` applies those about randomness to the lessons, and `clocks` is about the tests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

CONVENTIONS = {
    "x", "y", "score", "sigma", "generator", "event_dims", "dtype", "progress", "noise_std",
    "image_shape", "patch_score", "patches", "chunk", "prior_score", "likelihood", "differentiable",
}  # fmt: skip
"""Arguments with one meaning everywhere (see `lessons_lib.shapes`), which need no entry."""

Function = ast.FunctionDef | ast.AsyncFunctionDef

CONVERT = {"as_sigma", "check_count", "check_number", "check_sides", "check_sigma"}
"""Checks of numbers that return the number to use."""

DRAWS = {
    "rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson",
    "rand_like", "randn_like", "randint_like",
}  # fmt: skip
DRAWS_IN_PLACE = {"normal_", "uniform_", "random_", "exponential_", "bernoulli_", "cauchy_"}
SEEDS = {
    "torch.manual_seed", "torch.seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all",
    "torch.random.manual_seed", "torch.set_rng_state", "random.seed",
    "np.random.seed", "numpy.random.seed",
}  # fmt: skip


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function, ast.ClassDef | None]]:
    """Public functions, and the public methods (with ``__init__``, ``__call__``) of classes."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node.name, node, None
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                special = {"__init__", "__call__"}
                if isinstance(inner, Function) and (
                    inner.name in special or not inner.name.startswith("_")
                ):
                    yield f"{node.name}.{inner.name}", inner, node


def parameters(function: Function) -> list[ast.arg]:
    """All parameters but ``self`` and ``cls``."""
    spec = function.args
    every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
    return [a for a in every if a is not None and a.arg not in {"self", "cls"}]


def documented(tree: ast.Module, exported: set[str] | None = None) -> list[str]:
    """Docstrings are there, and name each parameter and no other.

    Neither pydoclint nor ruff can leave out the shared `CONVENTIONS`, nor read a package's exports.
    A parameter is named by an entry under *Parameters*, or as ``name`` in the text; a method may
    rely on the docstring of its class. With ``exported``, other names are the inside of a package
    and need a docstring only.
    """
    found = [] if ast.get_docstring(tree) else ["the module has no docstring"]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                found.append(f"{node.name}: no docstring")
    for name, function, owner in public_functions(tree):
        own = ast.get_docstring(function) or ""
        shared = (ast.get_docstring(owner) or "") if owner else ""
        if not own and function.name not in {"__init__", "__call__"}:
            found.append(f"{name}: no docstring")
            continue
        names = [a.arg for a in parameters(function)]
        inside = exported is not None and name.split(".")[0] not in exported
        needed = [] if inside else [n for n in names if n not in CONVENTIONS]
        listed = _listed(own)
        absent = [
            n for n in needed if n not in listed + _listed(shared) and not _told(n, own + shared)
        ]
        if absent:
            found.append(f"{name}: the docstring does not name {', '.join(absent)}")
        if strange := [n for n in listed if n not in names]:
            found.append(f"{name}: documents {', '.join(strange)}, which it does not take")
    return found


def _listed(docstring: str) -> list[str]:
    """Names under the heading *Parameters*."""
    match = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", docstring, re.M | re.S)
    if not match:
        return []
    heads = [line.split(" : ")[0] for line in match[1].splitlines() if re.match(r"[\w*]", line)]
    return [name.strip(" *") for head in heads for name in head.split(",")]


def _told(name: str, docstring: str) -> bool:
    return bool(re.search(rf"``[^`]*\b{re.escape(name)}\b[^`]*``", docstring))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def global_randomness(tree: ast.AST) -> list[str]:
    """No global seed is set, and nothing draws from a global generator."""
    found = []
    for name, call in calls(tree):
        options = {keyword.arg for keyword in call.keywords}
        head, _, tail = name.rpartition(".")
        drawn = (head == "torch" and tail in DRAWS) or (head and tail in DRAWS_IN_PLACE)
        if name in SEEDS:
            found.append(f"line {call.lineno}: {name} sets a global seed")
        elif drawn and "generator" not in options and None not in options:
            found.append(f"line {call.lineno}: {name} draws without generator=")
        elif re.match(r"(np|numpy)\.random\.(?!default_rng|Generator|SeedSequence)", name):
            found.append(f"line {call.lineno}: {name} uses the global generator")
    return found


def device_names(tree: ast.AST) -> list[str]:
    """Nothing says ``cuda`` but the default of an argument."""
    defaults = {
        id(value)
        for node in ast.walk(tree)
        if isinstance(node, Function)
        for value in [*node.args.defaults, *node.args.kw_defaults]
    }
    return [
        f"line {node.lineno}: names a device"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.match(r"cuda\b", node.value)
        and id(node) not in defaults
    ]


CLOCKS = {"time", "monotonic", "perf_counter", "process_time", "thread_time"}
CLOCKS |= {f"{clock}_ns" for clock in CLOCKS}
CLOCKS_OF_PAGES = re.compile(r"performance\.now|Date\.now|Thread[T]ime|Task[D]uration")
SHORTEST_PATIENCE = 600


def clocks(tree: ast.AST) -> list[str]:
    """For tests: no clock is read, no time slept but between two looks, no patience is short."""
    found = []
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)]
    between = {id(node) for loop in loops for node in ast.walk(loop)}
    for name, call in calls(tree):
        head, _, tail = name.rpartition(".")
        if tail == "wait_for_timeout" or (name == "time.sleep" and id(call) not in between):
            found.append(f"line {call.lineno}: {name} waits for a time and not for an event")
        if head == "time" and tail in CLOCKS:
            found.append(f"line {call.lineno}: {name} reads a clock")
        for option in call.keywords:
            short = isinstance(option.value, ast.Constant) and option.value.value is not None
            if option.arg == "timeout" and short and option.value.value < SHORTEST_PATIENCE:
                found.append(f"line {call.lineno}: timeout={option.value.value} is short")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found.append(f"line {node.lineno}: import time, so that this rule sees what is read")
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and CLOCKS_OF_PAGES.search(text):
            found.append(f"line {node.lineno}: reads the clock of a page")
    return found


def one_door(tree: ast.AST) -> list[str]:
    """Numbers are judged in `shapes` alone, and what it returns is used.

    A check whose result is thrown away lets a NumPy number or an array pass on as it came.
    """
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = ast.unparse(node.value.func).split(".")[-1]
            if name in CONVERT:
                found.append(f"line {node.lineno}: the number that {name} returns is not used")
    for name, call in calls(tree):
        kinds = {n.id for arg in call.args[1:] for n in ast.walk(arg) if isinstance(n, ast.Name)}
        if name == "isinstance" and kinds & {"int", "float", "SupportsFloat"}:
            found.append(f"line {call.lineno}: leave it to shapes what a number is")
    return found


def in_place(tree: ast.AST) -> list[str]:
    """Nothing is written by other means than `lessons_lib.files`, which writes whole files."""
    names = {"os.replace", "os.rename", "nbformat.write", "tempfile.mkstemp"}
    return [
        f"line {call.lineno}: {name} instead of write_whole"
        for name, call in calls(tree)
        if name in names or name.rpartition(".")[2] in {"write_text", "write_bytes"}
    ]


def encodings(tree: ast.AST) -> list[str]:
    """Text is read, written and exchanged with processes in an encoding that the code names.

    What it would be otherwise depends on the system and its language.
    """
    return [
        f"line {call.lineno}: {ast.unparse(call.func)} names no encoding"
        for call in unencoded(tree)
    ]


def unencoded(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls that `encodings` complains about."""
    for name, call in calls(tree):
        head, _, last = name.rpartition(".")
        given = {word.arg: word.value for word in call.keywords}
        if "encoding" in given or None in given:
            continue
        place = 0 if head and last == "open" else 1  # of the mode, in path.open and in open
        mode = given.get("mode", call.args[place] if len(call.args) > place else ast.Constant("r"))
        opens = name in {"open", "os.fdopen"} or (
            last == "open" and (not call.args or _is_mode(call.args[0]))
        )
        wanted = {"read_text": 1, "write_text": 2, "TextIOWrapper": 2}.get(last, 0)
        if (
            len(call.args) < wanted
            or (opens and "b" not in ast.unparse(mode))
            or any(_is_true(given.get(word)) for word in ("text", "universal_newlines"))
        ):
            yield call


def _is_mode(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and bool(re.fullmatch(r"[rwxab+t]+", str(node.value)))


def _is_true(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
