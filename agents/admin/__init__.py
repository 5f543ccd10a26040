from agents.admin import agents, conversations, custody, knowledge, providers, usage

__all__ = ["agents", "conversations", "custody", "knowledge", "providers", "usage"]
