"""The pages of an agent's tests, and of the runs that put them to it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.errors import DomainError
from accounts.views.access import page, principal_of
from accounts.views.forms.forms import DomainForm
from agents.custody import overviews, runs, suites
from agents.custody.graders import GRADERS, MAX_VALUE
from agents.models.custody import CustodyKind
from agents.views.agents import find_agent
from agents.views.forms.fields import LongTextField
from metrics.models import Difficulty

RUNS_PER_PAGE = 10
ROWS = 3


class CustodyTestForm(DomainForm):
    """A test with up to three graders, as a page without scripts can ask for it."""

    name = forms.CharField(
        max_length=suites.MAX_NAME,
        help_text="What must be so, in one sentence: “Asked about refunds, it cites "
        "the returns policy”.",
    )
    question = LongTextField(
        max_length=suites.MAX_QUESTION, widget=forms.Textarea(attrs={"rows": 3})
    )
    kind = forms.ChoiceField(choices=CustodyKind.choices)
    difficulty = forms.ChoiceField(choices=Difficulty.choices)
    is_enabled = forms.BooleanField(
        label="Part of every run", required=False, initial=True
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(name, one.label) for name, one in GRADERS.items()]
        for number in range(ROWS):
            first = number == 0
            self.fields[f"type_{number}"] = forms.ChoiceField(
                label=f"The answer ({number + 1})",
                choices=offered if first else [("", "nothing more"), *offered],
                required=first,
            )
            self.fields[f"value_{number}"] = forms.CharField(
                label=f"Words, pattern, title or number ({number + 1})",
                max_length=MAX_VALUE,
                required=False,
            )

    @property
    def grader_rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"type_{n}"], self[f"value_{n}"]) for n in range(ROWS)]

    @staticmethod
    def initial_of(test) -> dict[str, Any]:
        shown = suites.shown(test)
        for number, grader in enumerate(shown.pop("graders")[:ROWS]):
            shown[f"type_{number}"] = grader["type"]
            shown[f"value_{number}"] = grader.get("value", "")
        return shown

    def arguments(self) -> dict[str, Any]:
        """Return what the domain is told."""
        known = ("name", "question", "kind", "difficulty", "is_enabled")
        values = {name: self.cleaned_data[name] for name in known}
        return values | {"graders": list(self._graders())}

    def _graders(self):
        for number in range(ROWS):
            name = self.cleaned_data[f"type_{number}"]
            value = self.cleaned_data[f"value_{number}"].strip()
            if not name:
                continue
            if GRADERS[name].value is int and value.isascii() and value.isdigit():
                value = int(value)
            yield {"type": name, "value": value} if value != "" else {"type": name}

    def refuse(self, error: DomainError) -> None:
        """Show what is wrong with the n-th grader at the n-th row."""
        written = [n for n in range(ROWS) if self.cleaned_data.get(f"type_{n}")]
        others = False
        for item in error.members().get("errors") or [{}]:
            match item.get("pointer", "").split("/"):
                case ["", "graders", number, *rest]:
                    name = rest[0] if rest else "value"
                    self.add_error(f"{name}_{written[int(number)]}", item["detail"])
                case _:
                    others = True
        if others:
            super().refuse(error)


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:read")
def tests(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show an agent's tests and its latest runs; a POST starts one."""
    agent = find_agent(request, public_id)
    if request.method == "POST":
        return _start(request, agent)
    listed = Paginator(overviews.runs_of(agent), RUNS_PER_PAGE)
    context = {
        "agent": agent,
        "tests": overviews.tests_of(agent),
        "packs": overviews.attack_packs(),
        "page": listed.get_page(request.GET.get("page")),
    }
    return render(request, "agents/custody/tests.html", context)


@page("agents:write")
def _start(request: HttpRequest, agent) -> HttpResponse:
    try:
        run, _ = runs.start_run(agent=agent, started_by=principal_of(request).user)
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("agents:tests", agent.public_id)
    return redirect("agents:run", agent.public_id, run.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:write")
def new_test(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Write a test."""
    agent = find_agent(request, public_id)
    question = request.GET.get("question", "")[: suites.MAX_QUESTION]
    form = CustodyTestForm(
        request.POST or None, initial={"question": question.replace("\x00", "")}
    )
    if request.method == "POST" and form.is_valid():
        try:
            test, _ = suites.create_test(
                agent=agent,
                created_by=principal_of(request).user,
                **form.arguments(),
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"“{test.name}” is part of every run.")
            return redirect("agents:tests", agent.public_id)
    context = {"agent": agent, "form": form}
    return render(
        request, "agents/custody/test_form.html", context, status=_status_of(form)
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:write")
def edit_test(request: HttpRequest, public_id: UUID, test_id: UUID) -> HttpResponse:
    """Change a test."""
    agent = find_agent(request, public_id)
    test = get_object_or_404(agent.custody_tests, pk=test_id)
    form = CustodyTestForm(
        request.POST or None, initial=CustodyTestForm.initial_of(test)
    )
    if request.method == "POST" and form.is_valid():
        try:
            suites.update_test(
                test=test, actor=principal_of(request).user, changes=form.arguments()
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"“{form.cleaned_data['name']}” is saved.")
            return redirect("agents:tests", agent.public_id)
    context = {"agent": agent, "form": form, "test": test}
    return render(
        request, "agents/custody/test_form.html", context, status=_status_of(form)
    )


def _status_of(form: forms.Form) -> int:
    return 422 if form.is_bound and not form.is_valid() else 200


@require_POST
@page("agents:write")
def delete_test(request: HttpRequest, public_id: UUID, test_id: UUID) -> HttpResponse:
    """Remove a test."""
    agent = find_agent(request, public_id)
    test = get_object_or_404(agent.custody_tests, pk=test_id)
    suites.delete_test(test=test, actor=principal_of(request).user)
    messages.success(request, f"“{test.name}” is deleted.")
    return redirect("agents:tests", agent.public_id)


@require_safe
@page("agents:read")
def run(request: HttpRequest, public_id: UUID, run_id: UUID) -> HttpResponse:
    """Show a run: the page asks again until it ends."""
    agent = find_agent(request, public_id)
    found = get_object_or_404(
        agent.custody_runs.select_related("version", "started_by_user"), pk=run_id
    )
    context = {"agent": agent, "run": found, "packs": overviews.packs_of(found)}
    template = "agents/custody/_run.html" if request.htmx else "agents/custody/run.html"
    return render(request, template, context)
