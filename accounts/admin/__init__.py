"""The operators' pages of accounts; each file registers its own."""

from accounts.admin import organizations, people, webhooks

__all__ = ["organizations", "people", "webhooks"]
