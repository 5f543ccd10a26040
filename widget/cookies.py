"""The refresh token's cookie: one an agent, seen by our frame on one site only."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from agents.models.agents import Agent


def name(agent: Agent) -> str:
    # The prefix binds it to this host; browsers then insist on Secure.
    return f"__Host-ya-{agent.public_id.hex[:16]}"


def read(request: HttpRequest, agent: Agent) -> str:
    return request.COOKIES.get(name(agent), "")[:100]


def keep(response: HttpResponseBase, agent: Agent, refresh: str) -> HttpResponseBase:
    """Set the cookie if there is a new refresh token to keep."""
    if refresh:
        _set(response, agent, refresh, settings.WIDGET_SESSION_SECONDS)
    return response


def forget(response: HttpResponseBase, agent: Agent) -> HttpResponseBase:
    _set(response, agent, "", 0)
    return response


def _set(response: HttpResponseBase, agent: Agent, value: str, age: int) -> None:
    response.set_cookie(name(agent), value, max_age=age, secure=True, httponly=True)
    # Partitioned: the cookie of one site's visits is no use on another. Neither
    # Django 5.2 nor http.cookies of Python 3.13 and older has a word for it.
    response.cookies[name(agent)]["samesite"] = "None; Partitioned"
