"""Shape conventions, the `Score` type, and the checks that every module shares.

=================  ==============  ====================================================
symbol             shape           meaning
=================  ==============  ====================================================
``x`` (a point)    ``(*, n)``      any number of batch dimensions, then ``n`` coordinates
``x`` (an image)   ``(*, H, W)``   any number of batch dimensions, then rows and columns
``v`` (patches)    ``(*, L, n)``   ``L`` patches of ``n`` pixels for each image
``sigma``          ``()`` or ``(*)``  one noise level, or one for each member of the batch
=================  ==============  ====================================================

The *event* is what one density value or one score vector belongs to: the last dimension of a
point, the last two of an image. ``sigma`` never has event dimensions; `expand_sigma` adds them.

Numbers come in through one door, whatever made them: Python, NumPy, or a tensor with one entry.
`check_number`, `check_count` and `as_sigma` return what the lines behind them then use.
Half precision is refused by name: most of this mathematics needs more than three digits.
"""

from lessons_lib.shapes.levels import Sigma, as_sigma, check_sigma, expand_sigma
from lessons_lib.shapes.numbers import check_count, check_number, check_sides
from lessons_lib.shapes.scores import Score, check_score_output, checked, unrolled
from lessons_lib.shapes.tensors import check_tensor
from lessons_lib.shapes.transforms import fft2, ifft2

__all__ = [
    "Score",
    "Sigma",
    "as_sigma",
    "check_count",
    "check_number",
    "check_score_output",
    "check_sides",
    "check_sigma",
    "check_tensor",
    "checked",
    "expand_sigma",
    "fft2",
    "ifft2",
    "unrolled",
]
