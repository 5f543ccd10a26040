"""The operators' pages of accounts; each file registers its own."""

from accounts.admin import organizations, people, webhooks  # noqa: F401
