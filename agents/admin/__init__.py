from agents.admin import agents, conversations, knowledge

__all__ = ["agents", "conversations", "knowledge"]
