"""Take images, HTML and foreign links out of an answer while it is spoken.

Whoever gets a text into a model's sight can have it write a link or an image that
carries away what the model knows. So only links to places named before stay, and all
else becomes text. That must hold for every reader, whatever Markdown it speaks: what
makes a link, an image or a tag is broken wherever it stands, except in a block of
code, in which no reader makes any.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from agents.configuration.origins import allows

# [text](address "title") and its image, the innermost.
INLINE = re.compile(
    r"(!?)\[([^\[\]]*+)\]\("
    r"\s*+<?([^\s<>()]*+(?:\([^\s<>()]*+\)[^\s<>()]*+)*+)>?"
    r"(?:\s++(?:\"[^\"]*+\"|'[^']*+'|\([^()]*+\)))?\s*+\)"
)
# No scheme is longer, what stands before it is text; several in a row go at once.
ADDRESS = re.compile(
    r"((?:[a-z][a-z0-9+.-]{0,40}:[/\\]{2,})+)([^\s<>\"'`\]]*)", re.IGNORECASE
)
# At the end of an address these belong to the sentence.
TRAILING = ".,;:!?)*_~"
WITHOUT_SLASHES = re.compile(
    r"\b(mailto|javascript|vbscript|data|tel|sms):(?=\S)", re.I
)
WWW = re.compile(
    r"(?<![^\W_])(?<![.@/-])((?:www\d{0,3}\.)+)(\w[^\s<>\"'`\]]*)", re.IGNORECASE
)
# A host behind two slashes: the scheme is that of the page.
SLASHES = re.compile(r"(?<![\w:/\\])[/\\]{2,}(?=[\w\[])")
# What only a space keeps from being read: a tag, a reference's definition, a link.
TAG = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE)
CLOSED = re.compile(r"\](?=[:(])")
IMAGE = re.compile(r"!(?=\[)")
# "days [1]: " is a source and a colon.
CITED = re.compile(r"(?<=\w )\[\d{1,3}\](?=:\s)")
BREAK = re.compile(r"[\s\u0080-\U0010ffff](?=[^\s\u0080-\U0010ffff]*\Z)")
FENCE = re.compile(r"\A(`{3,}+|~{3,}+)([^`\n]*+)\n")
UPCOMING_FENCE = re.compile(r"\n(?=```|~~~)")
ANY_FENCE = re.compile(r"```|~~~")
NO_LANGUAGE = re.compile(r"[^a-zA-Z0-9+#_-]")
NOT_IN_ADDRESS = re.compile(r"[\\\s\x00-\x1f\x7f<>]")
# Longer than any link is worth waiting for.
LONGEST = 2_000
SLICE = 1_000


class Links:
    """Lets a text through piece by piece, with no link that was not named before."""

    def __init__(
        self, *, urls: Iterable[str] = (), sites: Iterable[str] = (), quoted: str = ""
    ) -> None:
        """Allow these addresses, all on these sites, and what a quoted text holds."""
        self.urls = {url.partition("#")[0] for url in urls if url}
        self.sites = list(sites)
        self.quoted = quoted
        # What was not said yet, and whether it begins a line.
        self.held = ""
        self.is_new_line = True
        self.before = ""
        self.fence = ""
        self.has_stray_fence = False

    def feed(self, text: str) -> str:
        """Return what can be said by now: whole words, outside of brackets."""
        said = []
        # In slices: what is judged at once stays short, however much comes at once.
        for start in range(0, len(text), SLICE):
            self.held += text[start : start + SLICE]
            while (piece := self._next()) is not None:
                said.append(piece)
        return "".join(said)

    def end(self) -> str:
        """Return the rest."""
        rest = self._take(len(self.held))
        is_code = self.fence and self.fence not in rest
        return rest if is_code else self._harmless(rest)

    def is_allowed(self, address: str) -> bool:
        """Say whether a link may lead there."""
        if NOT_IN_ADDRESS.search(address):
            return False
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
            return False
        if address.partition("#")[0] in self.urls or address in self.quoted:
            return True
        place = f"[{host}]" if ":" in host else host
        origin = f"{parts.scheme}://{place}" + (f":{port}" if port else "")
        return allows(self.sites, origin)

    # --- Pieces -------------------------------------------------------------
    def _next(self) -> str | None:
        """Take the next piece that will not change any more, or None."""
        if self.fence:
            return self._next_of_code()
        if self.is_new_line and self.held[:1] in ("`", "~"):
            opened = FENCE.match(self.held)
            if opened and not self.has_stray_fence:
                self.fence = opened[1][0] * 3
                self._take(opened.end())
                return f"{opened[1]}{NO_LANGUAGE.sub('', opened[2])[:30]}\n"
            if not opened and "\n" not in self.held and len(self.held) < LONGEST:
                return None
        # A fence begins a piece of its own.
        upcoming = UPCOMING_FENCE.search(self.held)
        within = upcoming.end() if upcoming else len(self.held)
        cut = within if upcoming else settled(self.held)
        if not cut and within > LONGEST:
            # Not the last character: it may need the next one to be understood.
            cut = within - 1
        return self._harmless(self._take(cut)) if cut else None

    def _next_of_code(self) -> str | None:
        """Let code through as it is, until the first line that could end it."""
        end = self.held.find("\n") + 1 or self._last_word()
        if not end:
            return None
        line = self._take(end)
        if self.fence not in line:
            return line
        self.fence = ""
        is_end = not line.strip().strip(line.strip()[:1])
        return line if is_end else self._harmless(line)

    def _last_word(self) -> int:
        # A line with a fence in it is judged whole.
        if self.fence[0] in self.held and len(self.held) < LONGEST:
            return 0
        found = BREAK.search(self.held)
        return found.end() if found else 0

    def _take(self, length: int) -> str:
        taken, self.held = self.held[:length], self.held[length:]
        if taken:
            self.is_new_line = taken.endswith("\n")
        return taken

    # --- What is said -------------------------------------------------------
    def _harmless(self, text: str) -> str:
        # Until nothing changes: what is taken out may bring together what was apart.
        while text != (text := self._thinned(text)):
            pass
        if ANY_FENCE.search(text):
            self.has_stray_fence = True
        written, place = [], 0
        for link in INLINE.finditer(text):
            written += [self._broken(text[place : link.start()]), self._kept(link)]
            place = link.end()
        written.append(self._broken(text[place:]))
        said = "".join(written)
        self.before = (self.before + said)[-2:]
        return said

    def _thinned(self, text: str) -> str:
        text = INLINE.sub(self._link, text)
        text = ADDRESS.sub(self._address, text)
        text = WWW.sub(self._address, text)
        text = WITHOUT_SLASHES.sub("", text)
        return SLASHES.sub("", text)

    def _link(self, found: re.Match[str]) -> str:
        image, text, address = found.groups()
        return text if image or not self.is_allowed(address) else found[0]

    def _address(self, found: re.Match[str]) -> str:
        address = found[0].rstrip(TRAILING)
        is_quoted = bool(self.quoted) and address in self.quoted
        return found[0] if is_quoted or self.is_allowed(address) else found[2]

    def _kept(self, link: re.Match[str]) -> str:
        """Write an allowed link without its title."""
        return f"[{self._broken(link[2])}]({link[3]})"

    def _broken(self, text: str) -> str:
        """Break what was no whole link and could be read as one all the same."""
        cited = {
            found.end() - 1 - len(self.before)
            for found in CITED.finditer(self.before + text)
        }
        text = CLOSED.sub(lambda m: "]" if m.start() in cited else "] ", text)
        return IMAGE.sub("! ", TAG.sub("< ", text))


def settled(text: str) -> int:
    """Return up to where a text can be judged, whatever comes after it."""
    last = BREAK.search(text)
    cut = last.end() if last else 0
    place = text.find("[")
    while 0 <= place < cut:
        end = _end_of_link(text, place)
        if end is None or end > cut:
            return place - (place > 0 and text[place - 1] == "!")
        place = text.find("[", end)
    return cut


def _end_of_link(text: str, place: int) -> int | None:
    """Return where what begins with a bracket ends, or None while that is open."""
    closed = _closed(text, place, "[", "]")
    if closed is None or closed == len(text):
        return None
    if text[closed] != "(":
        return place + 1
    return _closed(text, closed, "(", ")")


def _closed(text: str, place: int, opening: str, closing: str) -> int | None:
    """Return the place after the closing bracket; after a paragraph none comes."""
    depth = 0
    end = text.find("\n\n", place)
    for index in range(place, len(text) if end < 0 else end):
        if text[index] == opening:
            depth += 1
        elif text[index] == closing:
            depth -= 1
            if not depth:
                return index + 1
    return None if end < 0 else end
