// Small repairs of the theme for screen readers, keyboards and pages opened from disk; the pages
// work without them.
"use strict";

// Boxes that scroll sideways can be reached with the keyboard, and only while they scroll.
const BOXES = ".formula, .cell_output pre, .highlight pre, .pst-scrollable-table-container, "
  + ".course-map";
function reachScrolling() {
  document.querySelectorAll(BOXES).forEach(box => {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    if (scrolls && box.tabIndex < 0) {
      box.tabIndex = 0;
      box.dataset.reached = "yes";
    } else if (!scrolls && box.dataset.reached) {
      box.removeAttribute("tabindex");
      delete box.dataset.reached;
    }
  });
}

document.addEventListener("DOMContentLoaded", () => {
  // The visible words are the name; a label that differs from them confuses voice control.
  document.querySelectorAll(".search-button-field, details.hide > summary[aria-label]")
    .forEach(element => element.removeAttribute("aria-label"));
  // The sidebar is a landmark, so that everything on the page belongs to one.
  const sidebar = document.querySelector(".bd-sidebar-primary");
  if (sidebar) {
    sidebar.setAttribute("role", "complementary");
    sidebar.setAttribute("aria-label", "Book");
  }
  // The arrow that unfolds a part of the sidebar says which.
  document.querySelectorAll(".bd-sidebar-primary details > summary").forEach(arrow => {
    const page = arrow.closest("li")?.querySelector("a");
    if (page) arrow.setAttribute("aria-label", `Pages below ${page.textContent.trim()}`);
  });
  // Roles of the bibliography that newer readers reject; the plain list says as much.
  document.querySelectorAll("[role=doc-biblioentry], .citation-list[role]")
    .forEach(element => element.removeAttribute("role"));
  // A figure leads to its file, for a finger that enlarges it; the tab key has nothing to do there.
  document.querySelectorAll("article a.image-reference").forEach(link => { link.tabIndex = -1; });
  // A notebook is for keeping: a server hands it out as a file and not as text.
  document.querySelectorAll(".btn-download-source-button")
    .forEach(link => link.setAttribute("download", ""));
  // A page opened from disk may not read another; search then lists titles without excerpts.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS === "object")
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  // A printed page shows what is folded; after it the reader has the page as it was.
  let unfolded = [], height = 0;
  window.addEventListener("beforeprint", () => {
    height ||= scrollY;
    const closed = document.querySelectorAll("article details:not([open])");
    closed.forEach(box => { box.open = true; });
    unfolded.push(...closed);
  });
  window.addEventListener("afterprint", () => {
    unfolded.splice(0).forEach(box => { box.open = false; });
    scrollTo({top: height, behavior: "instant"});
    height = 0;
  });
  // Formulas are copied as their TeX.
  document.addEventListener("copy", event => {
    const chosen = getSelection(), copy = document.createElement("div");
    for (let i = 0; i < chosen.rangeCount; i++) copy.append(chosen.getRangeAt(i).cloneContents());
    if (!copy.querySelector("math")) return;
    event.clipboardData.setData("text/html", copy.innerHTML);
    copy.querySelectorAll("math").forEach(math => math.replaceWith(`$${math.getAttribute("alttext")}$`));
    document.body.append(copy);  // where the browser knows which words stand on lines of their own
    event.clipboardData.setData("text/plain", copy.innerText);
    copy.remove();
    event.preventDefault();
  });
  // What scrolls changes with the width, and with what is unfolded.
  reachScrolling();
  let asked = 0;
  const soon = () => { cancelAnimationFrame(asked); asked = requestAnimationFrame(reachScrolling); };
  window.addEventListener("resize", soon);
  document.addEventListener("toggle", soon, true);
  window.addEventListener("load", soon);
});
