"""Attacks: what searches for theta."""

from physadv.attacks.base import Attack, Result, State
from physadv.attacks.gradient import Gradient

__all__ = ["Attack", "Gradient", "Result", "State"]
