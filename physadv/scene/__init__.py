"""Signs, planes in millimetres, backgrounds, poses, real photos, and the renderer."""

from physadv.scene.background import Backdrop, Backgrounds, backgrounds
from physadv.scene.light import SignLight
from physadv.scene.pose import Pose
from physadv.scene.signs import SIGNS, SignDesign, render, sign
from physadv.scene.street import StreetScene
from physadv.scene.texture import Atlas
from physadv.scene.view import View

__all__ = [
    "SIGNS",
    "Atlas",
    "Backdrop",
    "Backgrounds",
    "Pose",
    "SignDesign",
    "SignLight",
    "StreetScene",
    "View",
    "backgrounds",
    "render",
    "sign",
]
