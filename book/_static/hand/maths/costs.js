// Three costs of a model s of the score of a density q, which is given by its mass on nodes x of a
// grid; the third asks for samples instead. Chapter 2.
"use strict";
Hand.maths.costs = {
  // E_q 1/2 (s - q's score)^2
  explicit: (mass, x, s, target) =>
    mass.reduce((sum, m, i) => sum + m * (s(x[i]) - target[i]) ** 2 / 2, 0),

  // E_q [ s' + 1/2 s^2 ]
  implicit: (mass, x, s, slope) =>
    mass.reduce((sum, m, i) => sum + m * (slope(x[i]) + s(x[i]) ** 2 / 2), 0),

  // E 1/2 (s(x_t + sigma z) + z / sigma)^2: a mean over samples, a sum over nodes z of the normal
  denoising(samples, sigma, s) {
    let sum = 0, all = 0;
    for (let z = -8; z < 8.05; z += 0.25) {
      const mass = Math.exp(-z * z / 2);
      all += mass;
      for (const xt of samples) sum += mass * (s(xt + sigma * z) + z / sigma) ** 2 / 2;
    }
    return sum / all / samples.length;
  },
};
