"""Values of an untrusted process, written as JSON and read with suspicion; nothing is unpickled.

Each value is a list that begins with its kind: ``["float", "0x1.8p+1"]``, ``["tensor", "float64",
[2, 3], "base64..."]``, ``["function", 4]`` for a function that stays where it is.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterator
from itertools import islice
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import Tensor

DEEPEST, MOST, LONGEST_INTEGER = 20, 100_000, 1_000
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16,
        torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
    )
}  # fmt: skip

Keep = Callable[[Callable[..., Any]], int]
Fetch = Callable[[int], Callable[..., Any]]


class Malformed(ValueError):
    """What came is not a value in this form."""


def encode(value: Any, keep: Keep) -> list[Any]:
    """Write a ``value`` in the form above, to be written as JSON; ``keep`` numbers a function.

    Numbers, strings, tensors, arrays, functions, and lists, tuples, dicts and iterators of these
    can be written; anything else raises a TypeError.
    """
    if value is ... or value is NotImplemented:
        return ["stub", None]
    for name, plain in (("none", type(None)), ("bool", bool), ("str", str)):
        if isinstance(value, plain):
            return [name, value]
    if isinstance(value, Tensor):
        return ["tensor", *_bytes_of(value.detach().cpu())]
    if isinstance(value, np.ndarray | np.generic):
        array = np.array(value, dtype=float if value.dtype == object else None)
        return ["array", *_bytes_of(torch.from_numpy(array))]
    if isinstance(value, int):
        return ["int", hex(value)]
    if isinstance(value, Number) and not isinstance(value, complex):  # also fractions, decimals
        value = float(value)
    if isinstance(value, float | complex):
        parts = (value.real, value.imag) if isinstance(value, complex) else (value,)
        return ["float" if len(parts) == 1 else "complex", *(float(p).hex() for p in parts)]
    return _encode_many(value, keep)


def _encode_many(value: Any, keep: Keep) -> list[Any]:
    if isinstance(value, dict):
        return ["dict", [[encode(k, keep), encode(v, keep)] for k, v in value.items()]]
    for kind in (list, tuple):
        if isinstance(value, kind):
            return [kind.__name__, [encode(v, keep) for v in value]]
    if isinstance(value, Iterator):
        items = list(islice(value, MOST))
        return ["iterator", [encode(v, keep) for v in items]]
    if callable(value):
        return ["function", keep(value)]
    raise TypeError(f"the answer holds an object of type {type(value).__name__}")


def _bytes_of(tensor: Tensor) -> tuple[str, list[int], str]:
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in DTYPES or tensor.layout is not torch.strided:
        raise TypeError(f"the answer holds a tensor of type {name} and layout {tensor.layout}")
    flat = tensor.resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)
    return name, list(tensor.shape), base64.b64encode(flat.numpy().tobytes()).decode()


def decode(value: Any, fetch: Fetch) -> Any:
    """Read a ``value`` that `encode` wrote, or that someone hostile did.

    ``fetch`` makes of a function's number something to call. What is not in the form, too deep, or
    too long is `Malformed`.
    """
    try:
        return _decode(value, fetch, 0, [MOST])
    except Malformed:
        raise
    except (TypeError, ValueError, KeyError, IndexError, OverflowError, RuntimeError) as error:
        raise Malformed(f"not a value: {type(error).__name__}") from error


def _decode(value: Any, fetch: Fetch, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if depth > DEEPEST or left[0] < 0:
        raise Malformed("too deep or too long")
    kind, *rest = value
    if kind in _PLAIN:
        return _PLAIN[kind](*rest)
    (content,) = rest
    if kind == "function":
        return fetch(_whole(content))
    if kind == "dict":
        pairs = [[_decode(part, fetch, depth + 1, left) for part in pair] for pair in content]
        return {_key(name): thing for name, thing in pairs}
    items = [_decode(item, fetch, depth + 1, left) for item in content]
    return {"list": list, "tuple": tuple, "iterator": iter}[kind](items)


def _whole(number: Any) -> int:
    if type(number) is not int or not 0 <= number < 1 << 31:
        raise Malformed("not a number of a function")
    return number


def _key(name: Any) -> Any:
    if not isinstance(name, str | int | float | bool | None):
        raise Malformed("a key that is neither a word nor a number")
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed("not a text")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Malformed("neither true nor false")
    return value


def _nothing(value: Any) -> None:
    if value is not None:
        raise Malformed("not nothing")


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise Malformed("an integer of too many digits")
    return int(digits, 16)


def _tensor(name: str, shape: list[int], data: str) -> Tensor:
    dtype = DTYPES[name]
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > DEEPEST:
        raise Malformed("not a shape")
    try:
        raw = bytearray(base64.b64decode(data, validate=True))
    except binascii.Error as error:
        raise Malformed("not base64") from error
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise Malformed(f"{len(raw)} bytes do not fill the shape {shape}")
    if dtype is torch.bool and any(byte > 1 for byte in raw):
        raise Malformed("a truth value that is neither 0 nor 1")
    flat = torch.frombuffer(raw, dtype=dtype) if raw else torch.empty(0, dtype=dtype)
    return flat.reshape(shape)


_PLAIN: dict[str, Callable[..., Any]] = {
    "none": _nothing,
    "stub": lambda _: ...,
    "bool": _truth,
    "str": _text,
    "int": _integer,
    "float": float.fromhex,
    "complex": lambda real, imag: complex(float.fromhex(real), float.fromhex(imag)),
    "tensor": _tensor,
    "array": lambda *parts: _tensor(*parts).numpy(),
}


def read_json(data: bytes) -> Any:
    """Parse JSON of an untrusted process; what is none, or nested beyond reason, is `Malformed`."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError, MemoryError) as error:
        raise Malformed(f"not JSON: {type(error).__name__}") from error
