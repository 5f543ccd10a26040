// Markdown to DOM nodes. Nothing here parses HTML: text stays text.

const SCHEMES = /^(https?:|mailto:)/i;
const FENCE = /^ {0,3}(```|~~~)/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)]) +(.*)$/;
const HEADING = /^ {0,3}#{1,6} +(.*?)[ #]*$/;
const QUOTE = /^ {0,3}> ?/;
const RULE = /^ {0,3}([-*_])( *\1){2,} *$/;
const TABLE = /^ *\|?( *:?-+:? *\|)+ *:?-* *:? *\|? *$/;
const LINK = /!?\[([^[\]\n]*)\]\(<?([^()<>\s]*(?:\([^()<>\s]*\)[^()<>\s]*)*)>?(?: +"[^"\n]*")?\)/y;
const BARE = /(?:https?:\/\/|mailto:)[^\s<>"'`\]]+/iy;
const CITATION = /\[(\d{1,3})\]/y;
const SPECIAL = /[\\`*_~![<]|https?:\/\/|mailto:/gi;
const PAIRS = { "**": "strong", __: "strong", "~~": "del", "*": "em", _: "em" };
const DEEPEST = 6;

const make = (name, ...kids) => {
  const node = document.createElement(name);
  node.append(...kids);
  return node;
};

// The address when its scheme is one we follow, otherwise null.
export const safeUrl = (address) => {
  try {
    const url = new URL(address);
    return SCHEMES.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
};

export const link = (address, ...kids) => {
  const node = make("a", ...kids);
  node.href = address;
  node.target = "_blank";
  node.rel = "noopener noreferrer nofollow ugc";
  return node;
};

const at = (pattern, text, index) => {
  pattern.lastIndex = index;
  return pattern.exec(text);
};

const linked = (found, options, depth) => {
  const [whole, label, address] = found;
  const url = safeUrl(address);
  // An image is never fetched: its address could carry the conversation away.
  const image = whole.startsWith("!");
  const words = image ? [label || address] : inline(label, options, depth + 1);
  return url ? link(url, ...words) : make("span", ...words);
};

const emphasis = (text, index, options, depth) => {
  for (const mark of [text.slice(index, index + 2), text[index]]) {
    const name = PAIRS[mark];
    if (!name || depth >= DEEPEST) continue;
    const from = index + mark.length;
    const to = text.indexOf(mark, from + 1);
    const inside = text.slice(from, to);
    const inWord = mark[0] === "_" && /\w/.test(text[index - 1] || "");
    if (to < 0 || inWord || inside.trim() !== inside) continue;
    return [make(name, ...inline(inside, options, depth + 1)), to + mark.length];
  }
  return null;
};

// One special spot: the node it makes and where the text goes on, or null.
const special = (text, index, options, depth) => {
  const sign = text[index];
  if (sign === "\\") {
    const next = text[index + 1] || "";
    return /[!-/:-@[-`{-~]/.test(next) ? [next, index + 2] : null;
  }
  if (sign === "`") {
    const ticks = /`+/y;
    const [fence] = at(ticks, text, index);
    const to = text.indexOf(fence, index + fence.length);
    if (to < 0) return [fence, index + fence.length];
    const code = text.slice(index + fence.length, to);
    return [make("code", code), to + fence.length];
  }
  if (sign === "[" || sign === "!") {
    const found = depth < DEEPEST && at(LINK, text, index);
    if (found) return [linked(found, options, depth), LINK.lastIndex];
    const cited = at(CITATION, text, index);
    const node = cited && options.cite?.(Number(cited[1]));
    return node ? [node, index + cited[0].length] : null;
  }
  const start = sign === "<" ? index + 1 : index;
  const bare = at(BARE, text, start);
  if (bare) {
    const address = bare[0].replace(/[.,;:!?)*_~]+$/, "");
    const url = safeUrl(address);
    const closed = sign === "<" && text[start + address.length] === ">";
    if (url) return [link(url, address), start + address.length + (closed ? 1 : 0)];
  }
  return emphasis(text, index, options, depth);
};

const inline = (text, options, depth = 0) => {
  const nodes = [];
  let plain = 0;
  SPECIAL.lastIndex = 0;
  for (let spot; (spot = SPECIAL.exec(text)); ) {
    const made = special(text, spot.index, options, depth);
    if (!made) {
      SPECIAL.lastIndex = spot.index + 1;
      continue;
    }
    if (spot.index > plain) nodes.push(text.slice(plain, spot.index));
    nodes.push(made[0]);
    plain = SPECIAL.lastIndex = made[1];
  }
  if (plain < text.length) nodes.push(text.slice(plain));
  return nodes;
};

const lined = (lines, options) =>
  lines.flatMap((line, index) => [
    ...(index ? [make("br")] : []),
    ...inline(line.trim(), options),
  ]);

const fenced = (lines, start) => {
  const [, fence] = FENCE.exec(lines[start]);
  let end = start + 1;
  while (end < lines.length && !lines[end].trimStart().startsWith(fence)) end += 1;
  const pre = make("pre", make("code", lines.slice(start + 1, end).join("\n")));
  pre.tabIndex = 0;
  return [pre, end + 1];
};

const listed = (lines, start, options, depth) => {
  const [, indent, mark] = ITEM.exec(lines[start]);
  const ordered = /\d/.test(mark);
  const list = make(ordered ? "ol" : "ul");
  if (ordered) list.start = parseInt(mark, 10);
  let index = start;
  while (index < lines.length) {
    const item = ITEM.exec(lines[index]);
    if (!item || item[1].length > indent.length + 1) break;
    if (item[1].length < indent.length || /\d/.test(item[2]) !== ordered) break;
    const inner = [item[3]];
    for (index += 1; index < lines.length; index += 1) {
      const line = lines[index];
      const deeper = line.startsWith(`${indent}  `) && line.trim();
      const gap = !line.trim() && (lines[index + 1] || "").startsWith(`${indent}  `);
      if (!deeper && !gap) break;
      inner.push(line.slice(indent.length + 2));
    }
    const kids = blocks(inner, options, depth + 1);
    const tight = kids[0]?.localName === "p" ? [...kids.shift().childNodes] : [];
    list.append(make("li", ...tight, ...kids));
    while (!(lines[index] ?? "x").trim() && ITEM.test(lines[index + 1] || "")) index += 1;
  }
  return [list, index];
};

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|");

const tabled = (lines, start, options) => {
  const row = (line, name) =>
    make("tr", ...cells(line).map((cell) => make(name, ...inline(cell.trim(), options))));
  const table = make("table", make("thead", row(lines[start], "th")));
  const body = make("tbody");
  let index = start + 2;
  for (; index < lines.length && lines[index].includes("|"); index += 1)
    body.append(row(lines[index], "td"));
  table.append(body);
  return [table, index];
};

const isTable = (lines, index) =>
  lines[index].includes("|") &&
  (lines[index + 1] || "").includes("-") &&
  lines[index + 1].length < 500 &&
  TABLE.test(lines[index + 1]);

const opensBlock = (lines, index) =>
  [FENCE, ITEM, HEADING, QUOTE, RULE].some((kind) => kind.test(lines[index])) ||
  isTable(lines, index);

const block = (lines, index, options, depth) => {
  const line = lines[index];
  if (FENCE.test(line)) return fenced(lines, index);
  if (RULE.test(line)) return [make("hr"), index + 1];
  const heading = HEADING.exec(line);
  if (heading) {
    return [make("p", make("strong", ...inline(heading[1], options))), index + 1];
  }
  if (depth < DEEPEST && QUOTE.test(line)) {
    let end = index;
    while (end < lines.length && QUOTE.test(lines[end])) end += 1;
    const inner = lines.slice(index, end).map((each) => each.replace(QUOTE, ""));
    return [make("blockquote", ...blocks(inner, options, depth + 1)), end];
  }
  if (depth < DEEPEST && ITEM.test(line)) return listed(lines, index, options, depth);
  if (isTable(lines, index)) return tabled(lines, index, options);
  let end = index + 1;
  while (end < lines.length && lines[end].trim() && !opensBlock(lines, end)) end += 1;
  return [make("p", ...lined(lines.slice(index, end), options)), end];
};

const blocks = (lines, options, depth) => {
  const nodes = [];
  for (let index = 0; index < lines.length; ) {
    if (!lines[index].trim()) {
      index += 1;
      continue;
    }
    const [node, next] = block(lines, index, options, depth);
    nodes.push(node);
    index = next;
  }
  return nodes;
};

// options.cite(number) may return a node for a reference such as [1].
export const render = (text, options = {}) =>
  blocks(text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"), options, 0);
