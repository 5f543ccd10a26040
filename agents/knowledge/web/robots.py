"""What a site asks of crawlers in its robots.txt, as RFC 9309 reads it."""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

# The RFC asks to read 500 KiB at least; what lies beyond is left unread.
MAX_BYTES = 500 * 1024
MAX_RULES = 5_000
MAX_DELAY = 10.0
SECONDS = re.compile(r"\d{1,6}(\.\d{1,3})?")


@dataclass
class Rules:
    """The rules for us: patterns of paths, each allowed or not."""

    rules: list[tuple[str, bool]] = field(default_factory=list)
    delay: float = 0.0

    def allows(self, url: str) -> bool:
        """Say whether an address may be read: the longest pattern decides."""
        parts = urlsplit(url)
        path = _plain(parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if path == "/robots.txt":
            return True
        matching = [
            (len(pattern), allowed)
            for pattern, allowed in self.rules
            if _matches(pattern, path)
        ]
        # Of two as long, the one that allows.
        return max(matching, default=(0, True))[1]


def rules_in(text: str, agent: str) -> Rules:
    """Return what a robots.txt says to an agent, or else to everybody."""
    groups: dict[str, Rules] = {}
    named: list[str] = []
    is_naming = False
    for line in text[:MAX_BYTES].lstrip("\ufeff").splitlines():
        name, _, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if name == "user-agent":
            named = [*named, value.lower()] if is_naming else [value.lower()]
            for one in named:
                groups.setdefault(one, Rules())
        elif name in ("allow", "disallow", "crawl-delay"):
            for one in named:
                _add(groups[one], name, value)
        # Other lines, such as a sitemap's, end no row of names.
        is_naming = name == "user-agent" or (is_naming and name not in KNOWN)
    return groups.get(agent.lower()) or groups.get("*") or Rules()


KNOWN = ("allow", "disallow", "crawl-delay")


def _add(rules: Rules, name: str, value: str) -> None:
    if name == "crawl-delay":
        if SECONDS.fullmatch(value):
            rules.delay = min(float(value), MAX_DELAY)
    # An empty value forbids and allows nothing.
    elif value and len(rules.rules) < MAX_RULES:
        rules.rules.append((_plain(value), name == "allow"))


def _plain(path: str) -> str:
    """Write a path in one way, however it is escaped."""
    return quote(unquote(path), safe="/?&=*$:@!+,;~()'")


def _matches(pattern: str, path: str) -> bool:
    """Match as robots.txt does: `*` is anything, a last `$` the end.

    Piece by piece, in linear time; a regular expression would not be.
    """
    is_whole = pattern.endswith("$")
    first, *pieces = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    last = pieces.pop() if is_whole and pieces else None
    for piece in pieces:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if last is not None:
        return path.endswith(last) and len(path) - len(last) >= at
    return at == len(path) if is_whole else True
