// Drawing and dragging, for figures that answer the hand. An instrument takes the place of the
// picture of a figure whose cell has the tag hand-NAME. The picture stays: for paper, and for
// whoever has no script. Nothing is loaded, and nothing moves before it is asked to.
"use strict";

const Hand = {maths: {}, boards: [], makers: {}};

// ---- small tools ----

Hand.element = (kind, attributes = {}, ...children) => {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

// A number as it is read and read out: a true minus, a fixed count of decimals.
Hand.number = (value, decimals = 2) =>
  (Math.abs(value) < 0.5 * 10 ** -decimals ? 0 : value).toFixed(decimals).replace("-", "−");

Hand.clamp = (value, [low, high]) => Math.min(Math.max(value, low), high);

Hand.range = (low, high, num) =>
  Float64Array.from({length: num}, (_, i) => low + (high - low) * i / (num - 1));

Hand.calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Colours are those of the page, by meaning: truth, learned, failure, other, data, ink, card, line.
Hand.colour = name =>
  getComputedStyle(document.documentElement).getPropertyValue(`--course-${name}`).trim() || "#555";

// Places for the marks of an axis: at 1, 2 or 5 times a power of ten.
Hand.ticks = ([low, high], most) => {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({length: last - first + 1}, (_, i) => (first + i) * step);
};

// ---- a board: plots, controls, and a sentence that says what is seen ----

Hand.Board = class {
  constructor(figure, label) {
    this.plots = Hand.element("div", {class: "plots"});
    this.controls = Hand.element("div", {class: "controls"});
    this.seen = Hand.element("p", {class: "seen", "aria-live": "polite"});
    this.box = Hand.element("div", {class: "hand", role: "group", "aria-label": label},
      this.plots, this.controls, this.seen);
    Object.assign(this, {figure, drawn: [], handles: [], sliders: [], running: null, frames: 0, busy: 0});
    figure.insertBefore(this.box, figure.querySelector("figcaption"));
    figure.classList.add("alive");
    new ResizeObserver(() => this.refresh()).observe(this.plots);
    new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      if (this.visible) this.refresh();
    }, {rootMargin: "200px"}).observe(this.box);
    Hand.boards.push(this);
  }

  // Draw anew at the next frame; many changes until then are one.
  refresh() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      if (this.visible) this.draw();
    });
  }

  draw() {
    const start = performance.now();
    this.ahead?.();
    for (const plot of this.drawn) if (!plot.box.hidden) plot.open();
    this.paint();
    for (const handle of this.handles) handle.show();
    this.busy += performance.now() - start;
    this.frames += 1;
    this.tell();
  }

  // The sentence waits until the hand rests, so that a screen reader hears it once.
  tell() {
    if (this.running) return;
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      this.later = null;
      const words = this.words();
      if (this.seen.textContent !== words) this.seen.textContent = words;
    }, 250);
  }

  // Whether all that was asked for is drawn and said.
  get settled() { return this.frames > 0 && !this.asked && !this.later && !this.running; }

  changed() { this.refresh(); }

  slider({label, min, max, step, value, words = v => Hand.number(v), log = false}) {
    const [into, from] = log ? [v => 10 ** v, Math.log10] : [v => v, v => v];
    const input = Hand.element("input", {
      type: "range", min: from(min), max: from(max), step, value: from(value), autocomplete: "off",
    });
    const output = Hand.element("output"), name = Hand.element("span", {}, label);
    const row = Hand.element("label", {class: "slide"}, name, input, output);
    const made = {
      input, row,
      get value() { return into(Number(input.value)); },
      set value(v) { input.value = from(v); made.show(); },
      set label(text) { if (name.textContent !== text) name.textContent = text; },
      show() {
        const text = words(made.value);
        if (output.textContent !== text) output.textContent = text;
        input.setAttribute("aria-valuetext", text);
      },
    };
    made.show();
    input.addEventListener("input", () => { made.show(); made.moved?.(made.value); this.changed(); });
    this.controls.append(row);
    this.sliders.push(made);
    return made;
  }

  choice({label, options, value, chosen}) {
    const name = `hand-${Hand.boards.indexOf(this)}-${label.replace(/\W/g, "")}`;
    const group = Hand.element("div", {class: "choice", role: "radiogroup", "aria-label": label});
    for (const [key, text] of Object.entries(options)) {
      const input = Hand.element("input", {type: "radio", name, value: key, autocomplete: "off"});
      input.checked = key === value;
      input.addEventListener("change", () => { chosen(key); this.changed(); });
      group.append(Hand.element("label", {}, input, Hand.element("span", {}, text)));
    }
    this.controls.append(group);
    return group;
  }

  buttons(...made) {
    const row = Hand.element("div", {class: "buttons"}, ...made);
    this.controls.append(row);
    return row;
  }

  button(text, pressed) {
    const made = Hand.element("button", {type: "button"}, text);
    made.addEventListener("click", () => { pressed(); this.changed(); });
    return made;
  }

  // A button that takes steps until it is pressed again; one step for who wants no motion.
  // A step that returns false is the last.
  runner(text, step) {
    const made = Hand.element("button", {type: "button", class: "run"}, Hand.calm() ? `${text}: one step` : text);
    const frame = () => {
      const start = performance.now();
      const more = !this.visible || step();
      this.busy += performance.now() - start;
      if (more === false) return this.rest();
      if (this.visible) this.draw();
      this.running = requestAnimationFrame(frame);
    };
    made.addEventListener("click", () => {
      if (Hand.calm()) { step(); return this.changed(); }
      if (this.running) return this.rest();
      made.textContent = "Pause";
      made.setAttribute("aria-pressed", "true");
      this.rest = () => {
        cancelAnimationFrame(this.running);
        this.running = null;
        made.textContent = text;
        made.removeAttribute("aria-pressed");
        this.changed();
      };
      this.running = requestAnimationFrame(frame);
    });
    return made;
  }

  rest() {}
};

// ---- a plot: a window of the plane, drawn on a canvas, with handles above it ----

Hand.Plot = class {
  // ratio: width over height, on a phone no lower than ``least`` pixels; marks of y start at ``from``.
  constructor(board, {x, y, ratio, least = 0, xlabel = "", ylabel = "", ticks = true, from = y[0]}) {
    this.canvas = Hand.element("canvas", {"aria-hidden": "true"});
    this.box = Hand.element("div", {class: "plot", style: `aspect-ratio:${ratio};min-height:${least}px`}, this.canvas);
    Object.assign(this, {board, x, y, xlabel, ylabel, ticks, from, pen: this.canvas.getContext("2d")});
    this.margin = ticks ? {left: 40, right: 12, top: 24, bottom: 36} : {left: 1, right: 1, top: 1, bottom: 1};
    board.plots.append(this.box);
    board.drawn.push(this);
  }

  get inside() {
    const {left, right, top, bottom} = this.margin;
    return [this.wide - left - right, this.high - top - bottom];
  }

  toX(x) { return this.margin.left + (x - this.x[0]) / (this.x[1] - this.x[0]) * this.inside[0]; }
  toY(y) { return this.margin.top + (this.y[1] - y) / (this.y[1] - this.y[0]) * this.inside[1]; }
  fromX(left) { return this.x[0] + (left - this.margin.left) / this.inside[0] * (this.x[1] - this.x[0]); }
  fromY(top) { return this.y[1] - (top - this.margin.top) / this.inside[1] * (this.y[1] - this.y[0]); }

  open() {
    const sharp = devicePixelRatio || 1, {canvas, pen} = this;
    [this.wide, this.high] = [canvas.clientWidth, canvas.clientHeight];
    const size = [Math.round(this.wide * sharp), Math.round(this.high * sharp)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, this.wide, this.high);
    pen.font = `13.5px ${getComputedStyle(this.box).fontFamily}`;
    if (this.ticks && this.wide) this.axes();
  }

  axes() {
    const {pen} = this, muted = Hand.colour("data"), [width, height] = this.inside;
    const base = this.margin.top + height, left = this.margin.left;
    pen.strokeStyle = pen.fillStyle = muted;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(left, this.margin.top);
    pen.lineTo(left, base);
    pen.lineTo(left + width, base);
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const value of Hand.ticks(this.x, width / 70)) {
      pen.moveTo(this.toX(value), base);
      pen.lineTo(this.toX(value), base + 4);
      pen.fillText(String(+value.toFixed(6)).replace("-", "−"), this.toX(value), base + 6);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const value of Hand.ticks([this.from, this.y[1]], Math.max(height / 45, 2))) {
      pen.moveTo(left, this.toY(value));
      pen.lineTo(left - 4, this.toY(value));
      pen.fillText(String(+value.toFixed(6)).replace("-", "−"), left - 6, this.toY(value));
    }
    pen.stroke();
    pen.fillStyle = Hand.colour("ink");
    pen.textBaseline = "bottom";
    pen.fillText(this.xlabel, left + width, this.high);
    pen.textAlign = "left";
    pen.textBaseline = "top";
    pen.fillText(this.ylabel, Math.max(left - 30, 0), 2);
  }

  // Draw inside the axes only.
  within(drawing) {
    const {pen, margin} = this, [width, height] = this.inside;
    pen.save();
    pen.beginPath();
    pen.rect(margin.left, margin.top, width, height);
    pen.clip();
    drawing(pen);
    pen.restore();
  }

  trace(xs, ys) {
    this.pen.beginPath();
    for (let i = 0; i < xs.length; i++) this.pen.lineTo(this.toX(xs[i]), this.toY(ys[i]));
  }

  curve(xs, ys, {colour, width = 2, dash = []}) {
    this.within(pen => {
      this.trace(xs, ys);
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.setLineDash(dash);
      pen.stroke();
    });
  }

  fill(xs, ys, {colour, alpha = 0.2, base = 0}) {
    this.within(pen => {
      this.trace(xs, ys);
      pen.lineTo(this.toX(xs.at(-1)), this.toY(base));
      pen.lineTo(this.toX(xs[0]), this.toY(base));
      pen.globalAlpha = alpha;
      pen.fillStyle = colour;
      pen.fill();
    });
  }

  line(x0, y0, x1, y1, look) { this.curve([x0, x1], [y0, y1], {width: 1, ...look}); }

  dots(points, {colour, radius = 2, alpha = 1}) {
    this.within(pen => {
      pen.fillStyle = colour;
      pen.globalAlpha = alpha;
      pen.beginPath();
      for (const [x, y] of points) {
        const left = this.toX(x), top = this.toY(y);
        pen.moveTo(left + radius, top);
        pen.arc(left, top, radius, 0, 2 * Math.PI);
      }
      pen.fill();
    });
  }

  // An arrow as long as it says, with a head that does not outgrow it.
  arrow(x0, y0, x1, y1, {colour, width = 1.3, head = 6}) {
    const [a, b, c, d] = [this.toX(x0), this.toY(y0), this.toX(x1), this.toY(y1)];
    const length = Math.hypot(c - a, d - b), tip = Math.min(head, 0.6 * length);
    if (length < 1) return;
    const [u, v] = [(c - a) / length, (d - b) / length];
    this.within(pen => {
      pen.strokeStyle = pen.fillStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.moveTo(a, b);
      pen.lineTo(c - u * tip, d - v * tip);
      pen.stroke();
      pen.beginPath();
      pen.moveTo(c, d);
      pen.lineTo(c - u * tip - v * tip * 0.55, d - v * tip + u * tip * 0.55);
      pen.lineTo(c - u * tip + v * tip * 0.55, d - v * tip - u * tip * 0.55);
      pen.fill();
    });
  }

  // Values between 0 and 1 on a grid, rows from below, as a veil of one colour.
  shade(values, [columns, rows], colour) {
    const veil = new ImageData(columns, rows), [red, green, blue] = this.rgb(colour);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const to = 4 * ((rows - 1 - row) * columns + column);
        veil.data.set([red, green, blue, 255 * values[row * columns + column]], to);
      }
    }
    this.lay(veil, true);
  }

  // Grey values between 0 and 1, rows from above, each pixel a sharp square.
  grey(values, [columns, rows]) {
    const picture = new ImageData(columns, rows);
    for (let i = 0; i < columns * rows; i++) {
      const level = 255 * values[i];
      picture.data.set([level, level, level, 255], 4 * i);
    }
    this.lay(picture, false);
  }

  lay(picture, smooth) {
    this.sheet ??= document.createElement("canvas");
    [this.sheet.width, this.sheet.height] = [picture.width, picture.height];
    this.sheet.getContext("2d").putImageData(picture, 0, 0);
    this.pen.imageSmoothingEnabled = smooth;
    this.pen.drawImage(this.sheet, this.margin.left, this.margin.top, ...this.inside);
  }

  rgb(colour) {
    this.pen.fillStyle = colour;
    return [1, 3, 5].map(at => parseInt(this.pen.fillStyle.slice(at, at + 2), 16));
  }

  text(words, x, y, {colour = Hand.colour("ink"), align = "left", base = "middle"} = {}) {
    Object.assign(this.pen, {fillStyle: colour, textAlign: align, textBaseline: base});
    this.pen.fillText(words, this.toX(x), this.toY(y));
  }

  // Names of curves beside a piece of each, below one another from the place (x, y).
  legend(rows, x, y) {
    const {pen} = this, left = this.toX(x);
    Object.assign(pen, {textAlign: "left", textBaseline: "middle"});
    rows.forEach(([words, {colour, width = 2, dash = []}], k) => {
      const height = this.toY(y) + 18 * k + 8;
      Object.assign(pen, {strokeStyle: colour, fillStyle: colour, lineWidth: width});
      pen.setLineDash(dash);
      pen.beginPath();
      pen.moveTo(left, height);
      pen.lineTo(left + 24, height);
      pen.stroke();
      pen.fillText(words, left + 30, height);
    });
    pen.setLineDash([]);
  }

  // Something to take hold of: a slider in one direction or two, for finger, mouse and keyboard.
  //   at() -> [x, y];  move(x, y);  words() -> what it says;  axis "x", "y" or "xy".
  handle({label, mark = "", colour = "truth", axis = "xy", step, at, move, words, bounds}) {
    const box = Hand.element("div", {
      class: "handle", role: "slider", tabindex: 0, "aria-label": label,
      style: `--of:var(--course-${colour})`,
    }, Hand.element("span", {"aria-hidden": "true"}, mark));
    const main = axis === "y" ? 1 : 0, limits = bounds ?? [this.x, this.y];
    const go = (x, y) => {
      const [now, level] = at();
      move(axis === "y" ? now : Hand.clamp(x, limits[0]), axis === "x" ? level : Hand.clamp(y, limits[1]));
      this.board.changed();
    };
    box.setAttribute("aria-orientation", axis === "y" ? "vertical" : "horizontal");
    box.setAttribute("aria-valuemin", limits[main][0]);
    box.setAttribute("aria-valuemax", limits[main][1]);
    const [dx, dy] = step ?? [0.01 * (this.x[1] - this.x[0]), 0.01 * (this.y[1] - this.y[0])];
    box.addEventListener("keydown", event => {
      const [x, y] = at(), far = event.shiftKey ? 5 : 1, [low, high] = limits[main];
      const along = size => (main ? [x, y + size * dy] : [x + size * dx, y]);
      const up = axis === "x" ? [x + far * dx, y] : [x, y + far * dy];
      const down = axis === "x" ? [x - far * dx, y] : [x, y - far * dy];
      const right = axis === "y" ? up : [x + far * dx, y], left = axis === "y" ? down : [x - far * dx, y];
      const where = {
        ArrowRight: right, ArrowLeft: left, ArrowUp: up, ArrowDown: down,
        PageUp: along(10), PageDown: along(-10),
        Home: main ? [x, low] : [low, y], End: main ? [x, high] : [high, y],
      }[event.key];
      if (!where) return;
      event.preventDefault();
      go(...where);
    });
    let grip = null;
    box.addEventListener("pointerdown", event => {
      const area = this.canvas.getBoundingClientRect(), [x, y] = at();
      grip = [event.clientX - area.left - this.toX(x), event.clientY - area.top - this.toY(y)];
      box.setPointerCapture(event.pointerId);
      box.focus({preventScroll: true});
      event.preventDefault();
    });
    box.addEventListener("pointermove", event => {
      if (!grip) return;
      const area = this.canvas.getBoundingClientRect();
      go(this.fromX(event.clientX - area.left - grip[0]), this.fromY(event.clientY - area.top - grip[1]));
    });
    for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => { grip = null; });
    const made = {
      box,
      // what a screen reader finds, also before the figure is first drawn
      say: () => {
        if (this.box.hidden) return;
        box.setAttribute("aria-valuenow", +at()[main].toFixed(4));
        box.setAttribute("aria-valuetext", words());
      },
      show: () => {
        if (this.box.hidden) return;
        const place = at();
        box.style.left = `${this.toX(place[0])}px`;
        box.style.top = `${this.toY(place[1])}px`;
        made.say();
      },
    };
    this.box.append(box);
    this.board.handles.push(made);
    return made;
  }
};

// ---- an instrument: a name and what makes it ----

Hand.instrument = (name, make) => {
  Hand.makers[name] = make;
  const build = () => {
    for (const figure of document.querySelectorAll(`.tag_hand-${name} figure:not(.alive)`)) {
      make(figure);
      for (const handle of Hand.boards.at(-1).handles) handle.say();
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", build);
  else build();
};

// The page's theme and its type come late, or change: whatever is drawn follows.
{
  const all = () => Hand.boards.forEach(board => board.refresh());
  new MutationObserver(all).observe(document.documentElement, {attributeFilter: ["data-theme"]});
  document.fonts?.ready.then(all);
}
