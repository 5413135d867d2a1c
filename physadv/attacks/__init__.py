"""Attacks: what searches for theta."""

from physadv.attacks.base import Attack, Result, State
from physadv.attacks.expectation import Expectation
from physadv.attacks.gradient import Gradient, Walk
from physadv.attacks.masks import class_activation_map, l1_map, learn, occlusion_map
from physadv.attacks.placement import Placement, Race, place

__all__ = [
    "Attack",
    "Expectation",
    "Gradient",
    "Placement",
    "Race",
    "Result",
    "State",
    "Walk",
    "class_activation_map",
    "l1_map",
    "learn",
    "occlusion_map",
    "place",
]
