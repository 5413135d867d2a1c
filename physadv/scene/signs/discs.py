"""German round signs (StVO, Verkehrszeichenkatalog): 250, 267, 274, 276 and 278, in mm."""

import math

from physadv.core.coverage import Contour, Shape
from physadv.scene.signs.alphabets import MEDIUM, NARROW
from physadv.scene.signs.design import Layer, SignDesign
from physadv.scene.signs.lettering import lettering
from physadv.scene.signs.shapes import circle, hole, moved, polygon, rectangle

DISC_MM = 600.0
CENTRE = (DISC_MM / 2, DISC_MM / 2)

SPEED_CLASSES = {20: 0, 30: 1, 50: 2, 60: 3, 70: 4, 80: 5, 100: 7, 120: 8}
"""Speed limits in km/h and their GTSRB class."""

CAR: Shape = (
    polygon(
        (
            *((24, 0, 8), (154, 0, 8), (168, 50), (178, 60, 8)),
            *((178, 108, 8), (0, 108, 8), (0, 60, 8), (10, 50)),
        )
    ),
    hole(polygon(((33, 15), (145, 15), (154, 50), (24, 50)))),
)
WHEELS: tuple[Shape, ...] = ((rectangle(14, 100, 38, 139),), (rectangle(140, 100, 164, 139),))
"""The car of sign 276 seen from behind, 178 mm wide and 139 mm high."""


def _disc(radius: float) -> tuple[Shape, ...]:
    return ((circle(CENTRE, radius),),)


def _round(
    name: str, title: str, number: str, label: int, legend: tuple[Layer, ...] = ()
) -> SignDesign:
    """Return a prohibition: white edge, red ring, white ground."""
    layers = (
        Layer("plate", "white", _disc(300)),
        Layer("rim", "red", _disc(292)),
        Layer("ground", "white", _disc(210)),
        *legend,
    )
    return SignDesign(
        name=name,
        title=title,
        standard=f"StVO/VzKat sign {number}, 600 mm",
        size_mm=(DISC_MM, DISC_MM),
        layers=layers,
        field=_disc(205),
        label_pairs=(("gtsrb", label),),
    )


def _speed_limit(speed: int, label: int) -> SignDesign:
    alphabet, height = (MEDIUM, 252) if speed < 100 else (NARROW, 240)
    digits = lettering(str(speed), alphabet, height, CENTRE)
    return _round(
        f"speed_limit_{speed}",
        f"Speed limit ({speed}km/h)",
        f"274-{speed}",
        label,
        (Layer("legend", "black", digits),),
    )


def _no_passing() -> SignDesign:
    left, right, top = 300 - 15 - 178, 300 + 15, 300 - 52
    cars = (CAR, *WHEELS)
    red = tuple(moved(shape, left, top) for shape in cars)
    black = tuple(moved(shape, right, top) for shape in cars)
    legend = (Layer("legend", "red", red), Layer("legend", "black", black))
    return _round("no_passing", "No passing", "276", 9, legend)


def _no_entry() -> SignDesign:
    bar = ((rectangle(36, 254, 564, 346),),)
    return SignDesign(
        name="no_entry",
        title="No entry",
        standard="StVO/VzKat sign 267, 600 mm",
        size_mm=(DISC_MM, DISC_MM),
        layers=(
            Layer("plate", "white", _disc(300)),
            Layer("ground", "red", _disc(292)),
            Layer("legend", "white", bar),
        ),
        field=_disc(280),
        label_pairs=(("gtsrb", 17),),
    )


def _end_of_80() -> SignDesign:
    stripes = tuple((_stripe(step * 25.0, 15.0),) for step in range(-2, 3))
    edge = (circle(CENTRE, 292), hole(circle(CENTRE, 282)))
    return SignDesign(
        name="end_of_speed_limit_80",
        title="End of speed limit (80km/h)",
        standard="StVO/VzKat sign 278-80, 600 mm",
        size_mm=(DISC_MM, DISC_MM),
        layers=(
            Layer("plate", "white", _disc(300)),
            Layer("rim", "black", (edge,)),
            Layer("legend", "grey", lettering("80", MEDIUM, 280, CENTRE)),
            Layer("legend", "black", stripes),
        ),
        field=_disc(275),
        label_pairs=(("gtsrb", 6),),
    )


def _stripe(offset: float, width: float) -> Contour:
    """Return a bar from lower left to upper right, `offset` beside the disc's middle."""
    half = math.sqrt(282**2 - (abs(offset) + width / 2) ** 2)
    along, across = math.sqrt(0.5), width / 2

    def at(forward: float, aside: float) -> tuple[float, float]:
        return 300 + along * (forward + aside), 300 - along * (forward - aside)

    low, high = offset - across, offset + across
    return at(-half, low), at(half, low), at(half, high), at(-half, high)


DISCS: tuple[SignDesign, ...] = (
    _no_entry(),
    *(_speed_limit(speed, label) for speed, label in SPEED_CLASSES.items()),
    _end_of_80(),
    _no_passing(),
    _round("no_vehicles", "No vehicles", "250", 15),
)
