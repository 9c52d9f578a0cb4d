"""The tables on disk: written whole, and refused when the models have changed since."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import torch

from lessons_lib.course.studies.denoising import choose, denoising_report, weights_of
from lessons_lib.course.studies.tables import markdown_table
from lessons_lib.files import check_place, write_whole

FOLDER = Path(__file__).resolve().parent / "data"
"""Where the tables lie that come with the library and that chapters read, wherever they run."""

TABLES: dict[str, dict[str, Any]] = {
    "denoising_disks_26db": {"phantom": "disks", "noise_std": 0.05},
    "denoising_disks_20db": {"phantom": "disks", "noise_std": 0.1},
    "denoising_rectangles_26db": {"phantom": "rectangles", "noise_std": 0.05},
    "denoising_rectangles_20db": {"phantom": "rectangles", "noise_std": 0.1},
    "denoising_scenes_15": {"phantom": "scenes", "noise_std": 15 / 255, "num": 10},
    "denoising_scenes_25": {"phantom": "scenes", "noise_std": 25 / 255, "num": 10},
    "denoising_tilted_26db": {"phantom": "tilted", "noise_std": 0.05},
    "denoising_tilted_20db": {"phantom": "tilted", "noise_std": 0.1},
    "denoising_tilted_large_26db": {"phantom": "tilted_large", "noise_std": 0.05},
    "denoising_tilted_large_20db": {"phantom": "tilted_large", "noise_std": 0.1},
}
"""The settings of the tables that the book reads."""

NUM, SEED = 50, 2026


def measured(name: str) -> dict[str, Any]:
    """Read the table ``name`` that comes with the library, such as ``"locality"`` or ``"shift"``.

    It is what the command of that name wrote; for a table of denoisers as from `denoising_report`.
    Chapters 05_patch_trained, 06_scans and 07_pitfalls read them.
    """
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in FOLDER.glob("*.json")))
        raise ValueError(f"name must be a measured table, got {name!r}; there are {there}")
    return json.loads(path.read_text(encoding="utf-8"))


def read_report(path: Path | str) -> dict[str, Any]:
    """Read a table of denoisers, whatever models made it, as `denoising_report` returned it.

    ``path`` is a file, or the bare name of a table that comes with the library.
    """
    try:
        file = Path(path) if Path(path).suffix else FOLDER / f"{path}.json"
        report = json.loads(file.read_text(encoding="utf-8"))
        report["setting"], report["methods"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is missing or no table ({error}); make studies writes it"
        ) from None
    return report


def read_table(path: Path | str) -> dict[str, dict[str, Any]]:
    """Read a table for a chapter, and refuse one that other weights or another list made.

    ``path`` is a file, or the bare name of a table that comes with the library, such as
    ``"denoising_disks_26db"``. Returns the rows by the name of the method, and the ``setting``.

    Raises
    ------
    ValueError
        If the file is missing or out of date; says what to do.
    """
    report = read_report(path)
    if reasons := stale(report):
        raise ValueError(f"{path} is out of date ({'; '.join(reasons)}); run make studies")
    return {row["method"]: row for row in report["methods"]} | {"setting": report["setting"]}


def stale(report: dict[str, Any]) -> list[str]:
    """Say in what a ``report`` differs from what the present list and weights would give."""
    rows = {row["method"]: row for row in report["methods"]}
    skipped, complaints = report["setting"]["skipped"], []
    every = choose(report["setting"]["phantom"], None)
    for method in every:
        if method.name not in rows and method.name not in skipped:
            complaints.append(f"no row for {method.name}")
        elif method.name in rows and rows[method.name]["weights"] != weights_of(method):
            complaints.append(f"{method.name} was run with other weights")
    unknown = set(rows) - {method.name for method in every}
    return complaints + [f"{name} is not in the list" for name in sorted(unknown)]


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a ``report`` to ``path``, one row of the table on each line."""
    lists = {key: value for key, value in report.items() if isinstance(value, list)}
    rest = {key: value for key, value in report.items() if key not in lists}
    parts = [
        f'"{key}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]"
        for key, rows in lists.items()
    ]
    parts += [f'"{key}": {json.dumps(value)}' for key, value in rest.items()]
    write_whole(path, "{\n" + ",\n".join(parts) + "\n}\n")


def summary(report: dict[str, Any]) -> str:
    """Return the table of a ``report`` as Markdown."""
    rows = report["methods"]
    keys = ("psnr", "ci95", "gain", "gain_ci95", "ssim", "seconds")
    nan = float("nan")
    values = [[nan if row[key] is None else row[key] for key in keys] for row in rows]
    values = [[*row, len(r["values"])] for row, r in zip(values, rows, strict=True)]
    about = {k: v for k, v in report["setting"].items() if k != "skipped"}
    text = ", ".join(f"{key} {value}" for key, value in about.items()) + "\n\n"
    names = [row["method"] for row in rows]
    columns = ("PSNR", "±", "over BM3D", "±", "SSIM", "seconds", "pictures")
    text += markdown_table(names, columns, torch.tensor(values), digits=2, best=None)
    skipped = report["setting"]["skipped"].items()
    return text + "".join(f"\nskipped: {name} ({reason})" for name, reason in skipped)


def update_tables(folder: Path = FOLDER) -> None:
    """Measure again what is missing or out of date among `TABLES`, and print them all.

    Weights and settings are compared, and the first picture of each row is denoised again: a row
    that no longer comes out the same, whatever has changed in the code, is measured anew. Each row
    is on the disk as soon as it is measured, so that a run which was stopped goes on.
    """
    paths = {name: folder / f"{name}.json" for name in TABLES}
    for path in paths.values():
        check_place(path)
    for name, path in paths.items():
        stored = read_report(path) if path.exists() else None
        about = {"num": NUM, "seed": SEED, "stored": stored, "progress": True}
        report = denoising_report(**about | TABLES[name], keep=partial(write_report, path))
        write_report(path, report)
        print(f"\n{path}: {summary(report)}")
