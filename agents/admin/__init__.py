from agents.admin import (
    agents,
    conversations,
    custody,
    inbox,
    knowledge,
    providers,
    usage,
)

__all__ = [
    "agents",
    "conversations",
    "custody",
    "inbox",
    "knowledge",
    "providers",
    "usage",
]
