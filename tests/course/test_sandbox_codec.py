"""Values that cross the wall: all that an answer may be comes back the same, and nothing else."""

from __future__ import annotations

import json
import math
import os
import threading
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from lessons_lib.course.assign.sandbox.channel import LARGEST_FRAME, Broken, Channel, Late
from lessons_lib.course.assign.sandbox.codec import (
    DTYPES,
    MOST,
    Malformed,
    decode,
    encode,
    read_json,
)

KEPT: list[Any] = []


def keep(function: Any) -> int:
    KEPT.append(function)
    return len(KEPT) - 1


def through(value: Any) -> Any:
    return decode(json.loads(json.dumps(encode(value, keep))), KEPT.__getitem__)


@pytest.mark.parametrize(
    "value",
    [
        None,
        ...,
        True,
        0,
        -(10**50),
        0.1,
        -0.0,
        math.inf,
        1 + 2j,
        "",
        "score",
        [],
        [1, [2.5, "a"]],
        (1, (2,)),
        {"a": 1, 2: [3], 0.5: None},
    ],
    ids=repr,
)
def test_plain_values_come_back(value: Any) -> None:
    back = through(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("number", [Fraction(41, 50), Decimal("0.82")])
def test_other_numbers_come_back_as_floats(number: Any) -> None:
    assert through(number) == through([number])[0] == 0.82
    assert through(np.array([number, number])).tolist() == [0.82, 0.82]


def test_nan_comes_back() -> None:
    assert math.isnan(through(math.nan))


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
@pytest.mark.parametrize("name", DTYPES)
def test_tensors_come_back(name: str, shape: tuple[int, ...]) -> None:
    number = torch.arange(math.prod(shape)).reshape(shape).to(DTYPES[name])
    back = through(number)
    assert back.dtype == number.dtype
    assert torch.equal(back, number)


def test_views_and_gradients_come_back_as_plain_tensors() -> None:
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    assert torch.equal(through(x.T), x.T.detach())
    z = torch.tensor([1 + 2j]).conj()
    assert torch.equal(through(z), z.resolve_conj())


def test_arrays_and_numpy_numbers_come_back() -> None:
    assert np.array_equal(through(np.eye(2)[:, ::-1]), np.eye(2)[:, ::-1])
    assert through(np.float32(0.5)) == np.float32(0.5)
    assert through(np.float64(0.5)) == 0.5
    assert through(np.bool_(True))


def test_iterators_are_read_to_their_end_or_to_a_limit() -> None:
    def forever() -> Any:
        while True:
            yield 1

    assert list(through(iter([1, 2]))) == [1, 2]
    with pytest.raises(Malformed):
        through(forever())


def test_functions_stay_where_they_are() -> None:
    assert through(math.sqrt) is math.sqrt


@pytest.mark.parametrize("value", [{1}, object(), [b"x"], torch.eye(2).to_sparse()])
def test_other_things_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="the answer holds"):
        encode(value, keep)


def nested(depth: int) -> list[Any]:
    value: list[Any] = ["none", None]
    for _ in range(depth):
        value = ["list", [value]]
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        "float",
        [],
        ["float"],
        ["float", 3],
        ["float", "0x1p99999"],
        ["int", 3],
        ["int", "0x" + "f" * 2000],
        ["str", 3],
        ["bool", 1],
        ["none", 1],
        ["function", -1],
        ["function", True],
        ["function", "0"],
        ["module", "os"],
        [["list"], []],
        ["list", 3],
        ["list", [["none", None], 3]],
        ["dict", [[["str", "a"]]]],
        ["dict", [[["list", []], ["none", None]]]],
        ["tensor", "float64", [1], ""],
        ["tensor", "float64", [10**12], "AAAA"],
        ["tensor", "float64", [-1, -1], "AAAAAAAAAAA="],
        ["tensor", "float64", [1.0], "AAAAAAAAAAA="],
        ["tensor", "float64", [True], "AAAAAAAAAAA="],
        ["tensor", "float64", [1] * 1000, "AAAAAAAAAAA="],
        ["tensor", "float64", [1], "?"],
        ["tensor", "float64", [1], 3],
        ["tensor", "object", [1], "AAAA"],
        ["tensor", "bool", [1], "/w=="],
        ["array", "bfloat16", [1], "AAA="],
        ["list", [["none", None]] * (MOST + 1)],
        nested(30),
    ],
    ids=lambda value: str(value)[:40],
)
def test_malformed_values_are_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        decode(value, lambda number: number)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 1_000_000, b"1" * 10_000])
def test_what_is_not_json_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_json(data)


def pair() -> tuple[Channel, Channel]:
    (a, b), (c, d) = os.pipe(), os.pipe()
    return Channel(a, d), Channel(c, b)


def test_frames_pass_whole() -> None:
    here, there = pair()
    data = os.urandom(3_000_000)
    sender = threading.Thread(target=there.send, args=(data,))
    sender.start()
    assert here.receive(5) == data
    sender.join()


def test_silence_ends_and_so_does_the_line() -> None:
    here, there = pair()
    assert not here.ready(0.01)
    with pytest.raises(Late):
        here.receive(0.01)
    os.write(there.sink, b"\0\0\0\5he")  # the rest never comes
    assert here.ready(0.01)
    with pytest.raises(Late):
        here.receive(0.01)
    there.close()
    with pytest.raises(Broken, match="gone"):
        here.receive(1)
    with pytest.raises(Broken, match="gone"):
        here.send(b"x", 1)


def test_nobody_reads() -> None:
    here, there = pair()
    with pytest.raises(Late):
        here.send(bytes(1 << 20), 0.05)
    there.close()


def test_too_large_a_frame_is_not_read() -> None:
    here, there = pair()
    with pytest.raises(Broken, match="at most"):
        here.send(bytes(LARGEST_FRAME + 1))
    os.write(there.sink, b"\xff\xff\xff\xff")
    with pytest.raises(Broken, match="at most"):
        here.receive(1)
