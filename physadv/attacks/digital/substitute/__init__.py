"""Black boxes attacked through a network that was trained on their answers."""

from physadv.attacks.digital.substitute.augment import jacobian_step, reservoir, step_of
from physadv.attacks.digital.substitute.networks import NETWORKS, as_victim, build_network
from physadv.attacks.digital.substitute.recipe import SubstituteRecipe
from physadv.attacks.digital.substitute.saved import (
    FILE,
    SubstituteFacts,
    load_substitute,
    read_substitute,
    save_substitute,
)
from physadv.attacks.digital.substitute.train import (
    Substituted,
    SubstituteState,
    SubstituteWatch,
    train_substitute,
)
from physadv.attacks.digital.substitute.transfer import Transfer

__all__ = [
    "FILE",
    "NETWORKS",
    "SubstituteFacts",
    "SubstituteRecipe",
    "SubstituteState",
    "SubstituteWatch",
    "Substituted",
    "Transfer",
    "as_victim",
    "build_network",
    "jacobian_step",
    "load_substitute",
    "read_substitute",
    "reservoir",
    "save_substitute",
    "step_of",
    "train_substitute",
]
