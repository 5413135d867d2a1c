"""Victims: pixels to answers. A user's own network, or the recogniser bundled with the package."""

from physadv.victims.asked import Asked
from physadv.victims.classifier import Classifier
from physadv.victims.labels import find_label, read_labels
from physadv.victims.loading import load_victim
from physadv.victims.victim import Victim
from physadv.victims.weights import load_weights, read_weights

__all__ = [
    "Asked",
    "Classifier",
    "Victim",
    "find_label",
    "load_victim",
    "load_weights",
    "read_labels",
    "read_weights",
]
