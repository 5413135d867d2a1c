"""Training pictures: real crops taken anew by the project's camera, and simulated photos."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.camera import Camera, Defocus, Exposure, MotionBlur, Noise, Vignette, WhiteBalance
from physadv.camera.framing import Framing
from physadv.core import (
    Encoded,
    Linear,
    Photo,
    Sensor,
    Span,
    Window,
    below,
    declared,
    decode,
    draw,
)
from physadv.presets import world
from physadv.scene import SIGNS, StreetScene, sign
from physadv.training.gtsrb_data import SIDE, SignCrops
from physadv.world import World


@dataclass(frozen=True)
class Turn:
    """A small turn and change of scale of a crop, so that poses are more than the drives show."""

    roll_deg: Span = Span(-10.0, 10.0, neutral=0.0)
    shear_ratio: Span = Span(-0.15, 0.15, neutral=0.0)
    scale_ratio: Span = Span(0.85, 1.1, neutral=1.0)
    squeeze_ratio: Span = Span(0.85, 1.0, neutral=1.0)


CAMERA = Camera(
    sensor=Sensor(SIDE, SIDE, 20.0),
    vignette=Vignette(Span.at(0.0, 0.0)),
    defocus=Defocus(Span(0.0, 1.5, 0.0)),
    motion_blur=MotionBlur(Span(0.0, 3.0, 0.0)),
    exposure=Exposure(Span(-0.7, 1.0, 0.0)),
    white_balance=WhiteBalance(Span(4500.0, 9000.0, 6500.0)),
    noise=Noise(gain_ratio=Span(0.0, 4.0, 0.0)),
    framing=Framing(margin_ratio=Span(0.0, 0.22)),
)
"""Takes real crops again; gentler than street, as they were taken once already."""


def retake(crops: SignCrops, size_px: tuple[int, int], rng: torch.Generator) -> Encoded:
    """Photograph cached crops again under fresh conditions: pictures (B,3,h,w) of size_px."""
    return again(crops, Encoded(crops.pixels.float() / 255), size_px, conditions(len(crops), rng))


def conditions(n: int, rng: torch.Generator) -> dict[str, Tensor]:
    """Draw what `again` needs for n crops."""
    return draw(declared(CAMERA) | declared(Turn(), "turn."), n, rng)


def again(
    crops: SignCrops, shown: Encoded, size_px: tuple[int, int], given: dict[str, Tensor]
) -> Encoded:
    """Photograph crops that show (B,3,SIDE,SIDE) under given conditions; slopes go through."""
    light, boxes = _turned(decode(shown), crops.boxes_px, given)
    window = Window(torch.zeros(len(crops), 2), (SIDE, SIDE), CAMERA.sensor)
    pixels = CAMERA.develop(Linear(light), given, window)
    photo = Photo(pixels, boxes.reshape(-1, 2, 2), boxes, crops.classes)
    return CAMERA.framing(photo, below(given, "framing"), size_px).pixels


def moved(
    crops: SignCrops, masks: Tensor, size_px: tuple[int, int], given: dict[str, Tensor]
) -> Tensor:
    """Return where masks (B,1,SIDE,SIDE) on crops come to be in what `again` makes of them.

    (B,1,h,w) in [0,1], the share of each pixel: turned and framed, and neither blurred nor exposed.
    """
    turned, boxes = _turned(masks, crops.boxes_px, given)
    photo = Photo(Encoded(turned), boxes.reshape(-1, 2, 2), boxes, crops.classes)
    return CAMERA.framing(photo, below(given, "framing"), size_px).pixels


def as_annotated(crops: SignCrops, size_px: tuple[int, int], margin: float = 0.1) -> Encoded:
    """Return the crops framed at their annotated box with a margin, and nothing else done."""
    framing = Framing(margin_ratio=Span.at(margin))
    given = {name: torch.zeros(len(crops)) for name in declared(framing)}
    given["margin_ratio"] = torch.full((len(crops),), margin)
    pixels = Encoded(crops.pixels.float() / 255)
    photo = Photo(pixels, crops.boxes_px.reshape(-1, 2, 2), crops.boxes_px, crops.classes)
    return framing(photo, given, size_px).pixels


def _turned(light: Tensor, boxes: Tensor, given: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    turn = below(given, "turn")
    angle = torch.deg2rad(turn["roll_deg"])
    scale, wide = turn["scale_ratio"], turn["scale_ratio"] * turn["squeeze_ratio"]
    row_x = torch.stack([torch.cos(angle) / wide, -torch.sin(angle) / scale], dim=1)
    row_y = torch.stack(
        [torch.sin(angle) / wide + turn["shear_ratio"], torch.cos(angle) / scale], 1
    )
    matrix = F.pad(torch.stack([row_x, row_y], dim=1), (0, 1))
    grid = F.affine_grid(matrix, list(light.shape), align_corners=False)
    moved = F.grid_sample(light, grid, padding_mode="border", align_corners=False)
    middle = SIDE / 2
    extent = torch.stack([wide, scale, wide, scale], dim=1)
    return moved, (boxes - middle) * extent + middle


def simulate(scene_world: World, n: int, size_px: tuple[int, int], rng: torch.Generator) -> Encoded:
    """Photograph one sign n times in fresh circumstances, loosely framed: (n,3,h,w)."""
    loose = replace(
        scene_world.camera, framing=Framing(margin_ratio=Span.at(0.25), stretch_ratio=Span.at(0.0))
    )
    wide = replace(scene_world, camera=loose)
    with torch.no_grad():
        parts: list[Tensor] = [
            wide.photograph(None, draw(wide.declared(), min(32, n - start), rng), size_px).pixels
            for start in range(0, n, 32)
        ]
    return Encoded(torch.cat(parts))


def simulated_crops(preset: str, each: int, rng: torch.Generator) -> SignCrops:
    """Photograph every sign face that has a GTSRB class, as crops like the real ones."""
    margin = SIDE * 0.25 / 1.5
    pixels, classes = [], []
    for name in SIGNS:
        label = sign(name).labels.get("gtsrb")
        if label is None:
            continue
        photos = simulate(world(preset, StreetScene(sign(name))), each, (SIDE, SIDE), rng)
        pixels.append((photos * 255).round().byte())
        classes.append(torch.full((each,), label))
    boxes = torch.tensor([[margin, margin, SIDE - margin, SIDE - margin]])
    joined = torch.cat(classes)
    return SignCrops(torch.cat(pixels), boxes.repeat(len(joined), 1), joined, -joined - 1)
