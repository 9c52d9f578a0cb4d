// One step of two kinds. Chapter 1: Tweedie's formula, and Langevin dynamics.
"use strict";
// the posterior mean: x + sigma^2 s
Hand.maths.tweedie = (x, sigma, s) => x.map((xi, i) => xi + sigma ** 2 * s[i]);

// x + a s + sqrt(2 a T) z
Hand.maths.langevin = (x, s, step, temperature, z) =>
  x.map((xi, i) => xi + step * s[i] + Math.sqrt(2 * step * temperature) * z[i]);
