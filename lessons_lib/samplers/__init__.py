"""Samplers: generators of states that need nothing but a score.

`langevin` walks in one density; `mala` also weighs each step against the density, and has no bias;
`annealed_langevin` walks in a ladder of smoothed densities, from wide to narrow; `ancestral` goes
down that ladder with one evaluation of the score a level; `probability_flow` and `multistep` follow
it without any randomness after the start. `gibbs` needs no score: it draws some coordinates given
the others, also where they are labels. Each yields tensors like the starting point ``x``, whose
leading dimensions are independent chains. `last` takes the final state when the path is of no
interest; a loop may stop, or be interrupted, at any state and keep it. A walk whose state is no
longer finite stops with a `FloatingPointError` that names the step.

States are detached, and no graph is built on the way: memory does not grow with the steps.
`probability_flow` and `multistep` keep the graph if they are asked to by ``differentiable=True``.
"""

from lessons_lib.samplers._parts import last
from lessons_lib.samplers.flow import probability_flow
from lessons_lib.samplers.gibbs import gibbs
from lessons_lib.samplers.metropolis import mala
from lessons_lib.samplers.multistep import multistep
from lessons_lib.samplers.reverse import ancestral
from lessons_lib.samplers.walks import annealed_langevin, langevin

__all__ = [
    "ancestral",
    "annealed_langevin",
    "gibbs",
    "langevin",
    "last",
    "mala",
    "multistep",
    "probability_flow",
]
