"""What the book asserts, and what a student answers: both are judged against an exact answer.

A lesson states nothing that it does not check: `claim` compares a measured value with the exact
one, prints a line for the reader, and raises if they disagree.

A lab asks, and its checks answer. Each lab has a module here, named after its chapter, that holds
an `Exercise` for each task; the notebook imports it as ``checks``::

    from lessons_lib.course.checks import gaussian_score as checks

    checks.score_of_a_lognormal(my_score)

An exercise draws random cases, asks the student's function for its results, and compares them with
an oracle. A wrong result is compared with what the typical mistakes would give, so that the hint
can name the mistake. Nothing that a student hands in can make a check crash.
"""

from __future__ import annotations

from lessons_lib.course.checks.answers import NotAttempted, StudentError, ask
from lessons_lib.course.checks.claims import Claim, claim, listeners
from lessons_lib.course.checks.exercise import Exercise, Verdict, enrol, enrolled, exercises
from lessons_lib.course.checks.judges import Mistake, choice, function, value

__all__ = [
    "Claim",
    "Exercise",
    "Mistake",
    "NotAttempted",
    "StudentError",
    "Verdict",
    "ask",
    "choice",
    "claim",
    "enrol",
    "enrolled",
    "exercises",
    "function",
    "listeners",
    "value",
]
