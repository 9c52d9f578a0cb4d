"""The six objectives of score matching, for any differentiable ``score(x, sigma)``.

=====================  ============================================================  ===========
objective              what is averaged over the batch                               minus `explicit`
=====================  ============================================================  ===========
`explicit`             ``1/2 ||s - s_data||^2``                                      0
`implicit`             ``tr grad s + 1/2 ||s||^2``                                   ``-1/2 E||s_data||^2``
`sliced`               ``v' (grad s) v + 1/2 ||s||^2`` with random ``v``             the same, in expectation
`regularized`          `implicit` ``+ weight * sum_i (d_i s_i)^2``                   depends on the model
`denoising`            ``1/2 ||s(x + sigma * noise, sigma) + noise / sigma||^2``     ``n / (2 sigma^2) - 1/2 E||s_data||^2``
`noise_conditional`    ``sigma^2 *`` `denoising`, averaged over ``sigmas``           one constant for each sigma
=====================  ============================================================  ===========

The last column holds in expectation; for `denoising`, ``s_data`` is the score of the data smoothed
by N(0, sigma^2 I). Each objective carries its 1/2, sums over the coordinates of an event and
averages over all batch dimensions. An event is the last dimension of ``x`` (a point or a patch), or
with ``event_dims=2`` the last two (an image). Every member of the batch must be scored on its own:
a layer that mixes members (batch normalisation) would put foreign terms into the traces.

All take the model ``score(x, sigma)`` and samples ``x`` of shape ``(*, n)``: of the density smoothed
by ``sigma``, but for the last two, which smooth clean samples themselves. All return a scalar.
Gradients reach the parameters inside ``score``, never ``x``: it is detached first, so the caller's
tensor stays as it was. Under `torch.no_grad` the values are the same and no graph is kept.
"""  # noqa: E501

from lessons_lib.losses.exact import explicit, implicit, regularized, sliced
from lessons_lib.losses.noisy import denoising, noise_conditional

__all__ = ["denoising", "explicit", "implicit", "noise_conditional", "regularized", "sliced"]
