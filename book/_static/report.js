// Where the project has an address: choose a sentence, and a link opens a report that carries the
// page, the heading and the sentence. Nothing is sent before the reader sends it there.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const where = document.querySelector("meta[name=course-repository]")?.content;
  const article = document.querySelector("article");
  if (!where || !article) return;
  const link = document.createElement("a");
  link.className = "report";
  link.textContent = "Report this sentence";
  link.rel = "noopener";
  link.hidden = true;
  article.append(link);

  // The whole sentences that a selection touches.
  const sentences = range => {
    const start = range.startContainer.parentElement?.closest("p, li, td, dd, figcaption");
    const text = start?.textContent ?? "", chosen = range.toString().trim();
    const at = text.indexOf(chosen);
    if (at < 0 || !Intl.Segmenter) return chosen;
    const parts = [...new Intl.Segmenter("en", {granularity: "sentence"}).segment(text)];
    return parts.filter(part => part.index < at + chosen.length
      && part.index + part.segment.length > at).map(part => part.segment).join("").trim();
  };
  const heading = node => {
    const section = node.parentElement?.closest("section[id]");
    return section ? {name: section.querySelector(":scope > :is(h1, h2, h3)")?.firstChild
      ?.textContent.trim() ?? "", place: section.id} : {name: "", place: ""};
  };
  const offer = () => {
    const chosen = getSelection();
    link.hidden = chosen.isCollapsed || !article.contains(chosen.anchorNode)
      || !chosen.toString().trim();
    if (link.hidden) return;
    const range = chosen.getRangeAt(0), {name, place} = heading(range.startContainer);
    const page = `${location.pathname.split("/").slice(-2).join("/")}#${place}`;
    const title = `${document.querySelector("h1").firstChild.textContent.trim()}: ${name}`;
    const body = `Page: ${page}\nHeading: ${name}\n\n> ${sentences(range).slice(0, 900)}\n\n`;
    link.href = `${where}/issues/new?${new URLSearchParams({title, body})}`;
    const box = range.getBoundingClientRect(), base = link.offsetParent.getBoundingClientRect();
    link.style.left = `${Math.max(0, Math.min(box.left, innerWidth - 190)) - base.left}px`;
    link.style.top = `${box.bottom + 6 - base.top}px`;
  };
  document.addEventListener("selectionchange", offer);
});
