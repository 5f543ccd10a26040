"""What may be recorded: strict shapes, one for every door."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self, TypeVar

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    StrictInt,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from accounts.errors import DomainError
from metrics.models import (
    AGENT_TYPE,
    MAX_COUNT,
    RESERVED_TYPES,
    Difficulty,
    Priority,
    Status,
)

MAX_AWARD = 10_000
MAX_LEARNING_SCORE = 1e12
MAX_DURATION = 1e9
MAX_ENTRIES = 100
MAX_ENTRY_BYTES = 4096
MAX_SETTINGS_BYTES = 32 * 1024
FUTURE = timedelta(minutes=5)


class InvalidMetrics(DomainError):
    """Several values break rules; each has its pointer."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__(errors[0]["detail"])
        self.errors = errors

    def members(self) -> dict[str, Any]:
        return {"code": self.code, "detail": self.detail, "errors": self.errors}


def _whole_if_it_is(number: float) -> float:
    return int(number) if number == int(number) else number


def _number(least: float, most: float) -> Any:
    field = Field(strict=True, ge=least, le=most, allow_inf_nan=False)
    return Annotated[
        float,
        field,
        AfterValidator(_whole_if_it_is),
        PlainSerializer(lambda value: value),
    ]


def _moment(value: Any) -> datetime:
    """Read ISO 8601; a moment without a zone is UTC."""
    if isinstance(value, str):
        value = parse_datetime(value)
    if not isinstance(value, datetime):
        raise ValueError("Use a date and time as ISO 8601 has them.")
    try:
        value = value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise ValueError("This moment lies outside the calendar.") from None
    if value > timezone.now() + FUTURE:
        raise ValueError("This moment lies in the future.")
    return value


def _bounded(most: int) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if len(json.dumps(value).encode()) > most:
            raise ValueError(f"Larger than {most} bytes.")
        return value

    return check


Count = Annotated[StrictInt, Field(ge=0, le=MAX_COUNT)]
Level = Annotated[StrictInt, Field(ge=1, le=MAX_COUNT)]
Award = Annotated[StrictInt, Field(ge=0, le=MAX_AWARD)]
Rate = Annotated[_number(0, 1), AfterValidator(lambda rate: round(float(rate), 4))]
Score = _number(0, 100)
Duration = _number(0, MAX_DURATION)
LearningScore = Annotated[_number(0, MAX_LEARNING_SCORE), AfterValidator(float)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Entry = Annotated[
    Any,
    AfterValidator(_bounded(MAX_ENTRY_BYTES)),
    WithJsonSchema({"type": "string", "description": "Or any other JSON value"}),
]


def _newest(value: Any) -> Any:
    """Leave the last entries of a long list, which a scoreboard keeps no more of."""
    return value[-MAX_ENTRIES:] if isinstance(value, list) else value


Entries = Annotated[list[Entry], BeforeValidator(_newest)]
Settings = Annotated[
    Any,
    AfterValidator(_bounded(MAX_SETTINGS_BYTES)),
    WithJsonSchema({"type": "object", "nullable": True}),
]


class Body(BaseModel):
    """Refuse fields nobody knows, rather than drop them in silence."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    def as_json(self) -> dict[str, Any]:
        """Return what was sent, as JSON keeps it."""
        return self.model_dump(mode="json", exclude_unset=True)


class CustodyResult(Body):
    """The outcome of one custody test."""

    passed: StrictBool
    score: Score
    duration: Duration = 0
    timestamp: Moment = Field(default_factory=timezone.now)
    # Left out, it is the usual award; nothing else is None.
    xp_awarded: Award = None
    is_winner: StrictBool = False


class LearningUpdate(Body):
    """What an agent learned; at least one of these."""

    learning_score: LearningScore = 0.0
    learning_cycles: Count = 1
    xp_awarded: Count = 0
    success_rate: Rate = 0.0
    failure_rate: Rate = 0.0
    learning_patterns: Entries = []
    improvement_suggestions: Entries = []

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("Say at least one thing that was learned.")
        if self.success_rate + self.failure_rate > 1 + 1e-9:
            raise ValueError("success_rate and failure_rate are more than 1 together.")
        return self


class HistoryEntry(Body):
    """One remembered test of `test_history`."""

    score: Score
    passed: StrictBool
    duration: Duration = 0
    timestamp: Moment | None = None
    xp_awarded: Count = 0
    difficulty: Difficulty = Difficulty.BASIC


class MetricsUpdate(Body):
    """Any of the scoreboard's columns, as a PUT sets them."""

    learning_score: LearningScore = 0.0
    success_rate: Rate = 0.0
    failure_rate: Rate = 0.0
    pass_rate: Rate = 0.0
    total_learning_cycles: Count = 0
    xp: Count = 0
    level: Level = 1
    prestige: Count = 0
    current_difficulty: Difficulty = Difficulty.BASIC
    total_tests_given: Count = 0
    total_tests_passed: Count = 0
    total_tests_failed: Count = 0
    consecutive_successes: Count = 0
    consecutive_failures: Count = 0
    last_test_date: Moment | None = None
    test_history: Annotated[list[HistoryEntry], BeforeValidator(_newest)] = []
    custody_level: Level = 1
    custody_xp: Count = 0
    adversarial_wins: Count = 0
    learning_patterns: Entries = []
    improvement_suggestions: Entries = []
    status: Status = Status.IDLE
    is_active: StrictBool = True
    priority: Priority = Priority.MEDIUM
    capabilities: Settings = None
    config: Settings = None

    def as_json(self) -> dict[str, Any]:
        found = super().as_json()
        if "test_history" in found:
            found["test_history"] = [
                entry.model_dump(mode="json") for entry in self.test_history
            ]
        return found


READ_ONLY = {"id", "agent_id", "agent_type", "organization", "created_at", "updated_at"}
AnyBody = TypeVar("AnyBody", bound=Body)


def read(model: type[AnyBody], value: Any, pointer: str = "") -> AnyBody:
    """Return the validated body; raise InvalidMetrics with pointers under `pointer`."""
    if not isinstance(value, dict):
        raise InvalidMetrics([error_at(pointer, "invalid_type", "Expected an object.")])
    try:
        return model.model_validate(value)
    except ValidationError as invalid:
        found = invalid.errors(include_url=False, include_input=False)
        raise InvalidMetrics([_plain(item, pointer) for item in found[:50]]) from None


def read_type(agent_type: str, pointer: str = "/agent_type") -> str:
    """Return the lower-case name of an agent type, or refuse it."""
    name = agent_type.lower()
    if not AGENT_TYPE.regex.fullmatch(name):
        raise InvalidMetrics([error_at(pointer, "invalid", AGENT_TYPE.message)])
    if name in RESERVED_TYPES:
        detail = "This name is a path of the API."
        raise InvalidMetrics([error_at(pointer, "reserved", detail)])
    return name


def error_at(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}


def pointer_to(*parts: Any) -> str:
    """Write a JSON pointer."""
    return "".join(
        f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts
    )


def _plain(item: Any, pointer: str) -> dict[str, str]:
    where = pointer + pointer_to(*item["loc"])
    if item["type"] == "missing":
        return error_at(where, "required", "This field is required.")
    if item["type"] == "extra_forbidden":
        if item["loc"][-1] in READ_ONLY:
            return error_at(where, "read_only", "This field cannot be written.")
        return error_at(where, "unknown_field", "There is no such field.")
    return error_at(where, item["type"], item["msg"].removeprefix("Value error, "))


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the shape for the API's description, in one piece and as OpenAPI 3.0."""
    schema = model.model_json_schema()
    return _inlined(schema, schema.pop("$defs", {}))


def _inlined(node: Any, parts: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, parts) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(parts[node["$ref"].rpartition("/")[2]], parts)
    if {"type": "null"} in node.get("anyOf", []):
        only = next(item for item in node["anyOf"] if item != {"type": "null"})
        return _inlined(only, parts) | {"nullable": True}
    if "const" in node:
        node = {key: item for key, item in node.items() if key != "const"} | {
            "enum": [node["const"]]
        }
    return {
        key: _inlined(item, parts)
        for key, item in node.items()
        # A property may have the name `title`.
        if not (key == "title" and isinstance(item, str))
        and not (key == "default" and item is None)
    }
