"""One training loop, written as a generator of records.

`train` yields a `Record` after every step; the caller logs, draws, or stops. It does nothing
else behind the caller's back: the objective is a function of the model and a generator, and every
random number of the run comes from that generator. An interrupted run that finds its checkpoint
continues with the same numbers, bit for bit, as one that was never interrupted.
"""

from lessons_lib.training.checkpoint import progress_of
from lessons_lib.training.loop import Record, train
from lessons_lib.training.pace import SCHEDULES
from lessons_lib.training.run import Objective

__all__ = ["SCHEDULES", "Objective", "Record", "progress_of", "train"]
