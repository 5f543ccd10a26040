"""The REST door to custody: an agent's tests, and the runs that put them to it."""

from typing import Any

from django.db.models import QuerySet
from django_filters import ChoiceFilter, NumberFilter, UUIDFilter
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.fields import (
    StrictBooleanFilter,
    StrictFilterSet,
    StrictSerializer,
    TextField,
)
from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    CreationBody,
    OrganizationViewSet,
    idempotency_key,
)
from accounts.errors import Invalid, NotFound
from accounts.models.api_keys import Scope
from accounts.models.lifecycle import WorkStatus
from agents.custody import runs, suites
from agents.models.agents import Agent
from agents.models.custody import CustodyKind, CustodyResult, CustodyRun, CustodyTest
from metrics.models import Difficulty

RESULTS_SHOWN = 500


class TestFilter(StrictFilterSet):
    agent = UUIDFilter(field_name="agent__public_id")
    kind = ChoiceFilter(choices=CustodyKind.choices)
    is_enabled = StrictBooleanFilter()


class RunFilter(StrictFilterSet):
    agent = UUIDFilter(field_name="agent__public_id")
    version = NumberFilter(
        field_name="version__number", min_value=1, max_value=2**31 - 1
    )
    status = ChoiceFilter(choices=WorkStatus.choices)


class TestEditBody(StrictSerializer):
    name = TextField(max_length=suites.MAX_NAME, required=False)
    kind = serializers.ChoiceField(CustodyKind.choices, required=False)
    question = TextField(max_length=suites.MAX_QUESTION, required=False)
    earlier = serializers.JSONField(required=False, help_text="Questions before it")
    graders = serializers.JSONField(
        required=False, help_text='[{"type": "contains", "value": "thirty days"}]'
    )
    difficulty = serializers.ChoiceField(Difficulty.choices, required=False)
    is_enabled = serializers.BooleanField(required=False)


class NewTestBody(TestEditBody, CreationBody):
    agent_id = serializers.UUIDField(help_text="The agent's public id")
    name = TextField(max_length=suites.MAX_NAME)
    question = TextField(max_length=suites.MAX_QUESTION)
    graders = serializers.JSONField()


class NewRunBody(CreationBody):
    agent_id = serializers.UUIDField(help_text="The agent's public id")
    version = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="A version's number; else the draft, else what is live",
    )


class TestShape(serializers.Serializer):
    id = serializers.UUIDField()
    agent_id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(CustodyKind.choices)
    question = serializers.CharField()
    earlier = serializers.ListField(child=serializers.CharField())
    graders = serializers.ListField(child=serializers.DictField())
    difficulty = serializers.ChoiceField(Difficulty.choices)
    is_enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class RunShape(serializers.Serializer):
    id = serializers.UUIDField()
    agent_id = serializers.UUIDField()
    number = serializers.IntegerField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(WorkStatus.choices)
    passed = serializers.BooleanField(allow_null=True)
    total = serializers.IntegerField()
    passed_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    error = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ResultShape(serializers.Serializer):
    position = serializers.IntegerField()
    pack = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(CustodyKind.choices)
    difficulty = serializers.ChoiceField(Difficulty.choices)
    passed = serializers.BooleanField()
    grades = serializers.ListField(child=serializers.DictField())
    transcript = serializers.ListField(child=serializers.DictField())
    citations = serializers.ListField(child=serializers.DictField())
    duration_ms = serializers.IntegerField()
    tokens = serializers.IntegerField()


class ResultsShape(serializers.Serializer):
    results = ResultShape(many=True)


def test_as_dict(test: CustodyTest) -> dict[str, Any]:
    return {
        "id": test.pk,
        "agent_id": test.agent.public_id,
        **suites.shown(test),
        "created_at": test.created_at,
        "updated_at": test.updated_at,
    }


def run_as_dict(run: CustodyRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "agent_id": run.agent.public_id,
        "number": run.number,
        "version": run.version.number,
        "status": run.status,
        "passed": run.has_passed if run.status == WorkStatus.DONE else None,
        "total": run.total,
        "passed_count": run.passed_count,
        "failed_count": run.failed_count,
        "error": run.last_error if run.status == WorkStatus.FAILED else None,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


def result_as_dict(case: dict[str, Any], result: CustodyResult) -> dict[str, Any]:
    about = {name: case[name] for name in ("pack", "name", "kind", "difficulty")}
    return {
        "position": result.position,
        **about,
        "passed": result.passed,
        "grades": result.grades,
        "transcript": result.transcript,
        "citations": result.citations,
        "duration_ms": result.duration_ms,
        "tokens": result.tokens,
    }


class CustodyViewSet(OrganizationViewSet):
    """What tests and runs share: each belongs to a living agent."""

    actions = {
        "list": Scope.AGENTS_READ,
        "retrieve": Scope.AGENTS_READ,
        "results": Scope.AGENTS_READ,
        "*": Scope.AGENTS_WRITE,
    }
    filter_backends = [DjangoFilterBackend]

    def mine(self, rows: QuerySet) -> QuerySet:
        return rows.filter(
            agent__organization=self.organization, agent__deleted_at=None
        )

    def find(self):
        found = self.get_queryset().filter(pk=self.kwargs["pk"]).order_by().first()
        if found is None:
            raise NotFound
        return found

    def agent_of(self, body: dict[str, Any]) -> Agent:
        """Take the agent a body names, by its public id."""
        agents = Agent.objects.for_organization(self.organization)
        agent = agents.filter(public_id=body.pop("agent_id")).order_by().first()
        if agent is None:
            raise Invalid("There is no such agent.", pointer="/agent_id")
        return agent

    def made(self, body: dict[str, Any], path: str, created: bool) -> Response:
        headers = {"Location": f"/api/v1/{path}/{body['id']}/"}
        if not created:
            headers["Idempotency-Replayed"] = "true"
        return Response(body, 201 if created else 200, headers=headers)


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=TestShape(many=True)),
    retrieve=extend_schema(parameters=[ORGANIZATION], responses=TestShape),
)
class CustodyTestViewSet(CustodyViewSet):
    """Questions an agent must answer in a certain way before it goes live."""

    queryset = CustodyTest.objects.none()
    serializer_class = TestShape
    filterset_class = TestFilter

    def get_queryset(self):
        rows = CustodyTest.objects.select_related("agent").order_by(
            "-created_at", "-id"
        )
        return self.mine(rows)

    def get_serializer_class(self):
        return {"create": NewTestBody, "partial_update": TestEditBody}.get(
            self.action, TestShape
        )

    def list(self, request):
        return self.list_page(self.filter_queryset(self.get_queryset()), test_as_dict)

    def retrieve(self, request, pk):
        return Response(test_as_dict(self.find()))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=NewTestBody,
        responses={201: TestShape, 200: TestShape},
    )
    def create(self, request):
        body = self.body()
        key = idempotency_key(request, body)
        body.pop("idempotency_key", None)
        test, created = suites.create_test(
            agent=self.agent_of(body),
            created_by=self.principal.user,
            idempotency_key=key,
            **body,
        )
        return self.made(test_as_dict(test), "custody-tests", created)

    @extend_schema(parameters=[ORGANIZATION], request=TestEditBody, responses=TestShape)
    def partial_update(self, request, pk):
        test = suites.update_test(
            test=self.find(), actor=self.principal.user, changes=self.body()
        )
        return Response(test_as_dict(test))

    @extend_schema(parameters=[ORGANIZATION], responses={204: None})
    def destroy(self, request, pk):
        suites.delete_test(test=self.find(), actor=self.principal.user)
        return Response(status=204)


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=RunShape(many=True)),
    retrieve=extend_schema(parameters=[ORGANIZATION], responses=RunShape),
)
class CustodyRunViewSet(CustodyViewSet):
    """All tests and attacks put to one version of an agent."""

    statuses = {"create": 202}
    queryset = CustodyRun.objects.none()
    serializer_class = RunShape
    filterset_class = RunFilter

    def get_queryset(self):
        rows = CustodyRun.objects.select_related("agent", "version").defer("cases")
        return self.mine(rows)

    def get_serializer_class(self):
        return NewRunBody if self.action == "create" else RunShape

    def list(self, request):
        return self.list_page(self.filter_queryset(self.get_queryset()), run_as_dict)

    def retrieve(self, request, pk):
        return Response(run_as_dict(self.find()))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=NewRunBody,
        responses={202: RunShape, 200: RunShape},
    )
    def create(self, request):
        body = self.body()
        key = idempotency_key(request, body)
        agent = self.agent_of(body)
        number, version = body.get("version"), None
        if number is not None:
            version = agent.versions.filter(number=number).first()
            if version is None:
                raise Invalid("There is no such version.", pointer="/version")
        run, created = runs.start_run(
            agent=agent,
            started_by=self.principal.user,
            version=version,
            idempotency_key=key,
        )
        response = self.made(run_as_dict(run), "custody-runs", created)
        # What was asked for is still to be done.
        response.status_code = 202 if created else 200
        return response

    @extend_schema(parameters=[ORGANIZATION], responses=ResultsShape, filters=False)
    @action(detail=True, pagination_class=None)
    def results(self, request, pk):
        """Every result so far, in the order of the cases."""
        run = self.find()
        found = run.results.all()[:RESULTS_SHOWN]
        return Response(
            {"results": [result_as_dict(run.cases[one.position], one) for one in found]}
        )
