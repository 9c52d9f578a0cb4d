// A mixture under the hand: hills are dragged; density, score, Tweedie's step and walkers follow.
"use strict";
Hand.instrument("mixture", figure => {
  const {mixture: maths, tweedie, langevin, chance} = Hand.maths, {number} = Hand;
  const board = new Hand.Board(figure, "A mixture to drag");
  const letters = "ABC", WALKERS = {line: 800, plane: 400};
  const spaces = {
    line: {weights: [0.2, 0.8], means: [[-1.5], [1.5]], width: 0.5, x: [0.4]},
    plane: {weights: [0.35, 0.3, 0.35], means: [[-1.6, -0.9], [1.5, -0.6], [0.1, 1.5]], width: 0.6, x: [2.9, 1.5]},
  };
  const state = {space: "line", hill: 0, walkers: [], steps: 0, random: chance(1)};
  const now = () => spaces[state.space];
  const peak = () => 1 / Math.sqrt(2 * Math.PI * (now().width ** 2 + sigma.value ** 2));

  const weigh = (k, weight) => {
    const mixture = now(), next = Hand.clamp(weight, [0.02, 0.96]);
    const rest = (1 - next) / (1 - mixture.weights[k]);
    mixture.weights = mixture.weights.map((w, j) => (j === k ? next : w * rest));
  };
  const restart = () => {
    state.steps = 0;
    state.random = chance(1);
    state.walkers = Array.from({length: WALKERS[state.space]}, () => [...now().x]);
  };
  const step = () => {
    const mixture = now(), [a, T] = [stride.value, temperature.value];
    state.walkers = state.walkers.map(x => {
      const z = x.map(() => state.random.normal());
      return langevin(x, maths.score(x, sigma.value, mixture), a, T, z);
    });
    state.steps += 1;
  };

  // what stands on the page
  const hills = new Hand.Plot(board, {x: [-5, 5], y: [-0.22, 0.85], ratio: 2.5, least: 230, ylabel: "density", from: 0});
  const slope = new Hand.Plot(board, {x: [-5, 5], y: [-6, 6], ratio: 4, least: 160, xlabel: "x", ylabel: "score"});
  const plane = new Hand.Plot(board, {x: [-4.5, 4.5], y: [-3, 3], ratio: 1.5, xlabel: "x₁", ylabel: "x₂"});
  board.choice({
    label: "Dimensions", options: {line: "on a line", plane: "in the plane"}, value: "line",
    chosen: space => { state.space = space; state.hill = 0; show(); },
  });
  const sigma = board.slider({label: "noise σ", min: 0, max: 3, step: 0.05, value: 0.5});
  const width = board.slider({label: "width of hills d", min: 0.4, max: 1.2, step: 0.05, value: 0.5});
  const weight = board.slider({label: "weight of A", min: 0.02, max: 0.96, step: 0.01, value: 0.2});
  const stride = board.slider({label: "step α", min: 0.01, max: 1, step: 0.02, value: 0.05, log: true, words: v => number(v, 3)});
  const temperature = board.slider({label: "temperature T", min: 0, max: 3, step: 0.1, value: 1, words: v => number(v, 1)});
  board.buttons(board.runner("Walk", step), board.button("Start again at x", restart));
  width.moved = value => { now().width = value; };
  weight.moved = value => weigh(state.hill, value);

  const hold = k => ({
    label: `Hill ${letters[k]}`, mark: letters[k], colour: "truth",
    words: () => {
      const {weights, means} = now();
      return `at ${means[k].map(m => number(m)).join(", ")}, weight ${number(weights[k])}`;
    },
  });
  const onLine = [0, 1].map(k => hills.handle({
    ...hold(k), step: [0.1, 0.02], bounds: [[-4.8, 4.8], [0, 0.83]],
    at: () => [spaces.line.means[k][0], spaces.line.weights[k] * peak()],
    move: (x, y) => {
      spaces.line.means[k] = [x];
      state.hill = k;
      if (Math.abs(y - spaces.line.weights[k] * peak()) > 1e-9) weigh(k, y / peak());
    },
  }));
  const inPlane = [0, 1, 2].map(k => plane.handle({
    ...hold(k), step: [0.1, 0.1],
    at: () => spaces.plane.means[k],
    move: (x, y) => { spaces.plane.means[k] = [x, y]; state.hill = k; },
  }));
  const point = {label: "Noisy point", mark: "x", colour: "learned", step: [0.1, 0.1]};
  onLine.push(hills.handle({
    ...point, axis: "x", bounds: [[-4.8, 4.8], [0, 0]],
    at: () => [spaces.line.x[0], -0.16], words: () => `x = ${number(spaces.line.x[0])}`,
    move: x => { spaces.line.x = [x]; },
  }));
  inPlane.push(plane.handle({
    ...point, at: () => spaces.plane.x, words: () => spaces.plane.x.map(v => number(v)).join(", "),
    move: (x, y) => { spaces.plane.x = [x, y]; },
  }));
  [...onLine, ...inPlane].forEach((one, i) => one.box.addEventListener("focus", () => {
    const k = i < 3 ? i : i - 3;
    if (k < now().means.length && k !== state.hill) { state.hill = k; board.refresh(); }
  }));

  const show = () => {
    for (const [plot, space] of [[hills, "line"], [slope, "line"], [plane, "plane"]])
      plot.box.hidden = space !== state.space;
    width.value = now().width;
    restart();
  };

  const drawLine = mixture => {
    const xs = Hand.range(-5, 5, 401), s = sigma.value, places = Array.from(xs, x => [x]);
    const density = places.map(x => Math.exp(maths.logProb(x, s, mixture)));
    const score = places.map(x => maths.score(x, s, mixture)[0]);
    const [truth, learned, ink] = ["truth", "learned", "ink"].map(Hand.colour);
    if (state.steps) bars(mixture);
    hills.fill(xs, density, {colour: truth, alpha: 0.16});
    hills.curve(xs, density, {colour: truth});
    hills.line(-5, 0, 5, 0, {colour: Hand.colour("data")});
    const gap = hills.wide < 500 ? 1 : 0.5;
    for (let x = -4.5; x <= 4.5; x += gap) {
      const force = maths.score([x], s, mixture)[0];
      hills.arrow(x, -0.06, x + 0.84 * gap * Math.tanh(force / 2), -0.06, {colour: ink});
    }
    const [x] = mixture.x, [to] = tweedie(mixture.x, s, maths.score(mixture.x, s, mixture));
    hills.arrow(x, -0.16, to, -0.16, {colour: learned, width: 2.5, head: 9});
    slope.line(-5, 0, 5, 0, {colour: Hand.colour("data")});
    slope.curve(xs, score, {colour: learned});
    slope.dots([[x, maths.score([x], s, mixture)[0]]], {colour: learned, radius: 5});
  };

  // The walkers as a histogram: what share of them is in each fifth of a unit, over its length.
  const bars = () => {
    const count = new Float64Array(50);
    for (const [x] of state.walkers) if (x > -5 && x < 5) count[Math.floor((x + 5) * 5)] += 1;
    const edges = [], heights = [];
    count.forEach((n, i) => {
      edges.push(-5 + i / 5, -5 + (i + 1) / 5);
      heights.push(n * 5 / state.walkers.length, n * 5 / state.walkers.length);
    });
    hills.fill(edges, heights, {colour: Hand.colour("learned"), alpha: 0.28});
    hills.curve(edges, heights, {colour: Hand.colour("learned"), width: 1});
  };

  const drawPlane = mixture => {
    const [columns, rows] = [90, 60], s = sigma.value, values = new Float64Array(columns * rows);
    const xs = Hand.range(-4.45, 4.45, columns), ys = Hand.range(-2.95, 2.95, rows);
    const [learned, ink] = ["learned", "ink"].map(Hand.colour);
    ys.forEach((y, j) => xs.forEach((x, i) => { values[j * columns + i] = Math.exp(maths.logProb([x, y], s, mixture)); }));
    const top = Math.max(...values);
    plane.shade(values.map(value => 0.75 * value / top), [columns, rows], Hand.colour("truth"));
    for (let x = -4.25; x < 4.5; x += 0.5) {
      for (let y = -2.75; y < 3; y += 0.5) {
        const force = maths.score([x, y], s, mixture), size = Math.hypot(...force) || 1;
        const length = 0.42 * Math.tanh(size / 2) / size;
        plane.arrow(x, y, x + length * force[0], y + length * force[1], {colour: ink, width: 1, head: 4});
      }
    }
    if (state.steps) plane.dots(state.walkers, {colour: learned, radius: 2.2, alpha: 0.75});
    const to = tweedie(mixture.x, s, maths.score(mixture.x, s, mixture));
    plane.arrow(...mixture.x, ...to, {colour: learned, width: 2.5, head: 9});
  };

  board.paint = () => {
    const mixture = now();
    weight.label = `weight of ${letters[state.hill]}`;
    weight.value = mixture.weights[state.hill];
    if (state.space === "line") drawLine(mixture);
    else drawPlane(mixture);
  };

  board.words = () => {
    const mixture = now(), s = sigma.value, tops = maths.tops(s, mixture).length;
    const say = point => (point.length > 1 ? `(${point.map(v => number(v)).join(", ")})` : number(point[0]));
    const times = steps => `${steps} ${steps === 1 ? "step" : "steps"}`;
    const score = maths.score(mixture.x, s, mixture), to = tweedie(mixture.x, s, score);
    const parts = [
      `With noise ${number(s)} the density has ${tops} ${tops === 1 ? "top" : "tops"}.`,
      `At x = ${say(mixture.x)} the score is ${say(score)}, and Tweedie's step leads to ${say(to)}.`,
    ];
    if (state.steps) {
      const near = letters.slice(0, mixture.means.length).split("").map((letter, k) => {
        const here = state.walkers.filter(x => {
          const far = mixture.means.map(m => Math.hypot(...m.map((v, i) => v - x[i])));
          return far.indexOf(Math.min(...far)) === k;
        }).length;
        return `${Math.round(100 * here / state.walkers.length)} % nearest to ${letter} (weight ${number(mixture.weights[k])})`;
      });
      parts.push(state.walkers.every(x => x.every(v => Math.abs(v) < 1e3))
        ? `After ${times(state.steps)} ${near.join(", ")}.`
        : `After ${times(state.steps)} walkers have run away: the step is too long.`);
    }
    return parts.join(" ");
  };

  Object.assign(board, {state, spaces});
  show();
});
