"""What a student hands in: asked for safely, in any common form, with errors in plain words."""

from __future__ import annotations

import dis
import hashlib
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor

Parts = list[Tensor]
"""An answer as a list of tensors: one for an array or a number, several for a tuple of arrays."""

_PACKAGE = Path(__file__).parents[2]


class NotAttempted(Exception):
    """The stub is still as it was handed out."""


class StudentError(Exception):
    """The answer raised an exception, or is of no use; the message says it in plain words."""


def ask(answer: Callable[..., Any], *args: Any) -> Any:
    """Call the student's function on copies of ``args``, and return what it returns.

    A generator among ``args`` is replaced by one of its own, see `apart`: whoever judges may draw
    the truth from the generator that is passed here. Functions written for NumPy are welcome: if
    the call of ``answer`` fails with tensors, it is tried once more with arrays; functions among
    ``args`` then take and return arrays, too.

    Raises
    ------
    NotAttempted
        If it returns ``...`` or ``None``, as the stub does, or itself raises NotImplementedError.
    StudentError
        If it is no function, or raises anything else.
    """
    if unattempted(answer):
        raise NotAttempted
    if not callable(answer):
        raise StudentError(f"A function is wanted here, and this is {kind(answer)}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's, when it meets a tensor
        try:
            result = answer(*_copies(args))
        except (Exception, SystemExit) as error:
            result = _ask_again(answer, args, error)
    if unattempted(result):
        raise NotAttempted
    return result


def _ask_again(answer: Callable[..., Any], args: tuple[Any, ...], error: BaseException) -> Any:
    """With arrays; if that fails too, the first error is the one to tell."""
    if isinstance(error, NotAttempted) or is_stub(error):
        raise NotAttempted from error
    if any(isinstance(arg, Tensor) for arg in args):
        try:
            return answer(*map(_for_numpy, _copies(args)))
        except (Exception, SystemExit):
            pass
    raise StudentError(explain(error)) from error


def is_stub(error: BaseException) -> bool:
    """Whether a ``raise NotImplementedError`` of the student's own was met.

    The same error out of a library, also one without a line of Python, is an honest bug.
    """
    place = error.__traceback__
    if not isinstance(error, NotImplementedError) or place is None:
        return False
    while place.tb_next:
        place = place.tb_next
    code = place.tb_frame.f_code
    said = code.co_code[place.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return said and not _foreign(code.co_filename)


@dataclass(frozen=True)
class _TakesArrays:
    """A function of tensors, for those who work with arrays."""

    function: Callable[..., Any]

    def __call__(self, *args: Any, **options: Any) -> Any:
        tensors = [torch.as_tensor(a) if isinstance(a, np.ndarray) else a for a in args]
        result = self.function(*tensors, **options)
        return result.detach().numpy() if isinstance(result, Tensor) else result


def _for_numpy(arg: Any) -> Any:
    if isinstance(arg, Tensor):
        return arg.numpy()
    return _TakesArrays(arg) if isinstance(arg, FunctionType | MethodType) else arg


def _copies(args: tuple[Any, ...]) -> list[Any]:
    return [_copy(arg) for arg in args]


def _copy(arg: Any) -> Any:
    if isinstance(arg, torch.Generator):
        return apart(arg)
    return arg.clone() if isinstance(arg, Tensor) else arg


def apart(rng: torch.Generator) -> torch.Generator:
    """A generator for an answer, which tells nothing of ``rng``.

    It is the same whenever ``rng`` is in the same state; neither its seed nor its draws lead back.
    """
    digest = hashlib.sha256(rng.get_state().numpy().tobytes()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def unattempted(result: Any) -> bool:
    """Whether this is what a stub holds: ``...``, ``None``, or several of them."""
    if isinstance(result, tuple | list) and result:
        return all(unattempted(part) for part in result)
    return result is ... or result is None or result is NotImplemented


def explain(error: BaseException) -> str:
    """The exception in a line, with the line of the student's own code that raised it."""
    if isinstance(error, StudentError):
        return str(error)
    words = " ".join(str(error).split())
    words = (words if len(words) <= 160 else words[:157] + "…").rstrip(".")
    told = f": {words}" if words else ""
    own = [f for f in traceback.extract_tb(error.__traceback__) if not _foreign(f.filename)]
    where = f" It happens in your line {own[-1].lineno}: `{own[-1].line}`" if own else ""
    return f"Your code stops with {type(error).__name__}{told}.{where}"


def _foreign(filename: str) -> bool:
    """Whether a file belongs to Python, to an installed package or to this library."""
    if filename.startswith("<frozen") or filename == "<string>":
        return True
    here = Path(filename).resolve()
    return any(here.is_relative_to(p) for p in (_PACKAGE, sys.prefix, sys.base_prefix))


def parts(answer: Any) -> Parts:
    """The answer as tensors of float64 (complex128 if complex), or a StudentError.

    A list of equal shapes is one array, as it is for NumPy; a tuple is several.
    """
    if isinstance(answer, dict):
        answer = [answer[name] for name in sorted(answer, key=str)]
    if isinstance(answer, tuple | list) and answer:
        every = [tensor for part in answer for tensor in parts(part)]
        alike = len(every) == len(answer) and len({part.shape for part in every}) == 1
        rows = isinstance(answer, list) and alike
        return [torch.stack(every)] if rows or all(map(_is_number, answer)) else every
    if isinstance(answer, str) or callable(answer):
        raise StudentError(f"Numbers are wanted here, and this is {kind(answer)}.")
    try:
        array = answer.detach().cpu() if isinstance(answer, Tensor) else np.asarray(answer)
        if isinstance(array, np.ndarray) and array.dtype == object:  # fractions, decimals
            array = array.astype(float)
        tensor = torch.as_tensor(array).resolve_conj()
        return [tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)]
    except (TypeError, ValueError, RuntimeError):
        raise StudentError(f"Numbers are wanted here, and this is {kind(answer)}.") from None


def array(answer: Any) -> Tensor:
    """The answer as one tensor, see `parts`; rows in a tuple are stacked."""
    every = parts(answer)
    if len({part.shape for part in every}) != 1:
        raise StudentError(f"One array is wanted here, and this is {len(every)} of them.")
    return torch.stack(every) if len(every) > 1 else every[0]


def _is_number(part: Any) -> bool:
    return isinstance(part, int | float | complex | np.number) or (
        isinstance(part, Tensor | np.ndarray) and part.ndim == 0
    )


def kind(thing: Any) -> str:
    """Name a thing in a sentence: ``the text 'a'``, ``a function``, ``a value of type set``."""
    if isinstance(thing, str):
        return f"the text {thing[:40]!r}"
    return "a function" if callable(thing) else f"a value of type {type(thing).__name__}"
