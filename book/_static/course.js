// Small repairs of the theme for screen readers; the pages work without them.
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
  // Roles of the bibliography that newer readers reject; the plain list says as much.
  document.querySelectorAll("[role=doc-biblioentry], .citation-list[role]")
    .forEach(element => element.removeAttribute("role"));
  // Formulas and tables that scroll sideways can be reached with the keyboard.
  const reach = () => document
    .querySelectorAll("mjx-container[display], div.math, .cell_output pre, .highlight pre, .pst-scrollable-table-container")
    .forEach(box => { if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0; });
  window.addEventListener("load", () => setTimeout(reach, 1500));
  // A printed page shows what is folded.
  window.addEventListener("beforeprint", () =>
    document.querySelectorAll("details.fold").forEach(box => { box.open = true; }));
});
