// A trained patch score under the hand: draw, add noise, denoise, break it, walk in it.
"use strict";
Hand.instrument("patch-score", figure => {
  const {network, preconditioned, patches, ladder, tweedie, langevin, chance} = Hand.maths, {number} = Hand;
  const SIDE = 32, SIZE = SIDE * SIDE, LEVELS = 7, STEPS = 240;
  const shipped = Hand.weights.disks_3x3;
  const score = patches.averaged(preconditioned({...shipped, layers: network.read(shipped)}), [SIDE, SIDE], 3);
  const board = new Hand.Board(figure, "A trained patch score to draw for");
  const state = {clean: new Float64Array(SIZE), z: null, shown: null, did: "", seed: 1, brush: [16, 16], job: null};

  // Two disks on black, each pixel shared in 16 parts, as in the pictures of the training.
  const disks = () => {
    state.clean.fill(0);
    for (const [row, column, radius, bright] of [[12, 11, 7, 0.9], [21.5, 22.5, 6, 0.45]])
      for (let i = 0; i < SIZE; i++)
        for (let part = 0; part < 16; part++) {
          const dy = Math.floor(i / SIDE) + (Math.floor(part / 4) + 0.5) / 4 - row;
          const dx = i % SIDE + (part % 4 + 0.5) / 4 - column;
          if (Math.hypot(dx, dy) < radius) state.clean[i] = Math.min(state.clean[i] + bright / 16, 1);
        }
  };
  const noise = () => {
    const random = chance(state.seed);
    state.z = Float64Array.from({length: SIZE}, random.normal);
  };

  // The picture, its noise and the level that the network is told: all times the contrast.
  const truth = () => state.clean.map(v => contrast.value * v);
  const level = () => contrast.value * sigma.value;
  const noisy = () => truth().map((v, i) => v + level() * state.z[i]);
  const quality = x => {
    const error = x.reduce((sum, v, i) => sum + (v - contrast.value * state.clean[i]) ** 2, 0) / SIZE;
    return 10 * Math.log10(contrast.value ** 2 / error);
  };
  const timed = (x, s) => {
    const start = performance.now(), made = score(x, s);
    state.milliseconds = performance.now() - start;
    return made;
  };
  const once = () => Object.assign(state, {shown: null, did: "step", job: null});  // made when drawn
  const result = () => {
    const y = noisy();
    return state.shown ??= tweedie(y, level(), timed(y, level()));
  };

  // Each job is a list of what is still to do; a frame of the page does one thing of it.
  const descend = () => {
    const y = noisy(), noise = level();
    const levels = ladder.geometric(noise, noise / 8, LEVELS);
    let x = y;
    return levels.map((s, k) => () => {
      state.shown = x = ladder.level(x, y, noise, s, timed);
      state.did = k === LEVELS - 1 ? "ladder" : `level ${k + 1} of ${LEVELS}`;
    });
  };
  const wander = () => {
    const random = chance(state.seed + 7), levels = ladder.geometric(0.5, 0.01, STEPS);
    const normal = () => Float64Array.from({length: SIZE}, random.normal);
    let x = normal().map(z => 0.13 + 0.57 * z);
    return levels.map((s, k) => () => {
      x = langevin(x, timed(x, s), 0.3 * s ** 2, 1, normal());
      state.shown = k === STEPS - 1 ? tweedie(x, s, timed(x, s)) : x;
      state.did = k === STEPS - 1 ? "walk" : `step ${k + 1} of ${STEPS}, noise ${number(s)}`;
    });
  };
  const work = make => {
    const plan = {make, todo: null};
    return () => {
      if (state.job !== plan) { state.job = plan; plan.todo = make(); }
      plan.todo.shift()();
      if (!plan.todo.length) state.job = null;
      return plan.todo.length > 0;
    };
  };

  // what stands on the page
  const sheet = {x: [0, SIDE], y: [SIDE, 0], ratio: 1, ticks: false};
  const drawing = new Hand.Plot(board, sheet), bad = new Hand.Plot(board, sheet), good = new Hand.Plot(board, sheet);
  const names = [[drawing, "draw here"], [bad, "with noise"], [good, ""]].map(([plot, text]) => {
    const name = Hand.element("p", {class: "name"}, text);
    const column = Hand.element("div", {class: "panel"}, name);
    plot.box.before(column);
    column.append(plot.box);
    return name;
  });
  const bright = board.slider({label: "brush", min: 0, max: 1, step: 0.05, value: 0.7});
  const sigma = board.slider({label: "noise σ", min: 0.02, max: 0.4, step: 0.01, value: 0.15});
  const contrast = board.slider({
    label: "contrast", min: 0.1, max: 10, step: 0.1, value: 1, log: true, words: v => `× ${number(v)}`,
  });
  const show = change => () => { board.rest(); change(); once(); };
  const steps = board.button("One step of Tweedie", show(() => {}));
  const down = board.runner("Down the ladder", work(descend));
  const walk = board.runner("Walk from noise", work(wander));
  board.buttons(steps, down, walk);
  board.buttons(
    board.button("Clear", show(() => state.clean.fill(0))),
    board.button("Two disks", show(disks)),
    board.button("New noise", show(() => { state.seed += 1; noise(); })),
  );
  for (const slider of [sigma, contrast]) slider.moved = show(() => {});

  // The brush: a soft round spot. A finger or a mouse paints where it goes; from the keyboard the
  // arrows move it and the space bar sets it down.
  const paint = ([x, y]) => {
    for (let i = 0; i < SIZE; i++) {
      const far = Math.hypot(i % SIDE + 0.5 - x, Math.floor(i / SIDE) + 0.5 - y);
      const cover = Hand.clamp(2.6 - far, [0, 1]);
      state.clean[i] += cover * (bright.value - state.clean[i]);
    }
  };
  const brush = drawing.handle({
    label: "Brush", colour: "learned", step: [1, 1], at: () => state.brush,
    words: () => {
      const [x, y] = state.brush.map(v => Math.min(Math.floor(v), SIDE - 1));
      return `column ${x + 1}, row ${y + 1}, brightness there ${number(state.clean[y * SIDE + x])}; space paints`;
    },
    bounds: [[0, SIDE], [0, SIDE]], move: (x, y) => { state.brush = [x, y]; },
  });
  brush.box.classList.add("brush");
  brush.box.addEventListener("keydown", event => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    show(() => paint(state.brush))();
    board.changed();
  });
  let painting = false;
  const stroke = event => {
    const area = drawing.canvas.getBoundingClientRect();
    state.brush = [drawing.fromX(event.clientX - area.left), drawing.fromY(event.clientY - area.top)];
    show(() => paint(state.brush))();
    board.changed();
  };
  drawing.canvas.classList.add("sheet");
  drawing.canvas.addEventListener("pointerdown", event => {
    painting = true;
    drawing.canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
    stroke(event);
  });
  drawing.canvas.addEventListener("pointermove", event => { if (painting) stroke(event); });
  for (const end of ["pointerup", "pointercancel"]) drawing.canvas.addEventListener(end, () => { painting = false; });

  const grey = (plot, x, scale = contrast.value) => plot.grey(x.map(v => Hand.clamp(v / scale, [0, 1])), [SIDE, SIDE]);
  const isWalk = () => state.did === "walk" || state.did.startsWith("step ");
  board.paint = () => {
    grey(drawing, state.clean, 1);
    grey(bad, noisy());
    grey(good, result(), isWalk() ? 1 : contrast.value);
    const text = {step: "after one step", ladder: "after the ladder", walk: "a walk from noise"}[state.did] ?? state.did;
    if (names[2].textContent !== text) names[2].textContent = text;
  };

  board.words = () => {
    const cost = `One evaluation of ${(SIDE - 2) ** 2} patches took ${number(state.milliseconds, 0)} ms.`;
    if (isWalk())
      return `A walk down from noise 0.5, ${state.did === "walk" ? "at its end" : state.did}: the brightest pixel has `
        + `${number(Math.max(...state.shown))}. ${cost}`;
    const [before, after] = [quality(noisy()), quality(result())], gain = after - before;
    const way = state.did === "step" ? "One step" : "The ladder";
    return `At contrast ${number(contrast.value)} and noise ${number(sigma.value)} of it, the noisy picture has `
      + `${number(before, 1)} dB. ${way} ${gain < 0 ? "spoils it to" : "brings it to"} ${number(after, 1)} dB. ${cost}`;
  };

  Object.assign(board, {state, score});
  disks();
  noise();
  once();
});
