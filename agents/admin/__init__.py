"""The operators' pages of agents; each file registers its own."""

from agents.admin import (  # noqa: F401
    agents,
    conversations,
    custody,
    inbox,
    knowledge,
    providers,
    usage,
)
