"""The loops that are timed side by side are the same walk; what they cost is not judged here."""

import pytest
import torch

from lessons_lib.course.studies import step_cost
from lessons_lib.schedules import geometric

SCORES = step_cost._scores()


@pytest.mark.parametrize("name", SCORES)
def test_the_bare_loop_ends_where_the_sampler_does(name):
    for bare, library in step_cost._loops(*SCORES[name], geometric(1.0, 0.1, 4)).values():
        torch.testing.assert_close(bare(), library(), rtol=0, atol=1e-12)


def test_the_report_names_every_score_and_sampler():
    rows = list(step_cost.step_cost_report(num=1, num_steps=2))
    samplers = ["langevin", "annealed_langevin", "mala", "probability_flow"]
    assert [(row["score"], row["sampler"]) for row in rows] == [
        (score, sampler) for score in SCORES for sampler in samplers
    ]
