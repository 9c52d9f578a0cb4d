"""The checks as a submission sees them: the questions of each lab, without judge and oracle."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from lessons_lib.course import checks
from lessons_lib.course.checks import exercises

CHECKS = Path(checks.__file__).parent

PUBLIC = ("__init__", "answers", "cases", "claims", "exercise", "judges")
"""Modules of the checks that hold no oracle. Of the labs only names and constants are shown."""

_HEAD = '''"""The tasks of this lab. Their judge and its oracle are with the grader."""

from lessons_lib.course.checks.exercise import Exercise, elsewhere

'''


@cache
def public_checks() -> dict[str, bytes]:
    """Return the files of the checks that a submission may read, by their names."""
    files = {f"{name}.py": (CHECKS / f"{name}.py").read_bytes() for name in PUBLIC}
    for module in pkgutil.iter_modules([str(CHECKS)]):
        if module.name not in PUBLIC:
            found = exercises(importlib.import_module(f"{checks.__name__}.{module.name}"))
            lines = [
                f"{name} = Exercise({name!r}, elsewhere, {dict(one.options)!r})\n"
                for name, one in found.items()
            ]
            files[f"{module.name}.py"] = "".join([_HEAD, *lines]).encode()
    return {name: text for name, text in files.items() if text != _HEAD.encode()}
