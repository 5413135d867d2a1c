"""Where to stick: maps of interest over a face, and rectangles that are learnt."""

from physadv.attacks.masks.class_activation import class_activation_map, grad_cam
from physadv.attacks.masks.interest import Interest
from physadv.attacks.masks.l1 import Sparse, l1_map
from physadv.attacks.masks.learnt import Learning, Learnt, learn
from physadv.attacks.masks.occlusion import occlusion_map
from physadv.attacks.masks.settle import Rectangle, settled

__all__ = [
    "Interest",
    "Learning",
    "Learnt",
    "Rectangle",
    "Sparse",
    "class_activation_map",
    "grad_cam",
    "l1_map",
    "learn",
    "occlusion_map",
    "settled",
]
