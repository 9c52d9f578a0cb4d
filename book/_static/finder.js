// The search: words of the glossary, results and headings before what merely holds the word.
// It reads places.js, which the build has written, and keeps Sphinx's rule for words and stems.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined" || typeof PLACES === "undefined") return;
  const MOST = 60, AROUND = 90;
  const WEIGHT = {word: 60, result: 50, page: 46, heading: 40, equation: 34, library: 30, figure: 24,
    claim: 20, reference: 12};
  const SAID = {word: "glossary", result: "result", page: "page", heading: "section",
    equation: "equation", library: "library", figure: "figure", claim: "claim",
    reference: "bibliography"};
  const stemmer = new Stemmer(), number = /^\d+$/;

  // Letters without accents, sizes as one word; as Sphinx's splitter does, which reads the query.
  const flat = text => splitQuery(text.toLowerCase().replace(/[’']s\b/g, "")).join(" ");
  const stems = query => splitQuery(query.toLowerCase().replace(/[’']s\b/g, ""))
    .filter(word => !stopwords.includes(word))
    .map(word => number.test(word) ? word : stemmer.stemWord(word).replace(/(?<=....)i$/, ""));
  const lines = PLACES.places.map(([page, kind, name, anchor, text]) => {
    const title = name.replace(/: \w+ [\d.]+$/, "");  // a result without its number
    return {page, kind, name, anchor, text, said: flat(title), stem: stems(title).join(" "),
      words: ` ${flat(`${name} ${text}`)}`};
  });

  // How well one line answers one way to ask: by its name, or only by its text.
  const score = (line, asked, words) => {
    if (!words.length || !words.every(word => line.words.includes(` ${word}`))) return 0;
    const name = ` ${flat(line.name)}`, weight = WEIGHT[line.kind];
    if (!words.every(word => name.includes(` ${word}`))) {
      const times = line.words.split(` ${words[0]}`).length - 1;
      return .2 * weight + Math.min(times, 8);
    }
    const whole = line.stem === words.join(" ") ? 60 : line.said.startsWith(asked) ? 25 : 10;
    return weight + whole + 15 * asked.length / Math.max(line.said.length, asked.length);
  };
  const find = query => {
    const same = PLACES.synonyms[flat(query)] ?? [];
    const ways = [query, ...same].map((way, i) => [flat(way), stems(way), i ? 1 - .02 * i : 1.2]);
    return lines.map(line => [Math.max(...ways.map(([asked, words, trust]) =>
      trust * score(line, asked, words))), line])
      .filter(([points]) => points > 0).sort((a, b) => b[0] - a[0]).map(([, line]) => line);
  };

  // A few words around the first that was asked for, which are marked.
  const excerpt = (text, words) => {
    const made = document.createElement("p");
    const marks = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.map(w => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join("|")})[\\p{L}\\p{N}]*`, "giu");
    const at = Math.max(text.search(marks), 0);
    let start = at > AROUND && text.length > 4 * AROUND ? text.lastIndexOf(" ", at - AROUND) + 1 : 0;
    let end = Math.min(start + 3 * AROUND, text.length);
    if (end < text.length) end = text.lastIndexOf(" ", end);
    const piece = (start ? "… " : "") + text.slice(start, end) + (end < text.length ? " …" : "");
    let last = 0;
    for (const hit of piece.matchAll(marks)) {
      const mark = document.createElement("mark");
      mark.textContent = hit[0];
      made.append(piece.slice(last, hit.index), mark);
      last = hit.index + hit[0].length;
    }
    made.append(piece.slice(last));
    made.className = "context";
    return made;
  };
  const row = (line, words) => {
    const item = document.createElement("li"), link = document.createElement("a");
    const [page, title] = PLACES.pages[line.page];
    link.href = `${page}.html${line.anchor ? `#${line.anchor}` : ""}`;
    link.textContent = line.kind === "page" ? title : line.name;
    const where = document.createElement("span");
    where.className = "where";
    where.textContent = line.kind === "page" ? SAID.page : `${SAID[line.kind]} · ${title}`;
    item.append(link, where);
    if (/\p{L}/u.test(line.text)) item.append(excerpt(line.text, words));
    return item;
  };

  Search.query = query => {
    const [, , , highlighted] = Search._parseQuery(query);
    const same = PLACES.synonyms[flat(query)] ?? [];
    const hits = find(query), words = [...new Set([query, ...same].flatMap(stems))];
    Search.stopPulse();
    document.getElementById("search-progress")?.replaceChildren();
    Search.title.textContent = "Search results";
    const also = same.length ? ` Also searched: ${same.join(", ")}.` : "";
    const count = hits.length > MOST ? `The best ${MOST} of ${hits.length} places` :
      hits.length === 1 ? "One place" : `${hits.length} places`;
    Search.status.textContent = hits.length ? `${count}.${also}`
      : `Nothing in the book holds ${highlighted.size > 1 ? "all these words" : "this word"}.${also}`;
    Search.output.append(...hits.slice(0, MOST).map(line => row(line, words)));
  };
});
