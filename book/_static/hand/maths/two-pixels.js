// Two pixels under total variation, given a noisy pair: only their difference u is in question.
//   p(u | delta) ~ exp(-beta |u| - (u - delta)^2 / (2 tau^2)),   tau^2 = 2 sigma^2.   Chapter 4.
"use strict";
Hand.maths.twoPixels = {
  // on nodes u of a grid: weights that add up to one
  posterior(u, delta, beta, tau) {
    const log = u.map(ui => -beta * Math.abs(ui) - (ui - delta) ** 2 / (2 * tau ** 2));
    const top = log.reduce((a, b) => Math.max(a, b)), p = log.map(l => Math.exp(l - top));
    const all = p.reduce((a, b) => a + b);
    return p.map(pi => pi / all);
  },

  // MAP: the soft threshold
  peak: (delta, beta, tau) => Math.sign(delta) * Math.max(Math.abs(delta) - beta * tau ** 2, 0),

  // MMSE: sum_i p_i u_i
  mean: (u, p) => p.reduce((sum, pi, i) => sum + pi * u[i], 0),

  // the node below which a share q of the weights lies, between nodes on a straight line
  quantile(u, cumulative, q) {
    let low = 0, high = u.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (cumulative[middle] < q) low = middle;
      else high = middle;
    }
    const part = (q - cumulative[low]) / (cumulative[high] - cumulative[low] || 1);
    return u[low] + Hand.clamp(part, [0, 1]) * (u[high] - u[low]);
  },

  // half of the weight of a node lies below it
  cumulative(p) {
    let sum = 0;
    return p.map(pi => { sum += pi; return sum - pi / 2; });
  },

  // the pair of which these are the difference and the sum
  pair: (difference, sum) => [(sum - difference) / 2, (sum + difference) / 2],
};
