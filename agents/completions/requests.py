"""Read a chat completion's request as OpenAI's clients write it.

What has an effect here is read, what asks for nothing is let pass, and all else is
refused by its name: a parameter that was silently dropped would be a wrong answer.
"""

from dataclasses import dataclass, field
from typing import Any

from accounts.errors import DomainError
from agents.llm.provider import Said
from agents.replies.generation import MAX_HISTORY
from agents.replies.questions import MAX_QUESTION

MAX_MESSAGES = 100
MAX_CHARACTERS = 40_000
MAX_METADATA = 16
MAX_NAME = 64
MAX_VALUE = 512
MAX_USER = 255
INSTRUCTIONS = {"system", "developer"}
SPOKEN = {"user", "assistant"}
CONTEXT = "The calling program adds this context:\n"
READ = {
    *("model", "messages", "stream", "stream_options", "temperature", "max_tokens"),
    *("max_completion_tokens", "user", "metadata", "store", "n"),
}
# Parameters without an effect here, and the values that ask for none.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "function_call": ("none",),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "parallel_tool_calls": (True, False),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "stop": ([],),
    "tool_choice": ("none",),
    "tools": ([],),
    "top_logprobs": (0,),
    "top_p": (1,),
}
# Hints by OpenAI's own word: an answer may be the same without them.
HINTS = {"seed", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"}
KNOWN_ELSEWHERE = {
    *("audio", "moderation", "prediction", "prompt_cache_options"),
    *("reasoning_effort", "verbosity", "web_search_options"),
}


class Refused(DomainError):
    """A parameter that cannot be carried out; the pointer names it."""

    status = 400

    def __init__(self, detail: str, pointer: str, code: str = "invalid-value"):
        super().__init__(detail, pointer=pointer)
        self.code = code


@dataclass(frozen=True)
class Asked:
    """What one request wants."""

    model: str
    question: str
    history: tuple[Said, ...]
    # What the client calls system messages: no instructions here, but context.
    context: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    temperature: float | None = None
    max_tokens: int | None = None
    user: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    store: bool = True

    @property
    def said_before(self) -> tuple[Said, ...]:
        """Return what the model hears before the question, in a visitor's place."""
        if not self.context:
            return self.history
        return (Said("user", CONTEXT + "\n\n".join(self.context)), *self.history)


def read(body: Any) -> Asked:
    """Read a request's body. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused("The body is an object.", "")
    _refuse_others(body)
    told = {name: value for name, value in body.items() if value is not None}
    if told.get("n", 1) != 1 or isinstance(told.get("n"), bool):
        raise Refused("One answer a request: n is 1.", "/n", "unsupported-value")
    options = _one(told, "stream_options", dict, {})
    if unknown := sorted(options.keys() - {"include_usage", "include_obfuscation"}):
        raise Refused("There is no such option.", f"/stream_options/{unknown[0]}")
    stream = _one(told, "stream", bool, False)
    if options and not stream:
        raise Refused("Only with stream.", "/stream_options")
    context, spoken = _messages(told.get("messages"))
    return Asked(
        model=_one(told, "model", str, ""),
        question=spoken[-1].content,
        history=tuple(spoken[:-1][-MAX_HISTORY:]),
        context=tuple(context),
        stream=stream,
        include_usage=_one(options, "include_usage", bool, False, "/stream_options"),
        temperature=_number(told, "temperature", 0, 2),
        max_tokens=_most_tokens(told),
        user=_user(told),
        metadata=_metadata(told),
        store=_one(told, "store", bool, True),
    )


def _refuse_others(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if value is None or name in READ or name in HINTS:
            continue
        if name in NEUTRAL:
            if any(_same(value, neutral) for neutral in NEUTRAL[name]):
                continue
        elif name not in KNOWN_ELSEWHERE:
            raise Refused(
                "There is no such parameter.",
                f"/{name[:MAX_NAME]}",
                "unknown-parameter",
            )
        raise Refused(
            f"{name} is not supported here.", f"/{name}", "unsupported-parameter"
        )


def _same(value: Any, neutral: Any) -> bool:
    # True is 1 to Python, and is not to JSON.
    return value == neutral and isinstance(value, bool) == isinstance(neutral, bool)


def _one(told: dict, name: str, kind: type, default: Any, under: str = "") -> Any:
    value = told.get(name, default)
    if not isinstance(value, kind):
        words = {str: "a text", bool: "true or false", dict: "an object"}[kind]
        raise Refused(f"{name} is {words}.", f"{under}/{name}")
    return value


def _number(told: dict[str, Any], name: str, least: float, most: float) -> Any:
    value = told.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        raise Refused(f"{name} is a number from {least} to {most:,}.", f"/{name}")
    return value


def _most_tokens(told: dict[str, Any]) -> int | None:
    asked = [
        _number(told, name, 1, 1_000_000)
        for name in ("max_completion_tokens", "max_tokens")
    ]
    given = [int(number) for number in asked if number is not None]
    return min(given, default=None)


def _user(told: dict[str, Any]) -> str:
    user = _one(told, "user", str, "")
    if len(user) > MAX_USER or not user.isprintable():
        raise Refused(f"At most {MAX_USER} visible characters.", "/user")
    return user


def _metadata(told: dict[str, Any]) -> dict[str, str]:
    metadata = _one(told, "metadata", dict, {})
    if len(metadata) > MAX_METADATA:
        raise Refused(f"At most {MAX_METADATA} pairs.", "/metadata")
    for name, value in metadata.items():
        if not isinstance(value, str) or len(value) > MAX_VALUE or len(name) > MAX_NAME:
            raise Refused(
                f"Names of at most {MAX_NAME} and texts of at most {MAX_VALUE} "
                "characters.",
                f"/metadata/{name[:MAX_NAME]}",
            )
    return metadata


def _messages(rows: Any) -> tuple[list[str], list[Said]]:
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_MESSAGES:
        raise Refused(f"1 to {MAX_MESSAGES} messages.", "/messages")
    context, spoken, length = [], [], 0
    for number, row in enumerate(rows):
        pointer = f"/messages/{number}"
        role, content = _message(row, pointer)
        length += len(content)
        if role in INSTRUCTIONS:
            context.append(content)
        else:
            spoken.append(Said(role, content))
    if length > MAX_CHARACTERS:
        raise Refused(
            f"At most {MAX_CHARACTERS:,} characters together.",
            "/messages",
            "context-length-exceeded",
        )
    last = f"/messages/{len(rows) - 1}"
    if not spoken or spoken[-1].role != "user" or rows[-1]["role"] != "user":
        raise Refused("The last message is the user's.", f"{last}/role")
    if not 1 <= len(spoken[-1].content.strip()) <= MAX_QUESTION:
        raise Refused(f"1 to {MAX_QUESTION:,} characters.", f"{last}/content")
    return context, spoken


def _message(row: Any, pointer: str) -> tuple[str, str]:
    if not isinstance(row, dict):
        raise Refused("A message is an object.", pointer)
    role = row.get("role")
    if role not in INSTRUCTIONS | SPOKEN:
        raise Refused(
            "A role is system, developer, user or assistant.", f"{pointer}/role"
        )
    if unknown := sorted(
        name
        for name, value in row.items()
        if value not in (None, [])
        and name not in {"role", "content", "name", "refusal"}
    ):
        raise Refused(
            f"{unknown[0][:MAX_NAME]} is not supported here.",
            f"{pointer}/{unknown[0][:MAX_NAME]}",
            "unsupported-parameter",
        )
    return role, _content(row.get("content"), f"{pointer}/content")


def _content(content: Any, pointer: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        raise Refused("A text, or a list of text parts.", pointer)
    texts = [_part(part, f"{pointer}/{n}") for n, part in enumerate(content)]
    return "\n".join(texts)


def _part(part: Any, pointer: str) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    if not isinstance(text, str) or part.get("type") != "text":
        raise Refused(
            "Only parts of type text: images, audio and files are not read.",
            f"{pointer}/type",
            "unsupported-content",
        )
    return text
