// Half-quadratic splitting for y = x + noise, one level of it: denoise, then fit the data.
//   z = x + sigma^2 s(x, sigma),   x = (y / noise^2 + z / sigma^2) / (1 / noise^2 + 1 / sigma^2)
// Chapters 5 and 6.
"use strict";
Hand.maths.ladder = {
  // levels in equal ratios, from start to stop
  geometric: (start, stop, num) =>
    Array.from({length: num}, (_, k) => start * (stop / start) ** (k / (num - 1))),

  level(x, y, noise, sigma, score) {
    const z = Hand.maths.tweedie(x, sigma, score(x, sigma)), [a, b] = [noise ** -2, sigma ** -2];
    return z.map((zi, i) => (a * y[i] + b * zi) / (a + b));
  },
};
