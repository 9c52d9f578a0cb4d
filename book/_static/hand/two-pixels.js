// Two pixels under total variation: the measured pair is dragged; MAP, mean and draws follow.
"use strict";
Hand.instrument("two-pixels", figure => {
  const {twoPixels: maths, chance} = Hand.maths, {number} = Hand;
  const board = new Hand.Board(figure, "Two pixels to drag");
  const state = {y: [-0.25, 0.05]}, u = Hand.range(-5, 5, 8001), DRAWS = 300;
  const random = chance(3);
  const lots = Array.from({length: DRAWS}, (_, i) => [(i + random.uniform()) / DRAWS, random.normal()]);

  const plane = new Hand.Plot(board, {x: [-1, 1], y: [-1, 1], ratio: 1, xlabel: "x₁", ylabel: "x₂"});
  const cut = new Hand.Plot(board, {x: [-1, 1], y: [0, 1.1], ratio: 1, xlabel: "difference u = x₂ − x₁", ylabel: "p(u | δ), top at 1", from: 0});
  plane.box.classList.add("half");
  cut.box.classList.add("half");
  const beta = board.slider({label: "weight β", min: 0, max: 20, step: 0.5, value: 5, words: v => number(v, 1)});
  const sigma = board.slider({label: "noise σ", min: 0.02, max: 0.4, step: 0.01, value: 0.14});
  plane.handle({
    label: "Measured pair", mark: "y", colour: "data", step: [0.02, 0.02], bounds: [[-0.95, 0.95], [-0.95, 0.95]],
    at: () => state.y, words: () => state.y.map(v => number(v)).join(", "),
    move: (x, y) => { state.y = [x, y]; },
  });

  const solve = () => {
    const [y1, y2] = state.y, delta = y2 - y1, tau = Math.SQRT2 * sigma.value;
    const p = maths.posterior(u, delta, beta.value, tau), cumulative = maths.cumulative(p);
    return {
      delta, tau, p, cumulative, sum: y1 + y2, threshold: beta.value * tau ** 2,
      peak: maths.peak(delta, beta.value, tau), mean: maths.mean(u, p),
    };
  };

  board.ahead = () => {  // the window of the posterior follows the measurement
    const half = Math.max(1, Math.ceil(2 * (Math.abs(state.y[1] - state.y[0]) + 0.3)) / 2);
    cut.x = [-half, half];
  };
  board.paint = () => {
    const {delta, tau, p, cumulative, sum, threshold, peak, mean} = solve(), s = sigma.value, num = 80;
    const [truth, failure, data, learned] = ["truth", "failure", "data", "learned"].map(Hand.colour);
    const side = Hand.range(-1 + 1 / num, 1 - 1 / num, num), values = new Float64Array(num * num);
    side.forEach((x2, j) => side.forEach((x1, i) => {
      const far = (x1 - state.y[0]) ** 2 + (x2 - state.y[1]) ** 2;
      values[j * num + i] = -beta.value * Math.abs(x2 - x1) - far / (2 * s ** 2);
    }));
    const top = Math.max(...values);
    plane.shade(values.map(value => 0.6 * Math.exp(value - top)), [num, num], truth);
    plane.line(-1, -1, 1, 1, {colour: data});
    for (const sign of [-1, 1])  // between these lines MAP makes the pixels equal
      plane.line(-1, -1 + sign * threshold, 1, 1 + sign * threshold, {colour: failure, dash: [4, 4]});
    plane.dots(lots.map(([q, z]) =>
      maths.pair(maths.quantile(u, cumulative, q), sum + Math.SQRT2 * s * z)), {colour: learned, radius: 1.7, alpha: 0.75});
    plane.arrow(...state.y, ...maths.pair(mean, sum), {colour: truth, width: 2.5, head: 9});
    plane.dots([maths.pair(mean, sum)], {colour: truth, radius: 6});
    plane.dots([maths.pair(peak, sum)], {colour: failure, radius: 5});

    const highest = p.reduce((a, b) => Math.max(a, b)), curve = p.map(pi => pi / highest);
    const [low, high] = [0.1, 0.9].map(q => maths.quantile(u, cumulative, q));
    const inside = u.filter(ui => ui >= low && ui <= high);
    cut.fill(inside, curve.filter((_, i) => u[i] >= low && u[i] <= high), {colour: truth, alpha: 0.2});
    cut.curve(u, curve, {colour: Hand.colour("ink")});
    cut.line(delta, 0, delta, 1.1, {colour: data, width: 1.5, dash: [2, 3]});
    cut.line(peak, 0, peak, 1.1, {colour: failure, width: 2, dash: [6, 4]});
    cut.line(mean, 0, mean, 1.1, {colour: truth, width: 2});
    cut.legend([
      ["δ, as measured", {colour: data, width: 1.5, dash: [2, 3]}], ["mean", {colour: truth}],
      ["MAP", {colour: failure, dash: [6, 4]}],
    ], mean + peak > 0 ? 0.97 * cut.x[0] : 0.3 * cut.x[1], 1.08);
  };

  board.words = () => {
    const {delta, cumulative, threshold, peak, mean} = solve();
    const [low, high] = [0.1, 0.9].map(q => number(maths.quantile(u, cumulative, q)));
    const map = peak === 0 ? "MAP makes them equal" : `MAP leaves ${number(peak)}`;
    return `The measured pixels differ by ${number(delta)}; the threshold βτ² is ${number(threshold)}. `
      + `${map}, the mean leaves ${number(mean)}, and 80 % of the draws have differences between ${low} and ${high}.`;
  };

  Object.assign(board, {state, solve});
});
