"""Fields and filters that refuse what others guess at."""

from datetime import UTC

from django.core.exceptions import ValidationError as FormError
from django_filters import IsoDateTimeFilter, TypedChoiceFilter
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import FilterSet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.text import has_invisible_characters


class StrictSerializer(serializers.Serializer):
    """Refuse fields it does not know, rather than drop them in silence."""

    def to_internal_value(self, data):
        if isinstance(data, dict):
            writable = {
                name for name, field in self.fields.items() if not field.read_only
            }
            if unknown := sorted(set(data) - writable):
                raise ValidationError(
                    {
                        name: [
                            serializers.ErrorDetail(
                                "This field cannot be written."
                                if name in self.fields
                                else "There is no such field.",
                                "read_only" if name in self.fields else "unknown_field",
                            )
                        ]
                        for name in unknown[:20]
                    }
                )
        return super().to_internal_value(data)


class NameField(serializers.CharField):
    """A name as a reader sees it: nothing invisible, no line breaks."""

    default_error_messages = {"invisible": "Remove the invisible characters."}

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        value = super().to_internal_value(data)
        if has_invisible_characters(value):
            self.fail("invisible")
        return value


class TextField(serializers.CharField):
    """A text; numbers and booleans are not quietly turned into one."""

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class BoundedDateTimeField(IsoDateTimeField):
    def to_python(self, value):
        moment = super().to_python(value)
        if moment is None:
            return None
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise FormError("This moment lies outside the calendar.") from None


class MomentFilter(IsoDateTimeFilter):
    """Compare with an ISO 8601 moment, refusing those no database can hold."""

    field_class = BoundedDateTimeField


class StrictBooleanFilter(TypedChoiceFilter):
    """`true` or `false`; anything else is a 400, not everything."""

    def __init__(self, *args, **kwargs):
        kwargs |= {
            "choices": [("true", "true"), ("false", "false")],
            "coerce": lambda value: value == "true",
        }
        super().__init__(*args, **kwargs)


class StrictFilterSet(FilterSet):
    """A filter set whose wrong values are a 400."""
