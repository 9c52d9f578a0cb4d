"""What a terminal is told, whatever characters it has; and how a command ends that cannot go on."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from lessons_lib import console
from lessons_lib.course.checks import claim

PLAIN = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "LANG": "C"}
TERMINALS = {
    "ascii": PLAIN,
    "cp1252": PLAIN | {"PYTHONIOENCODING": "cp1252"},
    "strict ascii": PLAIN | {"PYTHONIOENCODING": "ascii:strict"},
}


def python(program: str, terminal: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", program], env=os.environ | TERMINALS[terminal], capture_output=True
    )


def test_a_line_on_a_terminal_that_has_all_characters_is_the_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.say("✓ Zoë, σ → 0")
    assert capsys.readouterr().out == "✓ Zoë, σ → 0\n"


@pytest.mark.parametrize(
    ("encoding", "wanted"),
    [
        ("cp1252", b"[ok] Zo\xeb \xb1 sigma \\u2192 0\n"),
        ("ascii", b"[ok] Zo\\xeb +- sigma \\u2192 0\n"),
    ],
)
def test_other_characters_are_replaced_by_words_or_numbers(
    encoding: str, wanted: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)
    console.say("✓ Zoë ± σ → 0")
    stream.flush()
    assert raw.getvalue() == wanted


def test_a_stream_without_an_encoding_gets_the_line_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    claim("two is two", 2.0, equals=2.0, within=0.0)
    assert stream.getvalue().startswith("✓ two is two")


@pytest.mark.parametrize("terminal", TERMINALS)
def test_claims_and_verdicts_reach_every_terminal(terminal: str) -> None:
    program = (
        "from lessons_lib.course import checks\nimport lessons_lib.course.checks.gaussian_score\n"
        "checks.claim('two is two', 2.0, equals=2.0, within=0.0)\n"
        "checks.gaussian_score.fools_two_averages(3)\n"
        "checks.gaussian_score.fools_two_averages(...)\n"
    )
    done = python(program, terminal)
    assert b"UnicodeEncodeError" not in done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:2]] == [b"[ok]", b"[x]"] and len(lines) >= 3


@pytest.mark.parametrize("terminal", TERMINALS)
def test_commands_reach_every_terminal(terminal: str) -> None:
    words = "'denoising --num 2 --size 24 --methods noisy'.split()"
    program = (
        "from lessons_lib import console\nfrom lessons_lib.course.studies.__main__ import main\n"
        f"raise SystemExit(console.run(lambda: main({words}), 'bench'))"
    )
    done = python(program, terminal)
    assert done.returncode == 0 and b"| noisy |" in done.stdout
    assert (b"| PSNR | \xb1 |" if terminal == "cp1252" else b"| PSNR | +- |") in done.stdout


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ValueError("num must be 2"), 1, "tool: num must be 2\n"),
        (OSError("x cannot be written"), 1, "tool: x cannot be written\n"),
        (FloatingPointError("the loss is nan"), 1, "tool: the loss is nan\n"),
        (KeyboardInterrupt(), 130, "\ntool: stopped\n"),
        (KeyboardInterrupt("all is kept"), 130, "\ntool: stopped; all is kept\n"),
    ],
    ids=repr,
)
def test_a_command_ends_with_one_line(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise error

    assert console.run(main, "tool") == status
    assert capsys.readouterr() == ("", line)


def test_other_errors_are_faults_of_ours_and_show_where() -> None:
    def main() -> None:
        raise KeyError("no such thing")

    with pytest.raises(KeyError):
        console.run(main, "tool")
    assert console.run(lambda: None, "tool") == 0 and console.run(lambda: 3, "tool") == 3
