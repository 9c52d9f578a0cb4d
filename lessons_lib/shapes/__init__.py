"""What every module shares: conventions, the `Score` type, and the checks at a public door.

====================  =====================  ======================================================
name                  shape                  meaning
====================  =====================  ======================================================
``x`` (a point)       ``(*, n)``             any number of batch dimensions, then ``n`` coordinates
``x`` (an image)      ``(*, H, W)``          any number of batch dimensions, then rows and columns
``v`` (patches)       ``(*, L, n)``          ``L`` patches of ``n`` pixels for each image
``y``                 ``(*, out_shape)``     a measurement ``A x + noise_std * noise``
``sigma``             ``()`` or ``(*)``      noise level in the units of ``x``: one, or one for each
                                             member of the batch
``score``             ``(*, n)`` like ``x``  a callable, ``score(x, sigma)``: the gradient in ``x``
                                             of ``log p_sigma(x)``
``prior_score``       ``(*, H, W)``          a score of images
``patch_score``       ``(*, L, n)``          a score of patches
``noise_std``                                standard deviation of the noise in ``y``, in its units;
                                             where ``y`` is complex, of either part
``likelihood``                               a `GaussianLikelihood`: operator, data and noise
``image_shape``       two numbers            height and width ``(H, W)`` of images in pixels
``patches``                                  a `Patches`: which patches, of which images
``chunk``             a number               patches in memory at one time
``event_dims``        1 or 2                 points and patches, or images
``generator``                                source of randomness; where there is a default, it is a
                                             fresh one with seed 0
``dtype``                                    floating-point type of the result
``progress``                                 show a tqdm bar on stderr
``differentiable``                           keep the graph of all steps, so that gradients reach
                                             ``x`` and what the score is made of; memory then grows
                                             with every step
====================  =====================  ======================================================

Docstrings mention these only where there is more to say. The *event* is what one density value or
one score vector belongs to: the last dimension of a point, the last two of an image. ``sigma``
never has event dimensions; `expand_sigma` adds them.

**Errors.** Wrong arguments are refused when a function is called, by a `ValueError` or `TypeError`
that names the argument, what came and what is wanted: tensors are finite, of floating-point type
and of the shape that is documented; numbers are positive, or as documented; shapes broadcast.
Docstrings have a section *Raises* only for what goes beyond that. Checks stand at public doors;
the lines behind them trust. A score from outside is wrapped there, by `checked`.

Numbers come in through one door, whatever made them: Python, NumPy, or a tensor with one entry.
`check_number`, `check_count` and `as_sigma` return what the lines behind them then use.
Half precision is refused by name: most of this mathematics needs more than three digits.
"""

from lessons_lib.shapes.levels import Sigma, as_sigma, check_sigma, expand_sigma
from lessons_lib.shapes.noise import unit_normal
from lessons_lib.shapes.numbers import check_count, check_number, check_share, check_sides
from lessons_lib.shapes.pixels import inverse_turn, mirrored, turned
from lessons_lib.shapes.scores import Score, check_score_output, checked, unrolled
from lessons_lib.shapes.tensors import broadcasts, check_tensor, finite
from lessons_lib.shapes.transforms import fft2, ifft2

__all__ = [
    "Score",
    "Sigma",
    "as_sigma",
    "broadcasts",
    "check_count",
    "check_number",
    "check_score_output",
    "check_share",
    "check_sides",
    "check_sigma",
    "check_tensor",
    "checked",
    "expand_sigma",
    "fft2",
    "finite",
    "ifft2",
    "inverse_turn",
    "mirrored",
    "turned",
    "unit_normal",
    "unrolled",
]
