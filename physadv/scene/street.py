"""A sign in the street: one face, somewhere in front of the camera, before a background."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from physadv.core import (
    Choice,
    Conditions,
    Face,
    Lighting,
    Linear,
    Printed,
    Sight,
    at_rest,
    below,
    idle,
    take,
)
from physadv.core.device import here
from physadv.scene.background import Backdrop, Backgrounds, backdrop, backgrounds
from physadv.scene.bend import Bend
from physadv.scene.dirt import Dirt
from physadv.scene.fog import Fog
from physadv.scene.headlamps import Headlamps
from physadv.scene.illuminate import Lights, illuminate
from physadv.scene.layers import Surface, lit_surface, look, scattered, surface
from physadv.scene.light import SignLight
from physadv.scene.occlusion import Occlusion
from physadv.scene.pose import Pose, eye_mm, plane_map
from physadv.scene.shadow import Shadow
from physadv.scene.signs import SignDesign, render
from physadv.scene.sun import Sun
from physadv.scene.view import Frame, View, views

FACE_PX = 512
METERED_PX = 64
LUMA = (0.2126, 0.7152, 0.0722)
"""Luminance of linear RGB (ITU-R BT.709)."""


@dataclass(frozen=True)
class StreetScene:
    """A sign on its plane, posed in metres and degrees, lit, before photographs.

    Light falls on the sign, dirt and a bent sticker lie on it, leaves may hang before it, and fog
    before all; each is at rest unless given.
    """

    design: SignDesign
    pictures: Backgrounds = field(default_factory=backgrounds, repr=False)
    pose: Pose = Pose()
    light: SignLight = SignLight()
    sun: Sun = at_rest(Sun())
    shadow: Shadow = at_rest(Shadow())
    headlamps: Headlamps = at_rest(Headlamps())
    dirt: Dirt = at_rest(Dirt())
    bend: Bend = at_rest(Bend())
    occlusion: Occlusion = at_rest(Occlusion())
    fog: Fog = at_rest(Fog())
    background: Backdrop = field(
        default_factory=lambda: Backdrop(Choice(tuple(range(len(backgrounds())))))
    )

    def face(self, width_px: int = FACE_PX) -> Face:
        """Return the sign's face as rasters of `width_px` columns."""
        return render(self.design, width_px)

    def views(self, given: Conditions, frame: Frame) -> list[View]:
        """Place the sign's windows on the sensor for conditions (B,)."""
        plane = plane_map(self.design.size_mm, frame.sensor, below(given, "pose"))
        return views(plane, torch.tensor(self.design.outline_mm), frame)

    def surface(self, printed: Printed | None, *, fine: bool = False) -> Surface:
        """Prepare the face with what is printed for sampling; `fine` as the judge wants it."""
        face = self.face(FACE_PX if printed is None else printed.cover.shape[-1])
        return surface(face, printed, moved=not idle(self.bend), fine=fine)

    def lit(self, lighting: Lighting, *, fine: bool = False) -> Surface:
        """Prepare the bare face under more or less light for sampling."""
        return lit_surface(self.face(lighting.gain.shape[-1]), lighting, fine=fine)

    def render(self, surface: Surface, view: View, given: Conditions) -> Linear:
        """Return the light (B,3,H,W) that enters the windows of one view."""
        mine, size_mm = take(given, view.rows), self.design.size_mm
        bend, corner = below(mine, "bend"), torch.tensor([size_mm[1] / 2, size_mm[0] / 2])

        def move(place: Tensor) -> Tensor:
            return self.bend.move((place + 1) * corner, bend, size_mm) / corner - 1

        parts, place = look(surface, view.plane, view.points_px(), size_mm, move)
        parts = scattered(parts, surface, view.rows)
        sight = Sight((place + 1) * corner, eye_mm(size_mm, below(mine, "pose")), size_mm)
        layer = illuminate(parts, sight, self.lights, mine)
        return self._behind_all(layer, sight, view, mine)

    @property
    def lights(self) -> Lights:
        """What lights and soils the sign."""
        return Lights(self.light, self.sun, self.shadow, self.headlamps, self.dirt)

    def _behind_all(self, layer: Tensor, sight: Sight, view: View, given: Conditions) -> Linear:
        """Lay the sign's layer (B,4,H,W) over the background, behind leaves and fog."""
        dark = self.headlamps.ambient(below(given, "headlamps"))
        behind = backdrop(self.pictures, view, below(given, "background"))
        if not self.headlamps.ambient_ev.idle:
            behind = Linear(behind * dark)
        fog = below(given, "fog")
        if not idle(self.fog):
            layer = self.fog.before_sign(layer, sight, fog)
            behind = self.fog.before_background(behind, fog)
        seen = layer[:, :3] + (1 - layer[:, 3:]) * behind
        if self.occlusion.idle:
            return Linear(seen)
        leaves = self.occlusion.layer(sight, below(given, "occlusion"))
        return Linear(seen * (1 - leaves[:, 3:]) + leaves[:, :3] * dark)

    def metered(self, view: View, given: Conditions) -> Tensor:
        """Return the mean light of the whole frame (B,), as an exposure meter takes it.

        The background's mean and the sign's share of the frame at the brightness of its face.
        """
        mine, luma = take(given, view.rows), torch.tensor(LUMA)
        behind, face = below(mine, "background"), self.face(METERED_PX)
        pictures = here(self.pictures).mean[behind["which"].long()]
        back = pictures @ luma * torch.exp2(behind["gain_ev"])
        sensor, box = view.window.sensor, view.box_px
        sign = (box[:, 2:] - box[:, :2]).prod(dim=1) * view.window.pitch**2
        share = (sign / (sensor.width_px * sensor.height_px)).clamp_max(1)
        light = self.sun.irradiance(below(mine, "sun")).flatten()
        front = (face.texture * face.cover).mean(dim=(2, 3))[0] @ luma / face.cover.mean() * light
        dark = self.headlamps.ambient(below(mine, "headlamps")).flatten()
        return torch.lerp(back, front, share) * dark
