// What a link leads to shows under the pointer and at the focus: words, equations, theorems,
// figures, claims, references. It stays while the pointer is on it and goes with Escape; the link
// still leads there. On touch the first tap shows it and the second follows.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const PATIENCE = 250;  // milliseconds that the pointer has to cross the gap
  const LONG = 400;      // characters that are read out with the link
  const POINTED = "dl.glossary > dt, div.math, div.proof, figure, ul.ledger > li";
  const article = document.querySelector("article");
  if (!article) return;
  let store = article.querySelector(".meanings");
  if (!store) {
    store = document.createElement("div");
    store.className = "meanings";
    article.append(store);
  }
  let shown = null, waiting = 0, tapped = null;

  const hide = () => {
    clearTimeout(waiting);
    if (shown) shown.box.hidden = true;
    shown = null;
  };
  const later = (what, delay = PATIENCE) => {
    clearTimeout(waiting);
    waiting = setTimeout(what, delay);
  };

  // Below the link, or above it where the window ends; never outside the column of text.
  const place = (link, box) => {
    const word = link.getClientRects()[0], base = box.offsetParent.getBoundingClientRect();
    const column = store.getBoundingClientRect();
    const left = Math.min(word.left, column.right - box.offsetWidth);
    const below = word.bottom + 6 + box.offsetHeight < innerHeight || word.top < box.offsetHeight;
    box.style.left = `${Math.max(left, column.left) - base.left}px`;
    box.style.top = `${(below ? word.bottom + 4 : word.top - box.offsetHeight - 4) - base.top}px`;
  };
  // A formula that is too wide becomes smaller: a box that goes with the focus cannot be scrolled.
  const fit = box => box.querySelectorAll("div.math").forEach(formula => {
    formula.style.fontSize = "";
    const inside = formula.querySelector(".formula") ?? formula;
    const share = inside.clientWidth / inside.scrollWidth;
    if (share < 1) formula.style.fontSize = `${Math.floor(95 * share)}%`;
  });
  const show = (link, box) => {
    if (shown?.box === box && shown.link === link) return clearTimeout(waiting);
    hide();
    box.hidden = false;
    fit(box);
    place(link, box);
    shown = { link, box };
  };

  // A copy of something on this page, made when it is first asked for.
  const copied = target => {
    const box = document.createElement("div"), name = document.createElement("p");
    box.className = "meaning";
    box.setAttribute("role", "tooltip");
    name.className = "what";
    const number = target.matches("div.math") && target.querySelector(".eqno");
    if (target.matches("dt")) {
      name.textContent = target.firstChild.textContent;
      box.append(name, ...target.nextElementSibling.cloneNode(true).childNodes);
    } else if (number) {
      name.textContent = `Equation ${number.textContent.replace("#", "")}`;
      box.append(name, target.cloneNode(true));
    } else box.append(...target.cloneNode(true).childNodes);
    box.querySelector(".admonition-title")?.classList.replace("admonition-title", "what");
    box.querySelectorAll(".headerlink, .eqno, details, script, input, button, .cell")
      .forEach(part => part.remove());
    box.querySelectorAll("[id]").forEach(part => part.removeAttribute("id"));
    box.querySelectorAll("[tabindex]").forEach(part => part.removeAttribute("tabindex"));
    box.querySelectorAll("a").forEach(link => link.replaceWith(...link.childNodes));
    return box;
  };
  const enlist = box => {
    box.hidden = true;
    box.addEventListener("pointerenter", () => clearTimeout(waiting));
    box.addEventListener("pointerleave", () => later(hide));
    return box;
  };
  const described = (link, box) => {
    box.id ||= `meaning-${store.children.length}`;
    if (box.textContent.length < LONG) link.setAttribute("aria-describedby", box.id);
    return box;
  };

  const brought = new Map([...store.children].map(box => [box.dataset.for, enlist(box)]));
  const here = new Map();
  store.hidden = false;
  article.querySelectorAll("a.internal[href*='#']").forEach(link => {
    const address = link.getAttribute("href"), target = address.startsWith("#") &&
      document.getElementById(decodeURIComponent(address.slice(1)));
    const near = target && target.matches(POINTED) && !target.contains(link);
    if (!near && !brought.has(address)) return;
    if (near && !here.has(target)) here.set(target, null);
    const box = () => {
      if (!near) return brought.get(address);
      if (!here.get(target)) {
        here.set(target, enlist(copied(target)));
        store.append(here.get(target));
      }
      return described(link, here.get(target));
    };
    if (!near) described(link, brought.get(address));
    link.classList.add(address.includes("#term-") ? "defined" : "pointed");
    link.removeAttribute("title");
    link.addEventListener("pointerenter", event => {
      if (event.pointerType === "mouse") later(() => show(link, box()));
    });
    link.addEventListener("pointerleave", event => {
      if (event.pointerType === "mouse") later(hide);
    });
    link.addEventListener("pointerdown", event => {
      tapped = event.pointerType === "touch" && shown?.link !== link ? link : null;
    });
    link.addEventListener("click", event => {
      if (tapped !== link) return;
      event.preventDefault();
      show(link, box());
    });
    link.addEventListener("focus", () => show(link, box()));
    link.addEventListener("blur", hide);
  });
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
  document.addEventListener("pointerdown", event => {
    if (shown && !shown.box.contains(event.target) && !shown.link.contains(event.target)) hide();
  });
});
