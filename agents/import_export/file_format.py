"""The file an agent travels in: JSON of a fixed form, with no id and no secret."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    create_model,
)

from accounts.errors import DomainError
from accounts.text import has_invisible_characters
from agents.configuration.origins import MAX_ORIGINS
from agents.custody.suites import MAX_TESTS
from agents.knowledge.documents import MAX_CONTENT, MAX_TITLE, MAX_URL
from agents.lifecycle.creation import InvalidAgent
from agents.models.agent_fields import Setting
from agents.models.agents import SETTINGS, SHAPING_SETTINGS
from agents.models.knowledge import Language
from agents.models.personas import DomainExpertiseType
from agents.models.versions import VersionOrigin

FORMAT = "youragent.agent"
VERSION = 1
MAX_BYTES = 8 * 2**20
MAX_VERSIONS = 200
MAX_DOCUMENTS = 500
MAX_PERSONA_PROMPT = 20_000
MOST_ERRORS = 50


def visible(text: str) -> str:
    if has_invisible_characters(text):
        raise ValueError("Remove the invisible characters")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
    AfterValidator(visible),
]
PersonaPrompt = Annotated[str, Field(max_length=MAX_PERSONA_PROMPT)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=50)]
Description = Annotated[str, Field(max_length=2000)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class PersonaPart(Part):
    """A persona of the organization's own; built-in ones travel by their key."""

    key: Key
    name: Annotated[Name, Field(max_length=100)]
    domain: Literal[tuple(DomainExpertiseType.values)]
    system_prompt: Annotated[str, Field(min_length=1, max_length=MAX_PERSONA_PROMPT)]
    tactics: dict[str, Any] = {}


# What a file says of these in a form of its own.
OWN_FORMS = {
    "name": Name,
    "persona": Key | None,
    "allowed_origins": Annotated[
        list[Annotated[str, Field(max_length=300)]], Field(max_length=MAX_ORIGINS)
    ],
}
LIMITS = {"max_length": "max_length", "min_value": "ge", "max_value": "le"}


def form_of(setting: Setting) -> Any:
    """Return what a file may say of a setting: limits as its column has them."""
    if setting.name in OWN_FORMS:
        return OWN_FORMS[setting.name]
    if choices := setting.column.choices:
        return Literal[tuple(value for value, _ in choices)]
    limits = {LIMITS[name]: limit for name, limit in setting.limits.items()}
    form = Annotated[setting.kind, Field(**limits)]
    return form | None if setting.column.null else form


def parts_of(settings: Iterable[Setting], **beside: Any) -> dict[str, Any]:
    """Return the fields of a part, each with what it is where the file is silent.

    `beside` has further ones by the name of the setting they stand behind.
    """
    fields = {}
    for each in settings:
        if each.in_file:
            usual = each.copied(each.column.get_default())
            fields[each.name] = (form_of(each), ... if each.is_required else usual)
        fields |= beside.get(each.name, {})
    return fields


AgentPart = create_model("AgentPart", __base__=Part, **parts_of(SETTINGS))


class VersionFacts(Part):
    number: Annotated[int, Field(ge=1, le=1_000_000)]
    origin: Literal[tuple(VersionOrigin.values)] = "edit"
    note: Annotated[str, Field(max_length=500)] = ""
    parent: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    created_at: Annotated[str, Field(max_length=40)] | None = None


VersionPart = create_model(
    "VersionPart",
    __base__=VersionFacts,
    **parts_of(
        SHAPING_SETTINGS,
        persona={"persona_prompt": (PersonaPrompt, "")},
        # Whether it answers from the knowledge in this file.
        knowledge_pack={"uses_knowledge": (bool, False)},
    ),
)


class TestPart(Part):
    name: str
    kind: str = "behaviour"
    question: str
    earlier: list[str] = []
    graders: list[dict[str, Any]]
    difficulty: str = "basic"
    is_enabled: bool = True


class DocumentPart(Part):
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    content: Annotated[str, Field(min_length=1, max_length=MAX_CONTENT)]
    source_url: Annotated[str, Field(max_length=MAX_URL)] = ""


class KnowledgePart(Part):
    name: Name
    description: Description = ""
    language: Literal[tuple(Language.values)] = "english"
    documents: Annotated[list[DocumentPart], Field(max_length=MAX_DOCUMENTS)] = []


class AgentFile(Part):
    """One agent: what it is now, how it came to be, its tests and its knowledge."""

    format: Literal["youragent.agent"]
    version: Literal[1]
    exported_at: Annotated[str, Field(max_length=40)] | None = None
    agent: AgentPart
    personas: Annotated[list[PersonaPart], Field(max_length=50)] = []
    versions: Annotated[list[VersionPart], Field(max_length=MAX_VERSIONS)] = []
    live_version: int | None = None
    draft_version: int | None = None
    tests: Annotated[list[TestPart], Field(max_length=MAX_TESTS)] = []
    knowledge: KnowledgePart | None = None


class InvalidFile(InvalidAgent):
    """The file is not an agent's, or something in it breaks a rule."""

    code = "invalid-agent-file"


def read(value: Any) -> AgentFile:
    """Return a file's content as it is declared, or raise InvalidFile.

    Only its form is judged here; what its parts mean is for those they belong to.
    """
    if not isinstance(value, dict):
        raise InvalidFile([_problem("", "invalid_type", "Expected an object.")])
    try:
        found = AgentFile.model_validate(value)
    except ValidationError as error:
        found = error.errors(
            include_url=False, include_input=False, include_context=False
        )
        raise InvalidFile(
            [
                _problem(_pointer(item["loc"]), item["type"], _words(item["msg"]))
                for item in found[:MOST_ERRORS]
            ]
        ) from None
    if problems := [*_of_versions(found), *_of_personas(found)]:
        raise InvalidFile(problems[:MOST_ERRORS])
    if not found.versions:
        found.versions, found.live_version = [_only_version(found)], 1
    return found


def _only_version(file: AgentFile) -> VersionPart:
    """Return the one version of an agent whose file tells no history."""
    return VersionPart(
        number=1,
        uses_knowledge=file.knowledge is not None,
        **{name: getattr(file.agent, name) for name in parts_of(SHAPING_SETTINGS)},
    )


def _of_versions(file: AgentFile) -> list[dict[str, str]]:
    numbers = [each.number for each in file.versions]
    found = []
    for place, (number, before) in enumerate(
        zip(numbers[1:], numbers, strict=False), 1
    ):
        if number <= before:
            found.append(
                _problem(
                    f"/versions/{place}/number", "order", "Versions go from old to new."
                )
            )
    for name in ("live_version", "draft_version"):
        if getattr(file, name) not in (None, *numbers):
            found.append(_problem(f"/{name}", "unknown", "There is no such version."))
    if numbers and file.live_version is None:
        found.append(_problem("/live_version", "missing", "One of them is live."))
    return found


def _of_personas(file: AgentFile) -> list[dict[str, str]]:
    keys = [each.key for each in file.personas]
    return [
        _problem(f"/personas/{place}/key", "duplicate", "Two have this key.")
        for place, key in enumerate(keys)
        if key in keys[:place]
    ]


def at(pointer: str, error: DomainError) -> InvalidFile:
    """Return a part's refusal as the file's, its pointers beginning at the part."""
    members = error.members()
    whole = {"pointer": "", "code": error.code.replace("-", "_")}
    return InvalidFile(
        [
            _problem(pointer + item["pointer"], item["code"], item["detail"])
            for item in members["errors"] or [whole | {"detail": error.detail}]
        ]
    )


def _words(message: str) -> str:
    return f"{message.removeprefix('Value error, ')}."


def _pointer(location: tuple[int | str, ...]) -> str:
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    return "".join(f"/{part[:100]}" for part in parts)


def _problem(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}
