"""Every public name of the library, methods and properties of classes included."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cached_property
from types import FunctionType, ModuleType

import lessons_lib.course

KINDS = FunctionType | property | cached_property | classmethod | staticmethod


def modules() -> Iterator[ModuleType]:
    """The modules of the stack, then those of the course."""
    for room in (lessons_lib, lessons_lib.course):
        for found in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            if found.name != "lessons_lib.course":
                yield importlib.import_module(found.name)


def offered(module: ModuleType) -> list[str]:
    """What a module offers: its ``__all__``, or what it defines without an underscore."""
    own = (n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__)
    return getattr(module, "__all__", None) or [n for n in own if not n.startswith("_")]


def public() -> Iterator[tuple[str, str]]:
    """Each module with a name of it, or with ``Class.member``; a name offered again is left out."""
    seen = []
    for module in modules():
        for name in offered(module):
            value = getattr(module, name)
            if not any(value is other for other in seen):
                seen.append(value)
                yield module.__name__, name
                for member, what in vars(value).items() if isinstance(value, type) else ():
                    if not member.startswith("_") and isinstance(what, KINDS) and what.__doc__:
                        yield module.__name__, f"{name}.{member}"
