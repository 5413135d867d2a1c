"""What everything else stands on: images, the types that cross rooms, variation, checks, chance."""

from physadv.core.boxes import box_iou
from physadv.core.check import UserError, check
from physadv.core.detections import Detections, Found
from physadv.core.image import (
    Encoded,
    Linear,
    decode,
    encode,
    load_image,
    load_rgba,
    quantise,
    save_image,
)
from physadv.core.paired import Paired, mcnemar, paired
from physadv.core.rate import Rate, clustered, wilson
from physadv.core.rng import generator, spawn
from physadv.core.types import Answer, Face, Ink, Photo, PlaneMap, Printed, Sensor, Sight, Window
from physadv.core.vary import (
    Choice,
    Conditions,
    Seed,
    Span,
    Varying,
    at_rest,
    below,
    declared,
    draw,
    grid,
    idle,
    neutral,
    take,
    widened,
    with_value,
)
from physadv.core.warp import Warp

__all__ = [
    "Answer",
    "Choice",
    "Conditions",
    "Detections",
    "Encoded",
    "Face",
    "Found",
    "Ink",
    "Linear",
    "Paired",
    "Photo",
    "PlaneMap",
    "Printed",
    "Rate",
    "Seed",
    "Sensor",
    "Sight",
    "Span",
    "UserError",
    "Varying",
    "Warp",
    "Window",
    "at_rest",
    "below",
    "box_iou",
    "check",
    "clustered",
    "declared",
    "decode",
    "draw",
    "encode",
    "generator",
    "grid",
    "idle",
    "load_image",
    "load_rgba",
    "mcnemar",
    "neutral",
    "paired",
    "quantise",
    "save_image",
    "spawn",
    "take",
    "widened",
    "wilson",
    "with_value",
]
