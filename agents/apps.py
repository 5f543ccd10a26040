from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AgentsConfig(AppConfig):
    """An agent: what it is, knows and says; how it is tested and improved."""

    name = "agents"

    def ready(self):
        from accounts.access import key_bindings
        from agents import privacy
        from agents.configuration.personas import sync_personas
        from agents.models.agents import Agent

        privacy.register_steps()
        key_bindings.register(Agent.objects.names_of, Agent.objects.has)
        post_migrate.connect(sync_personas, sender=self)
