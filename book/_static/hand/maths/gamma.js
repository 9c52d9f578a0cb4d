// The Gamma density with shape k and scale 1: p(x) = x^(k-1) e^-x / (k-1)!, k a whole number.
"use strict";
Hand.maths.gamma = {
  logProb(x, k) {
    let log = (k - 1) * Math.log(x) - x;
    for (let i = 2; i < k; i++) log -= Math.log(i);
    return x > 0 ? log : -Infinity;
  },

  score: (x, k) => (k - 1) / x - 1,

  // a sum of k exponential numbers
  draw(k, random) {
    let sum = 0;
    for (let i = 0; i < k; i++) sum -= Math.log(1 - random.uniform());
    return sum;
  },
};
