"""What the pages of the dashboard share when they turn values into marks and words."""

import re
import zlib
from datetime import datetime, timedelta

from django import template
from django.contrib.messages.storage.base import Message
from django.forms import BoundField, CheckboxInput, RadioSelect, Select, Textarea
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

HUES = ("tide", "brass", "moss", "plum", "sky", "madder")
STEPS = (
    (timedelta(minutes=1), timedelta(seconds=1), "s"),
    (timedelta(hours=1), timedelta(minutes=1), "min"),
    (timedelta(days=1), timedelta(hours=1), "h"),
    (timedelta(days=28), timedelta(days=1), "d"),
)
UNDO = "undo:"
REFERENCE = re.compile(r"\[([0-9]{1,3})\]")


@register.filter
def initials(name: str) -> str:
    """Shorten a name to the two letters of its avatar."""
    words = [word for word in str(name).replace("@", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def hue(name: str) -> str:
    """Choose an avatar's colour by its name, the same one every time."""
    return HUES[zlib.crc32(str(name).encode()) % len(HUES)]


@register.filter
def grouped(number: int) -> str:
    """Write a figure with its thousands apart."""
    return f"{number:,}"


@register.filter
def percent(rate: float) -> str:
    """Write a share of one as a percentage, with a decimal where there is one."""
    return f"{100 * rate:.1f}".removesuffix(".0")


@register.filter
def ago(moment: datetime) -> str:
    """Say how far a moment lies from now, briefly."""
    distance = timezone.now() - moment
    size = abs(distance)
    for limit, unit, name in STEPS:
        if size < limit:
            words = f"{size // unit} {name}"
            break
    else:
        return f"{moment.day} {moment:%b %Y}"
    if size < timedelta(seconds=5):
        return "just now"
    return f"{words} ago" if distance > timedelta(0) else f"in {words}"


@register.filter
def control(field: BoundField) -> SafeString:
    """Render a field's control with the class of its kind."""
    widget = field.field.widget
    if isinstance(widget, (CheckboxInput, RadioSelect)):
        return field.as_widget()
    kind = "input"
    if isinstance(widget, Textarea):
        kind = "textarea"
    elif isinstance(widget, Select):
        kind = "select"
    own = widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{kind} {own}".strip()})


@register.filter
def is_tick(field: BoundField) -> bool:
    """Tell whether a field is one box to tick."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def references(html: SafeString) -> SafeString:
    """Raise the numbers of sources, such as [1], in escaped text."""
    escaped = conditional_escape(html)
    return mark_safe(REFERENCE.sub(r'<sup class="ref">\1</sup>', escaped))  # noqa: S308


@register.filter
def undo_url(message: Message) -> str:
    """Find where a message's Undo button posts to."""
    tags = (message.extra_tags or "").split()
    return next((tag.removeprefix(UNDO) for tag in tags if tag.startswith(UNDO)), "")


@register.simple_tag
def tally(passed: int, failed: int) -> SafeString:
    """Draw results as marks in fives; failures stand tall at the end."""
    passed, failed = min(passed, 200), min(failed, 200)
    places = [round(1 + 3.4 * n + 3 * (n // 5), 1) for n in range(passed + failed)]
    good = "".join(f"M{x} 3.5v7" for x in places[:passed])
    bad = "".join(f"M{x} 0v14" for x in places[passed:])
    return format_html(
        '<svg class="tally" viewBox="0 0 {} 14" role="img" '
        'aria-label="{} of {} tests pass">'
        '<path class="p" d="{}"/><path class="f" d="{}"/></svg>',
        (places[-1] if places else 0) + 1,
        passed,
        passed + failed,
        good,
        bad,
    )


@register.simple_tag
def arc(share: float) -> str:
    """Measure the dashes of a ring that is filled this far."""
    around = 75.4
    filled = round(around * min(max(share, 0), 1), 1)
    return f"{filled} {around}"


@register.simple_tag
def spark(points: list[int]) -> SafeString:
    """Draw a row of figures as a small curve with a dot at its end."""
    top = max(points) or 1
    step = 66 / max(len(points) - 1, 1)
    places = [
        (round(2 + step * n, 1), round(22 - 18 * point / top, 1))
        for n, point in enumerate(points)
    ]
    line = "L".join(f"{x} {y}" for x, y in places)
    x, y = places[-1]
    return format_html(
        '<path class="area" d="M{0}L68 24L2 24Z"/><path d="M{0}"/>'
        '<circle cx="{1}" cy="{2}" r="2"/>',
        line,
        x,
        y,
    )
