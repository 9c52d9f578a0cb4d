// Words of the glossary show their definition under the pointer and at the focus. It stays while
// the pointer is on it, goes with Escape, and the link still leads to the glossary.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const PATIENCE = 250;  // milliseconds that the pointer has to cross the gap
  const store = document.querySelector(".meanings");
  if (!store) return;
  let shown = null, waiting = 0;

  const hide = () => {
    clearTimeout(waiting);
    if (shown) shown.box.hidden = true;
    shown = null;
  };
  const later = (what, delay = PATIENCE) => {
    clearTimeout(waiting);
    waiting = setTimeout(what, delay);
  };

  // Below the word, or above it where the window ends; never outside the column of text.
  const place = (link, box) => {
    const word = link.getClientRects()[0], base = box.offsetParent.getBoundingClientRect();
    const column = store.getBoundingClientRect();
    const left = Math.min(word.left, column.right - box.offsetWidth);
    const below = word.bottom + 6 + box.offsetHeight < innerHeight || word.top < box.offsetHeight;
    box.style.left = `${Math.max(left, column.left) - base.left}px`;
    box.style.top = `${(below ? word.bottom + 4 : word.top - box.offsetHeight - 4) - base.top}px`;
  };
  const show = (link, box) => {
    if (shown?.box === box && shown.link === link) return clearTimeout(waiting);
    hide();
    box.hidden = false;
    place(link, box);
    shown = { link, box };
  };

  const boxes = new Map([...store.children].map(box => [box.id.replace("definition-", "term-"), box]));
  for (const box of boxes.values()) {
    box.hidden = true;
    box.addEventListener("pointerenter", () => clearTimeout(waiting));
    box.addEventListener("pointerleave", () => later(hide));
  }
  store.hidden = false;
  document.querySelectorAll("article a[href*='#term-']").forEach(link => {
    const box = boxes.get(link.hash.slice(1));
    if (!box) return;
    link.classList.add("defined");
    link.setAttribute("aria-describedby", box.id);
    link.addEventListener("pointerenter", event => {
      if (event.pointerType === "mouse") later(() => show(link, box));
    });
    link.addEventListener("pointerleave", () => later(hide));
    link.addEventListener("focus", () => show(link, box));
    link.addEventListener("blur", hide);
  });
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
});
