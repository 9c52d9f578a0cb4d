"""The projects: what their page tells students to type runs, and a prior from outside gets rows."""

import json
import re
import shlex

import pytest
import torch
from conftest import ROOT

from lessons_lib.course import studies
from lessons_lib.course.studies.__main__ import main
from lessons_lib.course.studies.methods import FAMILIES, GUEST, find_prior
from lessons_lib.distributions import GaussianField
from lessons_lib.metrics import psnr

torch.set_num_threads(1)
PAGE = (ROOT / "book" / "projects.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.S)
FIELD = GaussianField(torch.full((24, 24), 0.04), mean=0.5)
SHORT = {"phantom": "disks", "num": 2, "seed": 1, "size": 24, "chosen": ["noisy"]}


def rows(**options):
    return studies.denoising_report(**SHORT | options)["methods"]


def test_the_operator_of_the_page_passes_all_that_is_asked_of_it(capsys):
    *operator, _ = CODE
    names = {}
    exec(compile("\n".join(operator), "projects.md", "exec"), names)
    printed = capsys.readouterr().out
    assert float(re.search(r"dot test: (\S+)", printed)[1]) < 1e-15
    assert "seen: 16 of 64" in printed
    assert float(re.search(r"linear algebra: (\S+)", printed)[1]) < 0.02
    values = {
        name: float(psnr(x, names["x0"], data_range=1.0)) for name, x in names["answers"].items()
    }
    assert values["patch score"] > values["repeated pixels"] + 1
    assert 75 < float(re.search(r"cover (\d+) %", printed)[1]) < 99


def test_the_prior_of_the_page_gets_its_rows_by_the_command_of_the_page(tmp_path, monkeypatch):
    (tmp_path / "my_prior.py").write_text(CODE[-1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    (command,) = re.findall(r"```bash\npython -m lessons_lib.course.studies (.*?)```", PAGE, re.S)
    short = command.replace("\\\n", " ").replace("--num 12", "--num 2").replace("BM3D ", "")
    main(shlex.split(short))
    values = {
        row["method"]: row["psnr"]
        for row in json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))["methods"]
    }
    assert list(values)[-2:] == ["my_prior:score, one step", "my_prior:score, ladder"]
    assert values["noisy"] + 3 < values["my_prior:score, one step"] < values["patches, ladder"]


def test_both_rubrics_add_up_to_what_the_page_says():
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, re.M)
    sums = [sum(map(int, re.findall(r"\| (\d+) \|$", table, re.M))) for table in tables]
    assert sums == [20, 20] and "add up to 20 points" in PAGE


def test_a_guest_gets_what_a_shipped_prior_would():
    one, down = rows(priors={"field": FIELD.score})[1:]
    assert [one["method"], down["method"]] == ["field, one step", "field, ladder"]
    assert one["family"] == GUEST and GUEST in FAMILIES and one["weights"] == {}
    x0 = studies.held_out_pictures("disks", 2, seed=1, size=24)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1), dtype=x0.dtype)
    y = x0 + 0.05 * noise
    wiener = 0.5 + 0.04 / (0.04 + 0.05**2) * (y - 0.5)
    assert one["values"] == pytest.approx(psnr(wiener, x0, data_range=1.0).tolist(), abs=2e-3)
    assert down["psnr"] == pytest.approx(one["psnr"], abs=0.5)  # fourteen rungs are near the end


def test_a_guest_may_differentiate_a_log_density():
    def by_autograd(x, sigma):
        point = x.detach().double().requires_grad_()
        return torch.autograd.grad(FIELD.log_prob(point, float(sigma)).sum(), point)[0]

    ours, theirs = (rows(priors={"p": score})[1]["psnr"] for score in (FIELD.score, by_autograd))
    assert ours == pytest.approx(theirs, abs=2e-3)


def test_a_stored_row_of_a_guest_is_measured_again():
    first = studies.denoising_report(**SHORT, priors={"p": FIELD.score})
    again = rows(priors={"p": lambda x, sigma: torch.zeros_like(x)}, stored=first)
    assert again[0] == first["methods"][0]
    assert again[1]["psnr"] == pytest.approx(again[0]["psnr"], abs=2e-3)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("my_prior", "MODULE:NAME"),
        (":score", "MODULE:NAME"),
        ("no_such_module:score", "there is no prior no_such_module:score"),
        ("lessons_lib.shapes:nothing", "there is no prior"),
        ("math:pi", "must be a function"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(address, words):
    with pytest.raises(ValueError, match=words):
        find_prior(address)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (lambda x, sigma: x.sum(), r"must return the shape of x, \(24, 24\), got \(\)"),
        (lambda x, sigma: 0.0, "got float"),
        (lambda x, sigma: x / 0, "not finite"),
    ],
)
def test_what_is_no_score_is_refused(score, words):
    with pytest.raises(ValueError, match=words):
        rows(priors={"p": score})
