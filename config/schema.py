"""The OpenAPI document: every error is a problem, described once."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from rest_framework import serializers


class ProblemError(serializers.Serializer):
    pointer = serializers.CharField(help_text="JSON pointer to the offending value")
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer):
    """RFC 9457 problem details."""

    type = serializers.URLField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    request_id = serializers.CharField()
    code = serializers.CharField()
    errors = ProblemError(many=True)


class AutoSchema(SpectacularSchema):
    def _get_response_bodies(self, direction="response"):
        responses = super()._get_response_bodies(direction)
        schema = self.resolve_serializer(Problem, direction).ref
        responses["default"] = {
            "description": "An error",
            "content": {"application/problem+json": {"schema": schema}},
        }
        return responses


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.access.authentication.ApiKeyAuthentication"
    name = ["apiKey", "bearer"]

    def get_security_requirement(self, auto_schema):
        """Say that one of the headers is enough; a dict of both would ask for both."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema):
        return [
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            {"type": "http", "scheme": "bearer", "bearerFormat": "ya_live_…"},
        ]


class BrowserSessionScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.access.authentication.BrowserSessionAuthentication"
    name = "browserSession"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
