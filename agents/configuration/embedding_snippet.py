"""The snippet that puts an agent on a page; it holds nothing secret."""

import json
from functools import cache

from django.conf import settings
from django.utils.html import escape

# What a page may decide for itself; everything else stays on the server.
PAGE_KEYS = ("theme", "position", "size", "welcome_message", "locale")
UNSAFE = {
    ord("<"): "\\u003C",
    ord(">"): "\\u003E",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def loader_url() -> str:
    """Return the loader's stable address, safe in an attribute."""
    return _loader_url(settings.PUBLIC_BASE_URL)


@cache
def _loader_url(base: str) -> str:
    return escape(f"{base}/static/widget/loader.js")


def page_config(widget_config: dict) -> str:
    """Return the page's part of a widget configuration as JSON safe in a script."""
    shown = {
        key: widget_config[key]
        for key in PAGE_KEYS
        if widget_config.get(key) is not None
    }
    return json.dumps(shown, ensure_ascii=False).translate(UNSAFE)


def render_embed(public_id: object, widget_config: dict | str) -> str:
    """Return the two lines for a page; a string is what `page_config` returned."""
    shown = (
        widget_config if isinstance(widget_config, str) else page_config(widget_config)
    )
    return (
        f'<script src="{loader_url()}"></script>\n'
        f"<script>YourAgent.init({{ agentPublicId: '{public_id}', "
        f"config: {shown} }});</script>"
    )


def render_strict_embed(public_id: object) -> str:
    """Return the one line for a page whose policy forbids inline scripts."""
    return (
        f'<script src="{loader_url()}" '
        f'data-agent-public-id="{public_id}" async></script>'
    )
