"""What documentation sites add to Markdown, written as Markdown alone.

MDX, Docusaurus, VitePress, MkDocs, GitHub, GitBook, Jekyll, Hugo and Obsidian: their
boxes, tabs, tags and components keep what a visitor reads of them.
"""

import re

FENCE = re.compile(r"\A(`{3,}|~{3,})")
CODE_TITLE = re.compile(r"title=\"([^\"]{1,200})\"")
BOXES = {
    **{name: name.capitalize() for name in "note tip info warning danger".split()},
    **{name: name.capitalize() for name in "caution important attention hint".split()},
    **{name: name.capitalize() for name in "error success example question".split()},
}
# ":::warning", ":::note[A title]", "::: tip A title", ":::{note} A title"
COLONS = re.compile(r"\A:{3,}\s*+\{?([\w-]*)\}?\s*+(.*)\Z")
# '!!! note "A title"', "??? question", '=== "A tab"', "/// note | A title"
INDENTED = re.compile(
    r"\A(!!!|\?\?\?\+?|===\+?!?)\s++([\w +-]{0,60})(?:\"([^\"]*)\")?\s*\Z"
)
SLASHES = re.compile(r"\A///\s*+(?:([\w-]+)\s*+)?(?:\|\s*+(.*))?\Z")
# "> [!NOTE] A title"
QUOTED = re.compile(r"\A([>\s]*+)\[!([\w-]+)\][+-]?\s*+(.*)\Z")
ATTRIBUTES = re.compile(
    r"\{:[^{}\n]{0,200}\}|\{[.#][\w\s.#=\"-]{0,200}\}(?=\s*(?:\n|\Z))"
)
IMPORTS = re.compile(r"\A(?:import\s[^\n]{0,500}['\"];?\s*|import\s+\{)\Z")
EXPORTS = re.compile(r"\Aexport\s+(?:const|let|var|default|function|async)\b")
COMMENT = re.compile(r"<!--|\{/\*")
COMMENT_ENDS = {"<!--": "-->", "{/*": "*/}"}
# Tags of templates: their own words are for the site's machine, but for some names.
TEMPLATE_TAG = re.compile(r"\{%-?([^%\n]{0,500})-?%\}|\{\{[<%]([^\n{}]{0,500})[>%]\}\}")
TEMPLATE_VALUE = re.compile(
    r"\{\{-?\s*+(?:site|page|include|layout)\.[^{}\n]{0,200}\}\}"
)
COMPONENT = re.compile(r"<(/?)([A-Z][\w.]{0,60})((?:\s[^<>]{0,2000})?)>")
EXPRESSION = re.compile(r"\{\s*+[\"'`]([^\"'`{}\n]{0,500})[\"'`]\s*+\}")
PROPERTY = re.compile(r"(?<!\S)([\w-]{1,40})=\{?(?:\"([^\"]*)\"|'([^']*)')")
VISIBLE = frozenset(
    "label title name text children content summary caption alt heading header "
    "description question answer term subtitle message".split()
)
KEYS = frozenset({"key", "keys", "kbd", "shortcut", "hotkey", "keybinding"})
FOOTNOTE = re.compile(r"\A\[\^[^\]\n]{1,100}\]:[ \t]*+")
REFERENCE = re.compile(r"\[\^[^\]\n]{1,100}\]")
WIKI = re.compile(r"(!?)\[\[([^\[\]\n|]{1,300})(?:\|([^\[\]\n]{1,300}))?\]\]")
TASK = re.compile(r"\A(\s*+(?:[-*+]|\d{1,9}[.)])\s++)\[[ xX]\]\s")
CONTENTS = frozenset({"[toc]", "[[toc]]", "{:toc}", "{{toc}}", "<toc />"})


def plain(text: str) -> str:
    """Return a text in which only Markdown and HTML are left to read."""
    return Pass(text.split("\n")).result


class Pass:
    """One walk over the lines; code between fences stays as it is."""

    def __init__(self, lines: list[str]) -> None:
        self.lines: list[str] = []
        self.fence = ""
        # What ends a comment that goes on; whether code of the site does.
        self.comment, self.is_code_of_site = "", False
        # How far what is in a box is indented, and in how many components we are.
        self.boxes: list[int] = []
        self.components: list[int | None] = []
        self.is_mdx = any(COMPONENT.search(line) for line in lines)
        for line in _whole_tags(lines):
            self.take(line)

    @property
    def result(self) -> str:
        return "\n".join(self.lines)

    def take(self, line: str) -> None:
        line = self.unindented(line)
        bare = line.strip()
        if self.fence:
            self.lines.append(line)
            if bare.startswith(self.fence) and not bare.strip(self.fence[0]):
                self.fence = ""
            return
        if opened := FENCE.match(bare):
            self.open_fence(line, bare, opened[1])
            return
        line = self.without_comments(line)
        bare = line.strip()
        if not self.is_of_site(bare) and not self.is_box(line, bare):
            self.lines.append(self.said(line))

    def open_fence(self, line: str, bare: str, fence: str) -> None:
        # "```code``` in a line" opens none.
        if fence[0] in bare[len(fence) :] and fence[0] == "`":
            self.lines.append(line)
            return
        if title := CODE_TITLE.search(bare):
            self.lines += [f"{title[1]}:", ""]
        self.fence = fence
        self.lines.append(line)

    def unindented(self, line: str) -> str:
        """Take away the indent of the boxes and components we are in."""
        bare = line.lstrip(" ")
        indent = len(line) - len(bare)
        if not bare:
            return ""
        while self.boxes and indent < self.boxes[-1] and not self.fence:
            self.boxes.pop()
        if self.components and self.components[-1] is None:
            self.components[-1] = indent if not COMPONENT.match(bare) else 0
        most = max([*self.boxes[-1:], *(self.components[-1:] or [0])], default=0)
        return line[min(indent, most or 0) :]

    def without_comments(self, line: str) -> str:
        kept, at = [], 0
        while at < len(line):
            if self.comment:
                end = line.find(self.comment, at)
                if end < 0:
                    break
                at, self.comment = end + len(self.comment), ""
            elif found := COMMENT.search(line, at):
                kept.append(line[at : found.start()])
                at, self.comment = found.end(), COMMENT_ENDS[found[0]]
            else:
                kept.append(line[at:])
                break
        return "".join(kept)

    def is_of_site(self, bare: str) -> bool:
        """Say whether a line is for the site's machine: an import or an export."""
        if self.is_code_of_site:
            self.is_code_of_site = bool(bare)
            return True
        if bare.lower().replace(" ", "") in CONTENTS:
            return True
        if IMPORTS.match(bare) or EXPORTS.match(bare):
            self.is_code_of_site = not bare.endswith(("'", '"', ";"))
            return True
        return False

    def is_box(self, line: str, bare: str) -> bool:
        """Open or close a box, writing its kind and title as its first words."""
        if found := COLONS.match(bare):
            kind, title = found[1], found[2].strip("[] ").partition("]")[0]
        elif found := INDENTED.match(bare):
            kind, title = (found[2].split() or [""])[0], found[3] or ""
            indent = len(line) - len(line.lstrip(" "))
            self.boxes.append((self.boxes[-1] if self.boxes else 0) + indent + 4)
        elif bare.startswith("///") and (found := SLASHES.match(bare)):
            kind, title = found[1] or "", found[2] or ""
        elif found := QUOTED.match(line):
            words = found[3] or BOXES.get(found[2].lower(), found[2].capitalize())
            self.lines.append(f"{found[1]}{_ended(words)}")
            return True
        else:
            return False
        words = title or BOXES.get(kind.lower(), "")
        self.lines += ["", _ended(words)] if words else [""]
        return True

    def said(self, line: str) -> str:
        """Return one line of prose; code within it stays as it is."""
        parts = line.split("`")
        # Every second part is between marks, if those are pairs.
        is_paired = len(parts) % 2
        parts[::2] = map(self.prose, parts[::2])
        if not is_paired:
            parts[1::2] = map(self.prose, parts[1::2])
        return _definition(self.lines, "`".join(parts))

    def prose(self, text: str) -> str:
        text = COMPONENT.sub(self.component, text)
        text = EXPRESSION.sub(r"\1", text) if self.is_mdx else text
        text = TEMPLATE_TAG.sub(_of_template, text)
        text = TEMPLATE_VALUE.sub("", text)
        text = ATTRIBUTES.sub("", text)
        text = REFERENCE.sub("", FOOTNOTE.sub("", text))
        text = WIKI.sub(lambda found: "" if found[1] else found[3] or found[2], text)
        return TASK.sub(r"\1", text)

    def component(self, found: re.Match[str]) -> str:
        """Write what a component shows by its properties; its contents follow."""
        closes, name, rest = found.groups()
        if closes:
            if self.components:
                self.components.pop()
            return "\n\n" if not self.components else " "
        is_whole = rest.endswith("/")
        said = _shown(name, rest)
        if is_whole:
            return said
        self.components.append(None)
        if not found.string[: found.start()].strip(" ") and found.end() == len(
            found.string.rstrip()
        ):
            return f"\n\n{said}\n\n"
        return f" {_ended(said)} " if said else " "


def _whole_tags(lines: list[str]) -> list[str]:
    """Put a component's tag that is written on several lines on one."""
    whole: list[str] = []
    is_open, in_code = 0, False
    for line in lines:
        in_code ^= bool(FENCE.match(line.strip()))
        if is_open and not in_code:
            whole[-1] += f" {line.strip()}"
            is_open = 0 if ">" in line or is_open > 30 else is_open + 1
            continue
        whole.append(line)
        is_open = int(bool(TAG_OPEN.match(line)) and not in_code)
    return whole


TAG_OPEN = re.compile(r"\A\s*+<[A-Z][\w.]{0,60}(?:\s[^<>]*)?\Z")


def _properties(rest: str) -> dict[str, str]:
    return {name: one or two for name, one, two in PROPERTY.findall(rest)}


def _shown(name: str, rest: str) -> str:
    found = _properties(rest)
    if name.lower() in KEYS:
        parts = [value for part in found.values() for value in part.split("+")]
        return "+".join(part.strip().capitalize() for part in parts)
    said = [value for name, value in found.items() if name.lower() in VISIBLE]
    return ". ".join(said) or found.get("value", "")


def _of_template(found: re.Match[str]) -> str:
    inner = found[1] or found[2] or ""
    name = inner.strip("-/ ").partition(" ")[0]
    if name in ("highlight", "endhighlight"):
        return "```"
    said = [v for k, v in _properties(inner).items() if k.lower() in VISIBLE]
    return f" {'. '.join(said)} " if said else ""


def _definition(lines: list[str], line: str) -> str:
    """Put ":   what a term means" behind the term."""
    if line.startswith((":  ", ":\t", ": ")) and lines and lines[-1].strip():
        return f"{lines.pop().rstrip()}{line}"
    return line


def _ended(words: str) -> str:
    words = words.strip()
    return words if words.endswith((":", "?", "!", ".")) else f"{words}:"
