// What a turn of a conversation looks like. Text is only ever text; a blank line
// starts a paragraph, [1] points at a source.

export function write(node, text, citations = []) {
  const known = new Set(citations.map((each) => String(each.number)));
  const paragraphs = text.split(/\n{2,}/).filter((part) => part.trim());
  const say = node.querySelector(".say");
  say.replaceChildren(...paragraphs.map((part) => paragraph(part, known)));
  if (citations.length) say.append(sources(citations));
}

function paragraph(text, known) {
  const p = document.createElement("p");
  text.split("\n").forEach((line, number) => {
    if (number) p.append(document.createElement("br"));
    for (const part of line.split(/(\[\d{1,3}\])/)) {
      const mark = part.match(/^\[(\d+)\]$/)?.[1];
      p.append(mark && known.has(mark) ? reference(mark) : part);
    }
  });
  return p;
}

function reference(number) {
  const sup = document.createElement("sup");
  sup.className = "ref";
  sup.textContent = number;
  sup.title = `Source ${number}`;
  return sup;
}

function sources(citations) {
  const details = document.createElement("details");
  details.className = "sources";
  const summary = document.createElement("summary");
  const titles = [...new Set(citations.map((each) => each.title))].join(", ");
  summary.textContent = citations.length === 1 ? `Source: ${titles}` : `${citations.length} sources: ${titles}`;
  const list = document.createElement("ol");
  list.className = "srcs";
  list.append(...citations.map(source));
  details.append(summary, list);
  return details;
}

function source(citation) {
  const item = document.createElement("li");
  item.value = citation.number;
  const title = document.createElement("b");
  if (/^https?:\/\//.test(citation.url ?? "")) {
    const link = document.createElement("a");
    Object.assign(link, { href: citation.url, target: "_blank", rel: "noopener noreferrer nofollow" });
    link.textContent = citation.title;
    title.append(link);
  } else {
    title.textContent = citation.title;
  }
  const passage = document.createElement("p");
  passage.textContent = citation.passage ?? "";
  item.append(title, passage);
  return item;
}
