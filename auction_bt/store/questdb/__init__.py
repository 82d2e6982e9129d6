"""A store on a QuestDB server."""

from .store import QuestStore

__all__ = ["QuestStore"]
