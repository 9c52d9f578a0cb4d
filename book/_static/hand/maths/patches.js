// All patches of an image, their adjoint, and the average of a patch score over the patches that
// hold a pixel. An image is an array of height times width, row by row. Chapter 5.
"use strict";
Hand.maths.patches = {
  // the number in the image of each pixel of each patch, (L, p p)
  index([height, width], p) {
    const found = [];
    for (let row = 0; row + p <= height; row++)
      for (let column = 0; column + p <= width; column++)
        for (let i = 0; i < p * p; i++)
          found.push((row + Math.floor(i / p)) * width + column + i % p);
    return Int32Array.from(found);
  },

  // G_c x for all c
  cut: (x, index) => Float64Array.from(index, at => x[at]),

  // sum_c G_c' v_c
  adjoint(v, index, size) {
    const image = new Float64Array(size);
    index.forEach((at, i) => { image[at] += v[i]; });
    return image;
  },

  // (sum_c G_c' s(G_c x, sigma)) / multiplicity
  averaged(patchScore, shape, p) {
    const index = this.index(shape, p), size = shape[0] * shape[1];
    const multiplicity = this.adjoint(new Float64Array(index.length).fill(1), index, size);
    return (x, sigma) =>
      this.adjoint(patchScore(this.cut(x, index), sigma), index, size).map((sum, i) => sum / multiplicity[i]);
  },
};
