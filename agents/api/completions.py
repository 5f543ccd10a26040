"""The door that speaks OpenAI's wire format: models, and chat completions."""

import threading
from collections.abc import Generator
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import re_path
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    OrganizationViewSet,
    idempotency_key,
)
from accounts.errors import DomainError, NotFound
from accounts.models.api_keys import Scope
from agents.completions import answering, requests
from agents.completions import stream as completion_stream
from agents.models.agents import Agent

MOST_MODELS = 1_000
TAG = ["openai"]


class ModelNotFound(DomainError):
    status = 404
    code = "model-not-found"
    detail = "There is no such agent. A model is an agent's public id."
    pointer = "/model"


class ModelShape(serializers.Serializer):
    id = serializers.UUIDField(help_text="The agent's public id")
    object = serializers.ChoiceField(["model"])
    created = serializers.IntegerField()
    owned_by = serializers.CharField()
    name = serializers.CharField()


@extend_schema_serializer(many=False)
class ModelListShape(serializers.Serializer):
    object = serializers.ChoiceField(["list"])
    data = ModelShape(many=True)


class ChatMessageBody(serializers.Serializer):
    role = serializers.ChoiceField(["system", "developer", "user", "assistant"])
    content = serializers.JSONField(help_text="A text, or a list of text parts")


class CompletionBody(serializers.Serializer):
    model = serializers.UUIDField(help_text="The agent's public id")
    messages = ChatMessageBody(many=True)
    stream = serializers.BooleanField(required=False)
    stream_options = serializers.DictField(required=False)
    temperature = serializers.FloatField(required=False, min_value=0, max_value=2)
    max_tokens = serializers.IntegerField(required=False, min_value=1)
    max_completion_tokens = serializers.IntegerField(required=False, min_value=1)
    user = serializers.CharField(required=False, max_length=255)
    metadata = serializers.DictField(required=False, child=serializers.CharField())
    store = serializers.BooleanField(required=False)
    n = serializers.IntegerField(required=False, min_value=1, max_value=1)


class CompletionShape(serializers.Serializer):
    id = serializers.CharField()
    object = serializers.ChoiceField(["chat.completion"])
    created = serializers.IntegerField()
    model = serializers.UUIDField()
    system_fingerprint = serializers.CharField(help_text="The agent's version")
    choices = serializers.ListField(child=serializers.DictField())
    usage = serializers.DictField(child=serializers.IntegerField())
    citations = serializers.ListField(child=serializers.DictField())


def model_as_dict(agent: Agent, owner: str) -> dict[str, Any]:
    return {
        "id": str(agent.public_id),
        "object": "model",
        "created": int(agent.created_at.timestamp()),
        "owned_by": owner,
        "name": agent.name,
    }


class AgentsAsModels(OrganizationViewSet):
    """Views in which an agent that answers is a model."""

    is_body_withheld = True
    admits_bound_keys = True
    actions = {"*": Scope.CHAT}
    pagination_class = None
    queryset = Agent.objects.none()

    def agents(self):
        agents = Agent.objects.for_organization(self.organization)
        if bound := self.principal.bound_agent:
            agents = agents.filter(public_id=bound)
        return agents.filter(is_active=True)


class ModelViewSet(AgentsAsModels):
    """The agents a key may talk with."""

    serializer_class = ModelShape

    @extend_schema(parameters=[ORGANIZATION], responses=ModelListShape, tags=TAG)
    def list(self, request):
        owner = self.organization.name
        newest = self.agents().order_by("-created_at", "-id")
        rows = newest.only("public_id", "created_at", "name")[:MOST_MODELS]
        data = [model_as_dict(agent, owner) for agent in rows]
        return Response({"object": "list", "data": data})

    @extend_schema(parameters=[ORGANIZATION], responses=ModelShape, tags=TAG)
    def retrieve(self, request, pk):
        agent = self.agents().filter(public_id=pk).order_by().first()
        if agent is None:
            raise NotFound
        return Response(model_as_dict(agent, self.organization.name))


class Speech(NamedTuple):
    """A stream whose first words are already there."""

    completion: answering.Completion
    first: str
    rest: Generator[str]


class CompletionViewSet(AgentsAsModels):
    """Answers, whole or word by word."""

    serializer_class = CompletionBody

    def perform_content_negotiation(self, request, force=False):
        return super().perform_content_negotiation(request, force=True)

    def find_agent(self, model: str) -> Agent:
        agents = self.agents().filter(public_id=completion_stream.as_uuid(model))
        agent = agents.select_related("live_version").order_by().first()
        if agent is None:
            raise ModelNotFound
        return agent

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=CompletionBody,
        responses={
            (200, "application/json"): CompletionShape,
            (200, "text/event-stream"): str,
        },
        tags=TAG,
    )
    def create(self, request):
        asked = requests.read(request.data)
        agent, user = self.find_agent(asked.model), self.principal.user
        # A stream is spoken once; only a whole answer can be said again.
        key = None if asked.stream or not asked.store else idempotency_key(request, {})
        if twin := answering.twin_of(agent, user, asked, key):
            return Response(twin, headers={"Idempotency-Replayed": "true"})
        completion = answering.begin(agent=agent, user=user, asked=asked, key=key)
        completion.gone = getattr(request._request, "client_gone", completion.gone)
        words = answering.spoken(completion)
        if asked.stream:
            # An error before the first word is an answer with its own status.
            return Response(Speech(completion, next(words), words))
        for _ in words:
            pass
        return Response(completion.twin or answering.as_dict(completion))


ask_for_completion = CompletionViewSet.as_view({"post": "create"})


async def complete(request: HttpRequest) -> HttpResponseBase:
    """Answer in the request's own thread, and stop when its client is gone."""
    request.client_gone = threading.Event()

    def answer() -> HttpResponseBase | Speech:
        response = ask_for_completion(request)
        if isinstance(response.data, Speech):
            return response.data
        return response.render()

    decision = await completion_stream.in_thread(answer, request.client_gone)
    if isinstance(decision, Speech):
        return completion_stream.respond(*decision)
    return decision


# So that the view is described beside the others.
complete.cls = ask_for_completion.cls
complete.initkwargs = ask_for_completion.initkwargs
complete.actions = ask_for_completion.actions
complete.csrf_exempt = True

openai_urlpatterns = [
    re_path(r"^v1/chat/completions/?$", complete, name="completion-list"),
    re_path(r"^v1/models/?$", ModelViewSet.as_view({"get": "list"}), name="model-list"),
    re_path(
        rf"^v1/models/(?P<pk>{OrganizationViewSet.lookup_value_regex})/?$",
        ModelViewSet.as_view({"get": "retrieve"}),
        name="model-detail",
    ),
]
