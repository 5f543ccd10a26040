"""Readers of files; each runs in a process of its own (agents.knowledge.extraction)."""
