"""Signs, planes in millimetres, backgrounds, poses, real photos, and the renderer."""

from physadv.scene.background import Backdrop, Backgrounds, backgrounds
from physadv.scene.bend import Bend
from physadv.scene.dirt import Dirt
from physadv.scene.fog import Fog
from physadv.scene.headlamps import Headlamps
from physadv.scene.illuminate import Lights
from physadv.scene.layers import Surface
from physadv.scene.light import SignLight
from physadv.scene.occlusion import Occlusion
from physadv.scene.photo import PhotoChoice, PhotoScene, SignPhoto, photo_scene
from physadv.scene.photo_corners import parse_box, parse_corners
from physadv.scene.photo_files import PhotoFile, read_photo
from physadv.scene.photo_folders import read_photos
from physadv.scene.pose import Pose
from physadv.scene.relight import Relight
from physadv.scene.shadow import Shadow
from physadv.scene.signs import SIGNS, SignDesign, render, sign
from physadv.scene.street import StreetScene
from physadv.scene.sun import Sun
from physadv.scene.view import EDGE_PX, Frame, View

__all__ = [
    "EDGE_PX",
    "SIGNS",
    "Backdrop",
    "Backgrounds",
    "Bend",
    "Dirt",
    "Fog",
    "Frame",
    "Headlamps",
    "Lights",
    "Occlusion",
    "PhotoChoice",
    "PhotoFile",
    "PhotoScene",
    "Pose",
    "Relight",
    "Shadow",
    "SignDesign",
    "SignLight",
    "SignPhoto",
    "StreetScene",
    "Sun",
    "Surface",
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
