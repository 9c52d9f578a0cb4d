// A mixture of normals of one width d, smoothed by noise: p_sigma = sum_k w_k N(m_k, v I) with
// v = d^2 + sigma^2. Points and means are arrays of n numbers. Chapter 1, rules 3 and 4.
"use strict";
Hand.maths.mixture = {
  // log w_k + log N(x; m_k, v I), one number for each hill
  logJoint(x, sigma, {weights, means, width}) {
    const v = width ** 2 + sigma ** 2, n = x.length;
    return means.map((mean, k) => {
      const far = mean.reduce((sum, m, i) => sum + (x[i] - m) ** 2, 0);
      return Math.log(weights[k]) - far / (2 * v) - n / 2 * Math.log(2 * Math.PI * v);
    });
  },

  logProb(x, sigma, mixture) {
    const joint = this.logJoint(x, sigma, mixture), top = Math.max(...joint);
    return top + Math.log(joint.reduce((sum, j) => sum + Math.exp(j - top), 0));
  },

  // r_k = w_k p_k / p
  responsibilities(x, sigma, mixture) {
    const joint = this.logJoint(x, sigma, mixture), top = Math.max(...joint);
    const parts = joint.map(j => Math.exp(j - top)), all = parts.reduce((a, b) => a + b);
    return parts.map(part => part / all);
  },

  // s = sum_k r_k (m_k - x) / v
  score(x, sigma, mixture) {
    const v = mixture.width ** 2 + sigma ** 2, r = this.responsibilities(x, sigma, mixture);
    return x.map((xi, i) => mixture.means.reduce((sum, m, k) => sum + r[k] * (m[i] - xi) / v, 0));
  },

  // Places where ascent from the centres ends: x + v s is the mean of the centres that pull.
  tops(sigma, mixture, steps = 400) {
    const v = mixture.width ** 2 + sigma ** 2, found = [];
    for (let x of mixture.means) {
      for (let t = 0; t < steps; t++) {
        const s = this.score(x, sigma, mixture);
        x = x.map((xi, i) => xi + v * s[i]);
      }
      if (!found.some(y => Math.hypot(...y.map((yi, i) => yi - x[i])) < 0.02)) found.push(x);
    }
    return found;
  },
};
