"""The emulated processors: each run has its own orders, and what cannot run here is left out."""

from __future__ import annotations

import subprocess

import machines
import pytest
from conftest import ROOT

ORDERS = {
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
}


def test_at_least_three_processors_and_two_counts_of_threads() -> None:
    assert sum(bool(machine.orders) for machine in machines.MACHINES) >= 3
    assert {machine.threads for machine in machines.MACHINES} == {1, 2}
    assert {name for machine in machines.MACHINES for name in machine.orders} == ORDERS


@pytest.mark.parametrize("machine", machines.MACHINES, ids=lambda machine: machine.name)
def test_a_run_hears_only_its_own_orders(
    machine: machines.Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ORDERS:
        monkeypatch.setenv(name, "left over")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    heard = machines.environment(machine)
    assert {name: heard[name] for name in ORDERS & set(heard)} == machine.orders
    assert heard["OMP_NUM_THREADS"] == str(machine.threads)
    assert heard["PATH"]


def test_the_judge_is_that_of_make_test() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    words = machines.command(machines.MACHINES[0], ["book"], 2)
    for word in (
        "tests.book.stored_outputs",
        "tests/book/nbval_sanitize.cfg",
        "--nbval-current-env",
    ):
        assert word in words and word in makefile


@pytest.mark.parametrize(("status", "verdict"), [(0, "agrees"), (1, "DIFFERS")])
def test_the_verdict_is_that_of_the_runs(
    status: int,
    verdict: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, status)

    monkeypatch.setattr(machines.subprocess, "run", run)
    monkeypatch.setattr(machines, "flags", lambda: frozenset({"avx2", "fma"}))
    assert machines.main([]) == int(status != 0)
    lines = capsys.readouterr().out.splitlines()[-len(machines.MACHINES) :]
    said = {machine.name: line for machine, line in zip(machines.MACHINES, lines, strict=True)}
    assert verdict in said["avx2"] and verdict in said["sse"]
    assert "left out: this processor lacks avx512bw" in said["avx512"]


def test_torch_obeys() -> None:
    """The order reaches PyTorch: its own report of its kernels changes."""
    import sys

    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    command = [sys.executable, "-c", code]
    sse = machines.environment(machines.MACHINES[0])
    said = subprocess.run(command, env=sse, capture_output=True, text=True, encoding="utf-8")
    assert said.stdout.strip() in ("DEFAULT", "NO AVX")
