"""The executor: order, quiet files, nothing written half, nothing run twice without need."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import running
from conftest import ROOT
from lessons import main
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from patience import FOR_EVER, hears_ctrl_c

from lessons_lib.course import notebooks
from lessons_lib.course.notebooks.cleaning import CELL_METADATA, METADATA, WIDGET_VIEW


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, so that the cache of the project is left alone."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *sources: str) -> Path:
    """A notebook with one heading and these code cells."""
    cells = [new_markdown_cell("# Title"), *(new_code_cell(source) for source in sources)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def printed(path: Path) -> list[str]:
    """What each code cell printed to stdout."""
    cells = nbformat.read(path, as_version=4).cells
    return ["".join(o.get("text", "") for o in c.outputs) for c in cells if c.cell_type == "code"]


def test_runs_in_order_in_its_folder_with_one_thread(folder: Path) -> None:
    (folder / "here.txt").write_text("found", encoding="utf-8")
    path = write(
        folder / "a.ipynb",
        "x = 1\nprint(x)",
        "x += 1\nprint(x, open('here.txt').read())",
        "import os\nprint(os.environ['OMP_NUM_THREADS'])",
    )
    assert running.run([path]) == {}
    assert printed(path) == ["1\n", "2 found\n", "1\n"]
    assert notebooks.problems(nbformat.read(path, as_version=4)) == []


def test_failing_notebook_is_untouched_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(folder / "good.ipynb", "print('fine')")
    bad = write(folder / "bad.ipynb", "print('before')", "answer = 1 / 0", "print('after')")
    before = bad.read_bytes()
    assert main(["run", str(good), str(bad)]) == 1
    assert bad.read_bytes() == before
    assert printed(good) == ["fine\n"]
    message = capsys.readouterr().err
    assert "bad.ipynb" in message and "answer = 1 / 0" in message and "ZeroDivisionError" in message
    assert sorted(p.name for p in folder.glob("*.ipynb*")) == ["bad.ipynb", "good.ipynb"]
    assert not list(folder.glob(".*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another signal there")
@pytest.mark.parametrize("call", ["run", "execute"])
def test_ctrl_c_ends_kernels_and_files_stay_whole(folder: Path, call: str) -> None:
    """The second notebook never ends by itself; the first is done, the third has not begun."""
    endless = (
        "import os, pathlib, time\npathlib.Path('part').write_text(str(os.getpid()))\n"
        "os.replace('part', 'pid')\nwhile True:\n    time.sleep(1)"
    )
    paths = [write(folder / f"{k}.ipynb", code) for k, code in enumerate(["1", endless, "2"])]
    before = [path.read_bytes() for path in paths]
    words = [str(ROOT / "book/_tools/lessons.py"), "run", "--jobs", "1", *map(str, paths)]
    if call == "execute":
        words = ["-c", EXECUTE, str(paths[1])]
    process = subprocess.Popen(
        [sys.executable, *words], stderr=subprocess.PIPE, encoding="utf-8", preexec_fn=hears_ctrl_c
    )
    try:
        while not (folder / "pid").exists():
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=FOR_EVER)[1]
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith("python book/_tools/lessons.py: stopped; every file")
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text(encoding="utf-8")), 0)
    assert [path.read_bytes() for path in paths[1:]] == before[1:]
    assert call == "execute" or not notebooks.problems(nbformat.read(paths[0], as_version=4))
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith(".")) == []


EXECUTE = """
import sys
from pathlib import Path
import nbformat
from lessons_lib import console
from lessons_lib.course import notebooks

def main():
    with console.if_stopped("every file"):
        notebooks.execute(nbformat.read(sys.argv[1], as_version=4), folder=Path(sys.argv[1]).parent)

sys.exit(console.run(main, "python book/_tools/lessons.py"))
"""


def test_a_notebook_that_cannot_be_replaced_is_not_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "a.ipynb", "open('ran', 'w')")
    monkeypatch.setattr(os, "access", lambda place, kind: False)
    assert "may not be written to" in running.run([path])[path]
    assert not (folder / "ran").exists()


def test_widgets_and_progress_bars_leave_no_trace(folder: Path) -> None:
    path = write(
        folder / "w.ipynb",
        "from ipywidgets import interact\n_ = interact(lambda a=1: print(a), a=(0, 3))",
        "import sys, tqdm\nfor _ in tqdm.tqdm(range(3)): pass\nprint('kept', file=sys.stderr)",
        "from IPython.display import display\n"
        "class Both:\n"
        "    def _repr_mimebundle_(self, **_):\n"
        f"        return {{'text/html': '<p>page</p>', '{WIDGET_VIEW}': {{}}}}\n"
        "display(Both())",
    )
    assert running.run([path]) == {}
    cells = nbformat.read(path, as_version=4).cells
    assert cells[1].outputs == []
    assert WIDGET_VIEW not in json.dumps([cell.get("outputs") for cell in cells])
    assert "widgets" not in nbformat.read(path, as_version=4).metadata
    assert [o.text for o in cells[2].outputs] == ["kept\n"]
    assert cells[3].outputs[0].data["text/html"] == "<p>page</p>"


def test_two_runs_give_the_same_file_and_keep_ids(folder: Path) -> None:
    path = write(folder / "a.ipynb", "import math\nprint(math.pi)", "2 + 2")
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    running.run([path])
    first = path.read_bytes()
    running.run([path], force=True)
    assert path.read_bytes() == first
    assert [cell.id for cell in nbformat.read(path, as_version=4).cells] == ids


def test_runs_again_only_what_changed(folder: Path) -> None:
    count = "import pathlib\nlog = pathlib.Path('log')\nlog.open('a').write('x')"
    path = write(folder / "a.ipynb", count)
    running.run([path])
    running.run([path])
    assert (folder / "log").read_text(encoding="utf-8") == "x"
    edited = nbformat.read(path, as_version=4)
    edited.cells[0].source = "# Another title"
    nbformat.write(edited, path)
    running.run([path])
    assert (folder / "log").read_text(encoding="utf-8") == "x", "prose is no reason to compute"
    edited.cells[1].source += "  # changed"
    nbformat.write(edited, path)
    running.run([path])
    assert (folder / "log").read_text(encoding="utf-8") == "xx"


def test_report_glues_whole_seconds(folder: Path) -> None:
    path = write(folder / "a.ipynb", "from lessons_lib.course.report import report\nreport()")
    running.run([path])
    outputs = nbformat.read(path, as_version=4).cells[1].outputs
    assert "torch" in outputs[0].text and "lessons_lib" in outputs[0].text
    assert outputs[1].metadata["scrapbook"]["name"] == "wall_seconds"
    (seconds,) = outputs[1].data.values()
    assert int(seconds) > 0


def test_quiet_gives_ids_to_cells_without_or_with_equal_ones() -> None:
    book = new_notebook(cells=[new_code_cell("1"), new_code_cell("1"), new_code_cell("2")])
    book.cells[0]["id"] = book.cells[1]["id"] = "same"
    del book.cells[2]["id"]
    ids = [cell["id"] for cell in notebooks.quiet(book).cells]
    assert ids[0] == "same" and len(set(ids)) == 3


def clean() -> nbformat.NotebookNode:
    """A notebook in which `problems` finds nothing."""
    return notebooks.quiet(
        new_notebook(cells=[new_code_cell("1", execution_count=1), new_markdown_cell("text")])
    )


def with_output(**output: object) -> nbformat.NotebookNode:
    book = clean()
    book.cells[0].outputs = [new_output(**output)]
    return book


def with_cell(**changes: object) -> nbformat.NotebookNode:
    book = clean()
    book.cells[0].update(nbformat.from_dict(changes))
    return book


def with_metadata(**changes: object) -> nbformat.NotebookNode:
    book = clean()
    book.metadata.update(nbformat.from_dict(changes))
    return book


@pytest.mark.parametrize(
    ("book", "word"),
    [
        (with_metadata(widgets={}), "metadata"),
        (with_metadata(language_info={"name": "python", "version": "3.12.1"}), "metadata"),
        (with_cell(execution_count=None), "executed"),
        (with_cell(execution_count=7), "executed"),
        (with_cell(metadata={"execution": {"iopub.status.busy": "2020"}}), "execution"),
        (with_output(output_type="error", ename="KeyError", evalue="", traceback=[]), "KeyError"),
        (with_output(output_type="display_data", data={WIDGET_VIEW: {}}), "widget"),
    ],
)
def test_check_rejects(book: nbformat.NotebookNode, word: str, tmp_path: Path) -> None:
    assert notebooks.problems(clean()) == []
    found = notebooks.problems(book)
    assert len(found) == 1 and word in found[0]
    path = tmp_path / "a.ipynb"
    nbformat.write(book, path)
    assert main(["check", str(path)]) == 1


def test_equal_ids_are_a_problem() -> None:
    book = clean()
    book.cells[1]["id"] = book.cells[0]["id"]
    assert "id" in notebooks.problems(book)[0]


def test_quiet_metadata_is_what_it_says() -> None:
    book = with_metadata(widgets={"state": {}})
    book.cells[0].metadata = nbformat.from_dict({"tags": ["a"], "execution": {}, "collapsed": True})
    book = notebooks.quiet(book)
    assert json.loads(json.dumps(book.metadata)) == METADATA
    assert set(book.cells[0].metadata) <= set(CELL_METADATA)


def test_pictures_get_a_palette_and_keep_their_look() -> None:
    import base64
    import io

    import numpy as np
    from PIL import Image

    grain = np.random.default_rng(0).integers(0, 240, (150, 200, 1)).repeat(3, -1)
    grain[:, :20] = (0, 103, 165)  # a gray photograph beside a colour
    stream = io.BytesIO()
    Image.fromarray(grain.astype(np.uint8)).save(stream, "PNG")
    encoded = base64.b64encode(stream.getvalue()).decode()
    output = new_output("display_data", data={"image/png": encoded})
    book = notebooks.quiet(new_notebook(cells=[new_code_cell("x", outputs=[output])]))
    stored = book.cells[0].outputs[0].data["image/png"]
    with Image.open(io.BytesIO(base64.b64decode(stored))) as picture:
        assert picture.mode == "P"
        shown = np.asarray(picture.convert("RGB")).astype(float)
    assert abs(shown - grain).mean() < 2
    again = notebooks.quiet(book).cells[0].outputs[0].data["image/png"]
    assert again == stored and len(stored) < 0.8 * len(encoded)
