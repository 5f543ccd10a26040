from agents.admin import agents, conversations, custody, knowledge, usage

__all__ = ["agents", "conversations", "custody", "knowledge", "usage"]
