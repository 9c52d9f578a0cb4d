// A network of linear layers with silu between them, evaluated on many patches at once; its weights
// are the shipped ones, in float32. Chapter 3 trains such networks.
"use strict";
Hand.weights = {};
Hand.maths.network = {
  // base64 of all layers in turn, each W (out, in) and then b (out), little-endian float32
  read({widths, base64}) {
    const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
    const numbers = new Float32Array(bytes.buffer);
    let from = 0;
    const take = count => numbers.subarray(from, from += count);
    return widths.slice(1).map((rows, k) => ({W: take(rows * widths[k]), b: take(rows), rows, columns: widths[k]}));
  },

  // W x + b for each of the patches x, which lie one behind the other
  affine({W, b, rows, columns}, x) {
    const count = x.length / columns, y = new Float32Array(count * rows);
    for (let patch = 0; patch < count; patch++) {
      const from = patch * columns, to = patch * rows;
      for (let row = 0; row < rows; row++) {
        const w = row * columns;
        let even = b[row], odd = 0, i = 0;  // two sums, which a processor adds side by side
        for (; i + 1 < columns; i += 2) {
          even += W[w + i] * x[from + i];
          odd += W[w + i + 1] * x[from + i + 1];
        }
        if (i < columns) even += W[w + i] * x[from + i];
        y[to + row] = even + odd;
      }
    }
    return y;
  },

  // x / (1 + e^-x)
  silu: x => x.map(value => value / (1 + Math.exp(-value))),

  forward(layers, x) {
    layers.forEach((layer, k) => {
      if (k) x = this.silu(x);
      x = this.affine(layer, x);
    });
    return x;
  },
};
