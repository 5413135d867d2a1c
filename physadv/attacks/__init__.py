"""Attacks: what searches for theta."""

from physadv.attacks.asked import Budget
from physadv.attacks.base import Attack, Result, State
from physadv.attacks.estimate import GradientEstimate
from physadv.attacks.evolution import CMAES
from physadv.attacks.expectation import Expectation
from physadv.attacks.gradient import Gradient, Walk
from physadv.attacks.graphite import Graphite
from physadv.attacks.masks import class_activation_map, l1_map, learn, occlusion_map
from physadv.attacks.placement import Placement, Race, place
from physadv.attacks.random_search import RandomSearch
from physadv.attacks.reduce import graphite_mask

__all__ = [
    "CMAES",
    "Attack",
    "Budget",
    "Expectation",
    "Gradient",
    "GradientEstimate",
    "Graphite",
    "Placement",
    "Race",
    "RandomSearch",
    "Result",
    "State",
    "Walk",
    "class_activation_map",
    "graphite_mask",
    "l1_map",
    "learn",
    "occlusion_map",
    "place",
]
