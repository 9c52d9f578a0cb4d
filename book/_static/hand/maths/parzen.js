// The Parzen estimate of samples x_t: q(x) = 1/T sum_t N(x; x_t, sigma^2), and its score. Chapter 3.
"use strict";
Hand.maths.parzen = (x, samples, sigma) => {
  let nearest = Infinity;
  for (const xt of samples) nearest = Math.min(nearest, (x - xt) ** 2);
  let mass = 0, pull = 0;  // both times exp(nearest / 2 sigma^2), so that neither is lost
  for (const xt of samples) {
    const part = Math.exp((nearest - (x - xt) ** 2) / (2 * sigma ** 2));
    mass += part;
    pull += part * (xt - x) / sigma ** 2;
  }
  const norm = Math.log(samples.length) + Math.log(2 * Math.PI * sigma ** 2) / 2;
  return {logProb: Math.log(mass) - nearest / (2 * sigma ** 2) - norm, score: pull / mass};
};
