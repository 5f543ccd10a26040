"""Fields that several forms have."""

from typing import Any, get_args

from django import forms

PLAIN = {"autocomplete": "off"}


class LongTextField(forms.CharField):
    """Text with line ends as they are stored, not as a browser sends them."""

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\r\n", "\n")


def words_of(literal: Any) -> list[tuple[str, str]]:
    """Return the values of a Literal as choices, in words."""
    return [
        (value, value.replace("-", " ").capitalize()) for value in get_args(literal)
    ]
