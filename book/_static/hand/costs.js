// Parzen against truth, and three costs of a model whose mean is dragged.
"use strict";
Hand.instrument("costs", figure => {
  const {gamma, parzen, costs, chance} = Hand.maths, {number} = Hand, K = 8;
  const board = new Hand.Board(figure, "Three costs of a model to drag");
  const random = chance(2), all = Array.from({length: 300}, () => gamma.draw(K, random));
  const state = {mean: 9.5}, grid = Hand.range(-16, 40, 561), means = Hand.range(3, 13, 41);
  const clean = Hand.range(0.05, 40, 800), shown = Hand.range(-2, 20, 331);
  const truth = clean.map(x => Math.exp(gamma.logProb(x, K)) * (clean[1] - clean[0]));
  const size = Math.sqrt(truth.reduce((sum, m, i) => sum + m * gamma.score(clean[i], K) ** 2, 0));

  const density = new Hand.Plot(board, {x: [-2, 20], y: [-0.02, 0.3], ratio: 1.5, least: 190, xlabel: "x", ylabel: "density", from: 0});
  const scores = new Hand.Plot(board, {x: [-2, 20], y: [-3, 3], ratio: 1.5, least: 190, xlabel: "x", ylabel: "score"});
  const cost = new Hand.Plot(board, {x: [3, 13], y: [-0.6, 2.4], ratio: 3, least: 230, xlabel: "mean of the model", ylabel: "cost"});
  density.box.classList.add("half");
  scores.box.classList.add("half");
  const samples = board.slider({label: "samples T", min: 3, max: 300, step: 0.05, value: 30, log: true, words: v => String(Math.round(v))});
  const sigma = board.slider({label: "noise σ", min: 0.2, max: 4, step: 0.02, value: 0.8, log: true});
  const width = board.slider({label: "width of model", min: 1.5, max: 5, step: 0.1, value: 2.8, words: v => number(v, 1)});

  const score = mean => x => (mean - x) / width.value ** 2;
  const slope = () => -1 / width.value ** 2;
  const peak = () => 1 / Math.sqrt(2 * Math.PI * width.value ** 2);

  // What does not depend on the mean of the model is computed again only when it changes.
  const blurred = () => {
    const T = Math.round(samples.value), s = sigma.value, key = `${T} ${s} ${width.value}`;
    if (state.key === key) return state.blurred;
    const data = all.slice(0, T), step = grid[1] - grid[0], at = Array.from(grid, x => parzen(x, data, s));
    const mass = Float64Array.from(at, q => Math.exp(q.logProb) * step), target = at.map(q => q.score);
    const error = clean.reduce((sum, x, i) => sum + truth[i] * (parzen(x, data, s).score - gamma.score(x, K)) ** 2, 0);
    const three = mean => ({
      explicit: costs.explicit(mass, grid, score(mean), target),
      implicit: costs.implicit(mass, grid, score(mean), slope),
      denoising: costs.denoising(data, s, score(mean)),
      unknown: costs.explicit(truth, clean, score(mean), clean.map(x => gamma.score(x, K))),
    });
    const curves = Array.from(means, three), middle = data.reduce((a, b) => a + b) / T;
    const look = Array.from(shown, x => parzen(x, data, s));
    const every = curves.flatMap(Object.values), low = Math.min(...every), high = Math.max(...every);
    cost.y = [low - 0.12 * (high - low), high + 0.75 * (high - low)];  // room for the names
    state.key = key;
    state.blurred = {T, s, data, mass, target, three, curves, middle, look, error: Math.sqrt(error) / size};
    return state.blurred;
  };

  const words = () => `mean ${number(state.mean, 1)}`;
  const hold = {
    label: "Mean of the model", mark: "m", colour: "ink", axis: "x", words,
    bounds: [[3, 13], [0, 0]], step: [0.1, 0], move: x => { state.mean = x; },
  };
  density.handle({...hold, at: () => [state.mean, peak()]});
  cost.handle({...hold, label: "Mean of the model, on the costs", at: () => [state.mean, blurred().three(state.mean).explicit]});

  board.ahead = blurred;  // the window of the costs depends on them
  board.paint = () => {
    const {data, look, curves, three} = blurred(), s = score(state.mean);
    const [blue, learned, other, grey, ink] = ["truth", "learned", "other", "data", "ink"].map(Hand.colour);
    const positive = shown.filter(x => x > 0.02);
    const bell = shown.map(x => peak() * Math.exp(-((x - state.mean) ** 2) / (2 * width.value ** 2)));
    density.fill(shown, look.map(q => Math.exp(q.logProb)), {colour: learned, alpha: 0.2});
    density.curve(shown, look.map(q => Math.exp(q.logProb)), {colour: learned});
    density.curve(positive, positive.map(x => Math.exp(gamma.logProb(x, K))), {colour: blue, width: 3});
    density.curve(shown, bell, {colour: ink, dash: [6, 4]});
    for (const x of data) density.line(x, -0.018, x, -0.004, {colour: grey});
    scores.line(-2, 0, 20, 0, {colour: grey});
    scores.curve(shown, look.map(q => q.score), {colour: learned});
    scores.curve(positive, positive.map(x => gamma.score(x, K)), {colour: blue, width: 3});
    scores.curve(shown, shown.map(s), {colour: ink, dash: [6, 4]});
    for (const plot of [density, scores]) {
      plot.legend([
        ["truth", {colour: blue, width: 3}], ["samples, blurred", {colour: learned}],
        ["model", {colour: ink, dash: [6, 4]}],
      ], plot.wide > 300 ? 11 : 8.5, plot.y[1]);
    }
    const now = three(state.mean), looks = {
      denoising: {colour: other, dash: [2, 3]}, explicit: {colour: learned},
      implicit: {colour: learned, dash: [7, 4]}, unknown: {colour: blue, width: 3},
    };
    cost.line(3, 0, 13, 0, {colour: grey});
    for (const [name, look] of Object.entries(looks)) {
      cost.curve(means, curves.map(at => at[name]), look);
      cost.dots([[state.mean, now[name]]], {colour: look.colour, radius: 4.5});
    }
    const text = {denoising: "denoising", explicit: "explicit, of blurred samples", implicit: "implicit", unknown: "explicit, of the truth"};
    cost.legend(Object.entries(looks).map(([name, look]) => [text[name], look]), cost.wide > 450 ? 6.5 : 4.5, cost.y[1]);
  };

  board.words = () => {
    const {T, s, error, middle, three} = blurred(), now = three(state.mean);
    return `${T} samples with noise ${number(s)}: under the truth their score errs by ${number(100 * error, 0)} % of the true one. `
      + `At mean ${number(state.mean, 1)} the explicit cost of the blurred samples is ${number(now.explicit, 3)}. The implicit cost is `
      + `that minus ${number(now.explicit - now.implicit, 3)}, the denoising cost that plus ${number(now.denoising - now.explicit, 3)}, `
      + `whatever the mean. All three are lowest at the mean of the samples, ${number(middle)}; of the truth, at 8.`;
  };

  Object.assign(board, {state, blurred});
});
