"""Linear operators with exact adjoints, and the test that a student can run on their own.

An operator is called, ``A(x)``, and knows its adjoint, ``A.adjoint(y)``. The algorithms of the
library ask for nothing else, so any object with these two will do. An operator that makes complex
data from real images has the adjoint for the real inner product ``Re <A x, y>``.
"""

from lessons_lib.operators.blur import Blur, gaussian_kernel
from lessons_lib.operators.fourier import MaskedFourier, even_lines, random_lines
from lessons_lib.operators.linear import Applies, Identity, LinearOperator
from lessons_lib.operators.parallel_beam import ParallelBeam
from lessons_lib.operators.probing import dot_test, measure, squared_norm

__all__ = [
    "Applies",
    "Blur",
    "Identity",
    "LinearOperator",
    "MaskedFourier",
    "ParallelBeam",
    "dot_test",
    "even_lines",
    "gaussian_kernel",
    "measure",
    "random_lines",
    "squared_norm",
]
