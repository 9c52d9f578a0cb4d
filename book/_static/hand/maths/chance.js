// Random numbers with a seed, so that a page shows everyone the same walk.
"use strict";
Hand.maths.chance = seed => {
  let state = seed >>> 0;
  // xorshift-multiply on a counter; 32 bits are enough for a picture
  const uniform = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
  };
  // Box and Muller
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return {uniform, normal};
};
