// The exact score of N(m, d^2 I), plus what a network adds to it, limited to ± bound. With
// v = sqrt(sigma^2 + d^2), u = (x - m) / v and t = log(sigma / d):
//   s = -u / v + d / (sigma v) F(u, t),   F = bound tanh(net / bound).   Chapter 3.
"use strict";
Hand.maths.preconditioned = ({layers, mean: m, std: d, bound}) => {
  const n = layers.at(-1).rows;
  return (x, sigma) => {
    const v = Math.hypot(sigma, d), t = Math.log(sigma / d), count = x.length / n;
    const input = new Float32Array(count * (n + 1));  // [u, t] of each patch
    for (let patch = 0; patch < count; patch++) {
      for (let i = 0; i < n; i++) input[patch * (n + 1) + i] = (x[patch * n + i] - m) / v;
      input[patch * (n + 1) + n] = t;
    }
    const net = Hand.maths.network.forward(layers, input);
    return Float64Array.from(net, (output, i) => {
      const u = (x[i] - m) / v, F = bound * Math.tanh(output / bound);
      return -u / v + d / (sigma * v) * F;
    });
  };
};
