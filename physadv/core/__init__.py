"""What everything else stands on: images, the types that cross rooms, variation, checks, chance."""

from physadv.core.check import UserError, check
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
from physadv.core.rate import Rate, clustered, wilson
from physadv.core.rng import generator, spawn
from physadv.core.types import Answer, Face, Ink, Photo, PlaneMap, Printed, Sensor, Window
from physadv.core.vary import (
    Choice,
    Conditions,
    Seed,
    Span,
    Varying,
    below,
    declared,
    draw,
    grid,
    neutral,
    take,
    with_value,
)

__all__ = [
    "Answer",
    "Choice",
    "Conditions",
    "Encoded",
    "Face",
    "Ink",
    "Linear",
    "Photo",
    "PlaneMap",
    "Printed",
    "Rate",
    "Seed",
    "Sensor",
    "Span",
    "UserError",
    "Varying",
    "Window",
    "below",
    "check",
    "clustered",
    "declared",
    "decode",
    "draw",
    "encode",
    "generator",
    "grid",
    "load_image",
    "load_rgba",
    "neutral",
    "quantise",
    "save_image",
    "spawn",
    "take",
    "wilson",
    "with_value",
]
