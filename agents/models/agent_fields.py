"""What is said about a setting of an agent: once, at its column."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.validators import BaseValidator
from django.db import models

SAME = object()
KINDS = {
    models.BooleanField: bool,
    models.CharField: str,
    models.FloatField: float,
    models.IntegerField: int,
    models.TextField: str,
}


@dataclass(frozen=True, eq=False)
class Setting:
    """A column of Agent that its owners write; the domain alone writes the others.

    Kind, limits, choices and default are the column's.
    """

    column: models.Field
    # Each version keeps it, in a column of the same name; a release makes it live.
    shapes: bool = False
    # The file of an agent carries it.
    in_file: bool = True
    # What a copy has, and an import whose file is silent.
    in_copy: Any = SAME
    # Of a relation: the column of the other row by which bodies name it.
    by: str = ""
    # Its name in the audit log, if that is not its name in bodies.
    recorded_as: str = ""

    @cached_property
    def name(self) -> str:
        return self.column.name

    @cached_property
    def written_as(self) -> str:
        """Its name in bodies, and so in what the domain is asked for."""
        return f"{self.name}_{self.by}" if self.by else self.name

    @property
    def kind(self) -> type | None:
        """The type of its values, dict and list included; None for a relation."""
        if isinstance(self.column, models.JSONField):
            return self.column.default
        kinds = (KINDS[each] for each in KINDS if isinstance(self.column, each))
        return next(kinds, None)

    @property
    def limits(self) -> dict[str, Any]:
        """Its max_length, min_value and max_value, as far as there are any."""
        checks = self.column.validators
        return {c.code: c.limit_value for c in checks if isinstance(c, BaseValidator)}

    @property
    def is_plain(self) -> bool:
        """Whether it is stored as it was written, neither checked nor looked up."""
        return self.kind not in (None, dict, list)

    @property
    def is_required(self) -> bool:
        return not self.column.blank and not self.column.has_default()

    def of(self, row: models.Model) -> Any:
        """Return the value that an agent or a version has, as a body says it."""
        if self.by and self.by != "id":
            return getattr(getattr(row, self.name), self.by, None)
        return getattr(row, self.written_as)

    def told(self, value: Any) -> Any:
        """Return a value of the column as a body says it."""
        return getattr(value, self.by, None) if self.by else value

    def copied(self, value: Any) -> Any:
        """Return what a copy has of a value."""
        return value if self.in_copy is SAME else self.in_copy


def setting(column: models.Field, **said: Any) -> models.Field:
    """Declare a column of Agent as a setting; `said` are fields of Setting."""
    column.setting = Setting(column, **said)
    return column
