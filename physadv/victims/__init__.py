"""Victims: pixels to answers. A user's own network, or the recogniser bundled with the package."""

from physadv.victims.classifier import Classifier
from physadv.victims.labels import read_labels
from physadv.victims.loading import load_victim
from physadv.victims.victim import Victim
from physadv.victims.weights import load_weights, read_weights

__all__ = [
    "Classifier",
    "Victim",
    "load_victim",
    "load_weights",
    "read_labels",
    "read_weights",
]
