// The reader's frame: the button of the colours says its state, and the browser remembers what was
// read and answered. It is kept on this device only, under one name, and "forget" erases it.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement;

  const button = document.querySelector(".theme-switch-button");
  const say = () => {
    const {mode, theme} = root.dataset;
    const words = `Colours: ${mode === "auto" ? `as the system has them, now ${theme}` : theme}`;
    for (const name of ["aria-label", "title", "data-bs-original-title"])
      if (name !== "title" || button.hasAttribute("title")) button.setAttribute(name, words);
  };
  if (button) {
    say();
    new MutationObserver(say).observe(root, {attributeFilter: ["data-mode", "data-theme"]});
  }

  const KEY = "score-matching-patch-by-patch";
  const page = location.pathname.split("/").pop().replace(/\.html$/, "") || "index";
  const fresh = () => ({read: {}, answers: {}});
  const load = () => {
    try {
      return {...fresh(), ...JSON.parse(localStorage.getItem(KEY))};
    } catch {
      return fresh();
    }
  };
  const keep = change => {
    const state = load();
    change(state);
    try { localStorage.setItem(KEY, JSON.stringify(state)); } catch { /* a browser that keeps nothing */ }
    show();
  };

  const line = document.querySelector(".reader .progress-line");
  const questions = document.querySelectorAll(".self-check fieldset");
  const show = () => {
    const state = load(), answered = Object.keys(state.answers[page] ?? {}).length;
    const said = [state.read[page] ? "read" : "",
      answered ? `${answered} of ${questions.length} questions answered` : ""].filter(Boolean);
    if (line) {
      line.hidden = !said.length;
      const forget = document.createElement("button");
      forget.type = "button";
      forget.textContent = "forget";
      forget.title = "Erase what this browser has kept of all pages";
      forget.addEventListener("click", () => {
        try { localStorage.removeItem(KEY); } catch { /* nothing was kept */ }
        questions.forEach(box => box.querySelectorAll("input").forEach(i => { i.checked = false; }));
        show();
      });
      line.replaceChildren(`✓ ${said.join(", ")}; kept in this browser only, `, forget);
    }
    document.querySelectorAll(".bd-sidebar-primary .bd-links a.internal").forEach(link => {
      const name = (link.getAttribute("href").split("/").pop() || "").replace(/\.html.*$/, "");
      link.classList.toggle("been", Boolean(state.read[name === "#" ? page : name]));
    });
  };
  show();

  const answers = load().answers[page] ?? {};
  questions.forEach(box => box.querySelectorAll("input[type=radio]").forEach(input => {
    if (answers[input.name] === input.id) input.checked = true;
    input.addEventListener("change", () => keep(state => {
      (state.answers[page] ??= {})[input.name] = input.id;
    }));
  }));

  // A page counts as read when its last heading has been on the screen.
  const last = [...document.querySelectorAll("article section > h2")].pop();
  if (line && last) {
    new IntersectionObserver(([seen], observer) => {
      if (!seen.isIntersecting) return;
      observer.disconnect();
      if (!load().read[page]) keep(state => { state.read[page] = true; });
    }).observe(last);
  }
});
