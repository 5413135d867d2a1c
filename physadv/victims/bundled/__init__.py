"""The bundled recogniser."""

from physadv.victims.bundled.net import SignNet
from physadv.victims.bundled.recogniser import MEAN, SIZE_PX, STD, bundled, card, labels, recogniser

__all__ = ["MEAN", "SIZE_PX", "STD", "SignNet", "bundled", "card", "labels", "recogniser"]
