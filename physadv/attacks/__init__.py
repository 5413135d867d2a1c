"""Attacks: what searches for theta."""

from physadv.attacks.base import Attack, Result, State
from physadv.attacks.gradient import Gradient, Walk
from physadv.attacks.placement import Placement, Race, place

__all__ = ["Attack", "Gradient", "Placement", "Race", "Result", "State", "Walk", "place"]
