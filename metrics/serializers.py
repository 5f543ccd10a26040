"""How answers look, for the API's description."""

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from metrics.bodies import MetricsUpdate, schema_of
from metrics.models import AgentMetrics, MetricEvent, Source
from metrics.scores import CUSTODY, EVENT, RANKED, SHOWN


class FiguresShape(serializers.ModelSerializer):
    class Meta:
        model = AgentMetrics
        fields = SHOWN


class CustodyFiguresShape(serializers.ModelSerializer):
    class Meta:
        model = AgentMetrics
        fields = CUSTODY


class SumsShape(serializers.Serializer):
    total_learning_score = serializers.FloatField()
    total_xp = serializers.IntegerField()
    total_tests_given = serializers.IntegerField()
    total_tests_passed = serializers.IntegerField()
    average_level = serializers.FloatField()


class AnswerShape(serializers.Serializer):
    status = serializers.CharField()


@extend_schema_serializer(many=False)
class OverviewShape(AnswerShape):
    total_agents = serializers.IntegerField()
    agents = serializers.ListField(child=serializers.CharField())
    summary = SumsShape()


class AgentMetricsShape(AnswerShape):
    agent_type = serializers.CharField()
    metrics = FiguresShape()


class MetricsUpdatedShape(AgentMetricsShape):
    message = serializers.CharField()


class CustodyShape(AnswerShape):
    agent_type = serializers.CharField()
    custody_metrics = CustodyFiguresShape()


class AfterTestShape(serializers.Serializer):
    total_tests_given = serializers.IntegerField()
    total_tests_passed = serializers.IntegerField()
    custody_level = serializers.IntegerField()
    custody_xp = serializers.IntegerField()


class TestRecordedShape(AnswerShape):
    agent_type = serializers.CharField()
    message = serializers.CharField()
    updated_custody_metrics = AfterTestShape()


class AfterLearningShape(serializers.Serializer):
    learning_score = serializers.FloatField()
    success_rate = serializers.FloatField()
    failure_rate = serializers.FloatField()
    total_learning_cycles = serializers.IntegerField()
    xp = serializers.IntegerField()
    level = serializers.IntegerField()
    prestige = serializers.IntegerField()


class LearningRecordedShape(AnswerShape):
    agent_type = serializers.CharField()
    message = serializers.CharField()
    updated_learning_metrics = AfterLearningShape()


class BulkUpdatedShape(AnswerShape):
    message = serializers.CharField()
    updated = serializers.ListField(child=serializers.CharField())
    created = serializers.ListField(child=serializers.CharField())


class ResetShape(AnswerShape):
    agent_type = serializers.CharField()
    message = serializers.CharField()


class TotalsShape(SumsShape):
    total_agents = serializers.IntegerField()
    active_agents = serializers.IntegerField()
    average_learning_score = serializers.FloatField()
    total_custody_xp = serializers.IntegerField()
    average_custody_level = serializers.FloatField()
    total_tests_failed = serializers.IntegerField()
    overall_pass_rate = serializers.FloatField()
    total_adversarial_wins = serializers.IntegerField()


class PerformerShape(serializers.Serializer):
    agent_type = serializers.CharField()
    level = serializers.IntegerField()
    xp = serializers.IntegerField()
    custody_level = serializers.IntegerField()
    pass_rate = serializers.FloatField()


class RecentTestShape(serializers.Serializer):
    agent_type = serializers.CharField()
    passed = serializers.BooleanField()
    score = serializers.FloatField()
    difficulty = serializers.CharField()
    xp_awarded = serializers.IntegerField()
    source = serializers.ChoiceField(Source.choices)
    timestamp = serializers.DateTimeField()


class SummaryShape(AnswerShape):
    timestamp = serializers.DateTimeField()
    summary = TotalsShape()
    difficulty_distribution = serializers.DictField(child=serializers.IntegerField())
    status_distribution = serializers.DictField(child=serializers.IntegerField())
    top_performers = PerformerShape(many=True)
    recent_tests = RecentTestShape(many=True)
    recommendations = serializers.ListField(child=serializers.CharField())


class LeaderShape(serializers.ModelSerializer):
    rank = serializers.IntegerField(allow_null=True)

    class Meta:
        model = AgentMetrics
        fields = ("rank", *RANKED)


class EventShape(serializers.ModelSerializer):
    class Meta:
        model = MetricEvent
        fields = EVENT


class PointShape(serializers.Serializer):
    start = serializers.DateField()
    tests = serializers.IntegerField()
    passed = serializers.IntegerField()
    failed = serializers.IntegerField()
    pass_rate = serializers.FloatField(allow_null=True)
    xp = serializers.IntegerField()


class SeriesShape(AnswerShape):
    interval = serializers.ChoiceField(["day", "week"])
    agent_type = serializers.CharField(allow_null=True)
    points = PointShape(many=True)


BULK_BODY = {
    "type": "object",
    "required": ["updates"],
    "additionalProperties": False,
    "properties": {
        "updates": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 100,
            "additionalProperties": schema_of(MetricsUpdate),
        }
    },
}
