"""What an agent and its widget can be set to; unknown keys are kept."""

import json
import re
from typing import Annotated, Any, Literal

import tinycss2
from django.conf import settings
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    field_validator,
)

MAX_DEPTH = 5
MAX_KEYS = 500
MAX_BYTES = 32 * 1024


class Configuration(BaseModel):
    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


# Whether visitors get a person: never, when they ask, also offered by the agent.
Handover = Literal["off", "on_request", "offer"]
WAIT_MINUTES = 5


class AgentConfig(Configuration):
    model: StrictStr = Field(
        default_factory=lambda: settings.LLM_MODEL, min_length=1, max_length=200
    )
    temperature: float = Field(0.7, ge=0, le=2, strict=True)
    max_tokens: StrictInt = Field(1000, ge=1, le=4000)
    memory_enabled: StrictBool = True
    context_optimization: StrictBool = True
    response_time_target: float = Field(2.0, gt=0, le=600, strict=True)
    quality_threshold: float = Field(0.8, ge=0, le=1, strict=True)
    handover: Handover = "on_request"
    # How long a visitor waits for a person before we say that nobody came.
    handover_wait_minutes: StrictInt = Field(WAIT_MINUTES, ge=1, le=1440)


Theme = Literal["modern", "classic", "minimal", "dark"]
Position = Literal["bottom-right", "bottom-left", "top-right", "top-left"]
Size = Literal["small", "medium", "large"]
Animation = Literal["slide-up", "fade", "none"]


class WidgetConfig(Configuration):
    theme: Theme | None = "modern"
    position: Position | None = "bottom-right"
    size: Size | None = "medium"
    animation: Animation | None = "slide-up"
    branding: StrictBool | None = True
    sound_enabled: StrictBool | None = False
    typing_indicator: StrictBool | None = True
    quick_replies: StrictBool | None = True
    welcome_message: Annotated[StrictStr, Field(max_length=2000)] | None = None
    custom_css: Annotated[StrictStr, Field(max_length=10_000)] | None = None

    @field_validator("custom_css")
    @classmethod
    def css_is_harmless(cls, value: str | None) -> str | None:
        if value and (offence := find_css_offence(value)):
            raise ValueError(offence)
        return value


class InvalidConfiguration(Exception):
    """Problems as {pointer, code, detail}, pointers relative to the configuration."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        self.errors = errors
        super().__init__(errors[0]["detail"])


def validated(model: type[Configuration], value: Any) -> dict[str, Any]:
    """Return the configuration with its defaults filled in, or raise.

    At most 5 levels, 500 keys and 32 KiB.
    """
    if not isinstance(value, dict):
        raise InvalidConfiguration([_error("", "invalid_type", "Expected an object.")])
    _check_size(value)
    try:
        return model.model_validate(value).model_dump(mode="json")
    except ValidationError as error:
        raise InvalidConfiguration(
            [
                _error(
                    "".join(f"/{part}" for part in item["loc"] if part in value),
                    item["type"],
                    item["msg"].removeprefix("Value error, "),
                )
                for item in error.errors(include_url=False, include_input=False)
            ]
        ) from None


def _error(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}


def _check_size(value: dict[str, Any]) -> None:
    keys, depth = _measure(value)
    if depth > MAX_DEPTH:
        message = f"Nested deeper than {MAX_DEPTH} levels."
        raise InvalidConfiguration([_error("", "nested_too_deeply", message)])
    if keys > MAX_KEYS:
        message = f"More than {MAX_KEYS} keys."
        raise InvalidConfiguration([_error("", "too_many_keys", message)])
    if len(json.dumps(value).encode()) > MAX_BYTES:
        raise InvalidConfiguration([_error("", "too_large", "Larger than 32 KiB.")])


def _measure(value: Any) -> tuple[int, int]:
    if isinstance(value, dict):
        inner = [_measure(item) for item in value.values()]
        own = len(value)
    elif isinstance(value, list):
        inner, own = [_measure(item) for item in value], 0
    else:
        return 0, 0
    return own + sum(keys for keys, _ in inner), 1 + max(
        (depth for _, depth in inner), default=0
    )


# --- custom_css -------------------------------------------------------------
ALLOWED_PROPERTIES = frozenset(
    [
        "color",
        "background-color",
        "border",
        "border-color",
        "border-width",
        "border-style",
        "border-radius",
        "border-top",
        "border-right",
        "border-bottom",
        "border-left",
        "box-shadow",
        "font-family",
        "font-size",
        "font-style",
        "font-weight",
        "letter-spacing",
        "line-height",
        "text-align",
        "text-decoration",
        "text-transform",
        "margin",
        "margin-top",
        "margin-right",
        "margin-bottom",
        "margin-left",
        "margin-inline",
        "margin-block",
        "padding",
        "padding-top",
        "padding-right",
        "padding-bottom",
        "padding-left",
        "padding-inline",
        "padding-block",
        "gap",
        "opacity",
        "max-width",
        "min-height",
        "outline",
        "outline-color",
    ]
)
REFUSED_FUNCTIONS = frozenset({"url", "image-set", "image", "src", "attr", "element"})
CLASS_SELECTOR = re.compile(r"\A[\s.,>:()a-zA-Z0-9_-]+\Z")


def find_css_offence(css: str) -> str | None:
    """Say what in a style sheet is not allowed, or None.

    Only qualified rules with class and element selectors, allow-listed properties
    and variables; nothing that loads, moves out of place or spells text.
    """
    if "\\" in css or "<" in css or "\x00" in css:
        return "Escapes and markup are not allowed."
    for rule in tinycss2.parse_stylesheet(
        css, skip_comments=True, skip_whitespace=True
    ):
        if rule.type == "at-rule":
            return f"@{rule.at_keyword} is not allowed."
        if rule.type != "qualified-rule":
            return "This is not valid CSS."
        selector = tinycss2.serialize(rule.prelude).strip()
        if not CLASS_SELECTOR.match(selector):
            return f"The selector {selector[:60]} is not allowed."
        for item in tinycss2.parse_blocks_contents(
            rule.content, skip_comments=True, skip_whitespace=True
        ):
            if offence := _declaration_offence(item):
                return offence
    return None


def _declaration_offence(item: Any) -> str | None:
    if item.type != "declaration":
        return "Only declarations may stand in a rule."
    name = item.lower_name
    if name not in ALLOWED_PROPERTIES and not name.startswith("--ya-"):
        return f"The property {name} is not allowed."
    if item.important:
        return "!important is not allowed."
    return _value_offence(item.value)


def _value_offence(tokens: list[Any]) -> str | None:
    for token in tokens:
        if token.type in ("url", "bad-url", "error", "{} block"):
            return "Addresses are not allowed in values."
        if token.type == "function":
            if token.lower_name in REFUSED_FUNCTIONS:
                return f"{token.lower_name}() is not allowed."
            if offence := _value_offence(token.arguments):
                return offence
        if token.type == "() block" and (offence := _value_offence(token.content)):
            return offence
    return None
