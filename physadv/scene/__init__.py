"""Signs, planes in millimetres, backgrounds, poses, real photos, and the renderer."""

from physadv.scene.background import Backdrop, Backgrounds, backgrounds
from physadv.scene.light import SignLight
from physadv.scene.photo import PhotoChoice, PhotoScene, Placement, SignPhoto, photo_scene
from physadv.scene.photo_corners import parse_box, parse_corners
from physadv.scene.photo_files import read_photo, read_photos
from physadv.scene.pose import Pose
from physadv.scene.relight import Relight
from physadv.scene.signs import SIGNS, SignDesign, render, sign
from physadv.scene.street import StreetScene
from physadv.scene.texture import Atlas
from physadv.scene.view import View

__all__ = [
    "SIGNS",
    "Atlas",
    "Backdrop",
    "Backgrounds",
    "PhotoChoice",
    "PhotoScene",
    "Placement",
    "Pose",
    "Relight",
    "SignDesign",
    "SignLight",
    "SignPhoto",
    "StreetScene",
    "View",
    "backgrounds",
    "parse_box",
    "parse_corners",
    "photo_scene",
    "read_photo",
    "read_photos",
    "render",
    "sign",
]
