"""Every lesson under several emulated processors: which cells differ, and by how much.

::

    python book/_tools/machines.py                          # all notebooks, all processors
    python book/_tools/machines.py --only avx2 book/03_*.ipynb

PyTorch, oneDNN, MKL and OpenBLAS choose their kernels by what the processor can do, and each can be
told to make do with less. A run under such orders gives the last digits that another machine would
give. nbval judges the outputs by `agreement`, as `make test` does, and prints a table of the cells
that moved. What this processor cannot do is left out, and said.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Machine:
    """A processor to emulate: what must be there, and what the libraries are told."""

    name: str
    needs: tuple[str, ...]  # flags of the processor that runs it
    orders: dict[str, str]
    threads: int = 1


MACHINES = (
    Machine(
        "sse",
        (),
        {
            "ATEN_CPU_CAPABILITY": "default",
            "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "OPENBLAS_CORETYPE": "Nehalem",
        },
    ),
    Machine(
        "avx2",
        ("avx2", "fma"),
        {
            "ATEN_CPU_CAPABILITY": "avx2",
            "MKL_ENABLE_INSTRUCTIONS": "AVX2",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "OPENBLAS_CORETYPE": "Haswell",
        },
    ),
    Machine(
        "avx512",
        ("avx512f", "avx512dq", "avx512bw", "avx512vl"),
        {
            "ATEN_CPU_CAPABILITY": "avx512",
            "MKL_ENABLE_INSTRUCTIONS": "AVX512",
            "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
            "OPENBLAS_CORETYPE": "SkylakeX",
        },
    ),
    Machine(  # MKL takes this path on the processors of other makers
        "compatible",
        ("avx2", "fma"),
        {
            "ATEN_CPU_CAPABILITY": "avx2",
            "MKL_CBWR": "COMPATIBLE",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "OPENBLAS_CORETYPE": "Zen",
        },
    ),
    Machine("two threads", (), {}, threads=2),
)


def flags() -> frozenset[str]:
    """What this processor can do; empty where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = [line.partition(":")[2].split() for line in lines if line.startswith("flags")]
    return frozenset(found[0]) if found else frozenset()


def environment(machine: Machine) -> dict[str, str]:
    """The environment of a run: the machine's orders, and nothing left of anybody else's."""
    orders = {name for other in MACHINES for name in other.orders}
    kept = {name: value for name, value in os.environ.items() if name not in orders}
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return kept | machine.orders | dict.fromkeys(names, str(machine.threads))


def command(machine: Machine, paths: Sequence[str], jobs: int) -> list[str]:
    """The words of nbval's run: as in `make test`, with the machine's name over the table."""
    words = [sys.executable, "-m", "pytest", *paths, "-q", "--nbval", "--nbval-current-env"]
    words += ["-p", "tests.book.stored_outputs", "--machine", machine.name, "--tb=line"]
    words += ["--nbval-cell-timeout=3600", "--nbval-sanitize-with", "tests/book/nbval_sanitize.cfg"]
    return words + ([f"-n{jobs}", "--dist=loadfile"] if jobs > 1 else [])


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 1 if a lesson differs on some machine."""
    names = [machine.name for machine in MACHINES]
    parser = argparse.ArgumentParser(description="Run the lessons under emulated processors.")
    parser.add_argument("paths", nargs="*", help="notebooks; by default all")
    parser.add_argument("--only", action="append", choices=names, help="one machine, repeatable")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at a time (2)")
    asked = parser.parse_args(words)
    here, verdicts = flags(), {}
    for machine in MACHINES:
        if asked.only and machine.name not in asked.only:
            continue
        if missing := sorted(set(machine.needs) - here):
            verdicts[machine.name] = f"left out: this processor lacks {', '.join(missing)}"
            continue
        print(f"=== {machine.name}: {machine.orders or 'as it is'}", flush=True)
        line = command(machine, asked.paths or ["book"], asked.jobs)
        status = subprocess.run(line, cwd=ROOT, env=environment(machine), check=False).returncode
        verdicts[machine.name] = "agrees" if status == 0 else f"DIFFERS (pytest says {status})"
    for name, verdict in verdicts.items():
        print(f"{name:12} {verdict}")
    return int(any("DIFFERS" in verdict for verdict in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
