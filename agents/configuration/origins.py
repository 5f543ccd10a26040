"""Sites an agent may speak on: parse and match web origins."""

import ipaddress
import re
from urllib.parse import urlsplit

from accounts.errors import Invalid

MAX_ORIGINS = 50
LABEL = re.compile(r"\A(?!-)[a-z0-9-]{1,63}(?<!-)\Z")


def parse_origin(text: str) -> str:
    """Return `scheme://host[:port]` in canonical form, or raise Invalid.

    The host's first label may be `*`, which stands for exactly one label.
    """
    text = text.strip().rstrip("/").lower()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Invalid(f"{text[:100]} is not a web origin.") from None
    extra = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or extra or not parts.hostname:
        raise Invalid(
            f"{text[:100]} is not a web origin such as https://www.example.com."
        )
    host = _canonical_host(parts.hostname)
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (
        f":{port}" if port not in (None, default) else ""
    )


def _canonical_host(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return f"[{address}]" if address.version == 6 else str(address)
    try:
        first, *rest = host.encode("idna").decode("ascii").split(".")
    except UnicodeError:
        raise Invalid(f"{host[:100]} is not a host name.") from None
    if first == "*":
        # `*.com` would be half the web.
        if len(rest) < 2:
            raise Invalid("A wildcard needs at least two labels after it.")
        labels = rest
    else:
        labels = [first, *rest]
    if not all(LABEL.match(label) for label in labels) or len(host) > 253:
        raise Invalid(f"{host[:100]} is not a host name.")
    return ".".join([first, *rest])


def parse_origins(values: list[str]) -> list[str]:
    """Return the canonical origins, each once, in the order given."""
    if len(values) > MAX_ORIGINS:
        raise Invalid(f"At most {MAX_ORIGINS} sites.", pointer="/allowed_origins")
    found: list[str] = []
    for index, value in enumerate(values):
        try:
            origin = parse_origin(value)
        except Invalid as error:
            raise Invalid(error.detail, pointer=f"/allowed_origins/{index}") from None
        if origin not in found:
            found.append(origin)
    return found


def allows(allowed: list[str], origin: str | None) -> bool:
    """Say whether a browser's Origin header is one of the allowed; none, no."""
    if not origin or origin == "null":
        return False
    try:
        origin = parse_origin(origin)
    except Invalid:
        return False
    if "*" in origin:
        return False
    return any(_matches(pattern, origin) for pattern in allowed)


def _matches(pattern: str, origin: str) -> bool:
    if "://*." not in pattern:
        return pattern == origin
    scheme, _, rest = pattern.partition("://*.")
    given_scheme, _, given_rest = origin.partition("://")
    label, _, given_rest = given_rest.partition(".")
    return scheme == given_scheme and rest == given_rest and bool(label)
