"""A sign in the street: one face, somewhere in front of the camera, before a background."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from physadv.core import Choice, Conditions, Face, Linear, Printed, Sensor, below, take
from physadv.scene.background import Backdrop, Backgrounds, backdrop, backgrounds
from physadv.scene.light import SignLight, light_sign
from physadv.scene.pose import Pose, plane_map
from physadv.scene.signs import SignDesign, render
from physadv.scene.texture import Atlas, atlas, look_up, sample
from physadv.scene.view import View, views

FACE_PX = 512


@dataclass(frozen=True)
class StreetScene:
    """A sign on its plane, posed in metres and degrees, lit, before photographs."""

    design: SignDesign
    pictures: Backgrounds = field(default_factory=backgrounds, repr=False)
    pose: Pose = Pose()
    light: SignLight = SignLight()
    background: Backdrop = field(
        default_factory=lambda: Backdrop(Choice(tuple(range(len(backgrounds())))))
    )

    def face(self, width_px: int = FACE_PX) -> Face:
        """Return the sign's face as rasters of `width_px` columns."""
        return render(self.design, width_px)

    def views(
        self, given: Conditions, sensor: Sensor, margin: Tensor, most_px: int | None = None
    ) -> list[View]:
        """Place the sign's windows on the sensor for conditions (B,)."""
        plane = plane_map(self.design.size_mm, sensor, below(given, "pose"))
        return views(plane, torch.tensor(self.face().outline_mm), sensor, margin, most_px)

    def surface(self, printed: Printed | None) -> Atlas:
        """Lay the printed stickers on the face (1,4,h,w), premultiplied, as a pyramid."""
        face = self.face(FACE_PX if printed is None else printed.cover.shape[-1])
        colour = face.texture
        if printed is not None:
            colour = Linear(torch.lerp(colour, printed.reflectance, printed.cover))
        return atlas(torch.cat([colour * face.cover, face.cover], dim=1))

    def render(self, surface: Atlas, view: View, given: Conditions) -> Linear:
        """Return the light (B,3,H,W) that enters the windows of one view."""
        mine = take(given, view.rows)
        height_mm, width_mm = self.design.size_mm
        texel_mm = width_mm / surface.width
        texels, level = look_up(view.plane, view.window.size, texel_mm)
        place = texels * texel_mm / torch.tensor([width_mm / 2, height_mm / 2]) - 1
        layer = light_sign(sample(surface, texels, level), place, below(mine, "light"))
        behind = backdrop(self.pictures, view.window.size, below(mine, "background"))
        return Linear(layer[:, :3] + (1 - layer[:, 3:]) * behind)
