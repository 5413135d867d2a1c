"""Traffic sign faces drawn as vectors, in millimetres, after the published standards."""

from physadv.scene.signs.catalogue import SIGNS, sign
from physadv.scene.signs.design import Layer, SignDesign
from physadv.scene.signs.render import render

__all__ = ["SIGNS", "Layer", "SignDesign", "render", "sign"]
