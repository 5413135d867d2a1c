"""German signs of right of way (StVO, Verkehrszeichenkatalog): 205, 206 and 306, in mm."""

import math

from physadv.core.coverage import Contour
from physadv.scene.signs.alphabets import STOP
from physadv.scene.signs.design import Layer, SignDesign
from physadv.scene.signs.lettering import lettering
from physadv.scene.signs.shapes import bounds, hole, octagon, polygon

DIAMOND_MM = 600 * math.sqrt(2) - 2 * 20 * (math.sqrt(2) - 1)
"""Sign 306 from tip to tip: a square of 600 mm, its corners rounded by 20 mm."""


def _stop() -> SignDesign:
    return SignDesign(
        name="stop",
        title="Stop",
        standard="StVO/VzKat sign 206, 900 mm",
        size_mm=(900.0, 900.0),
        layers=(
            Layer("plate", "white", ((octagon(900),),)),
            Layer("ground", "red", ((octagon(900, 27),),)),
            Layer("legend", "white", lettering("STOP", STOP, 300, (450, 450))),
        ),
        field=((octagon(900, 32),),),
        label_pairs=(("gtsrb", 14), ("lisa", 14)),
    )


def _triangle(inset: float, radius: float) -> Contour:
    """Return the plate of sign 205, point down and 900 mm wide, its sides moved in by `inset`."""
    corner = 40.0 * (2 * math.cos(math.pi / 6) - 1)
    side = 900 + 2 * corner - inset * 2 * math.sqrt(3)
    left = 450 - side / 2
    tip = inset + side * math.sqrt(3) / 2
    return polygon(((left, inset, radius), (left + side, inset, radius), (450, tip, radius)))


def _yield() -> SignDesign:
    plate = _triangle(0, 40)
    return SignDesign(
        name="yield",
        title="Yield",
        standard="StVO/VzKat sign 205, 900 mm",
        size_mm=(bounds((plate,))[1][1], 900.0),
        layers=(
            Layer("plate", "white", ((plate,),)),
            Layer("rim", "red", ((_triangle(10, 30),),)),
            Layer("ground", "white", ((_triangle(100, 0),),)),
        ),
        field=((_triangle(105, 0),),),
        label_pairs=(("gtsrb", 13), ("lisa", 17)),
    )


def _diamond(side: float, radius: float) -> Contour:
    """Return a square of `side` on its point, in the frame of sign 306."""
    middle, half = DIAMOND_MM / 2, side / math.sqrt(2)
    return polygon(
        (
            (middle, middle - half, radius),
            (middle + half, middle, radius),
            (middle, middle + half, radius),
            (middle - half, middle, radius),
        )
    )


def _priority_road() -> SignDesign:
    line = (_diamond(580, 15), hole(_diamond(566, 10)))
    return SignDesign(
        name="priority_road",
        title="Priority road",
        standard="StVO/VzKat sign 306, 600 mm",
        size_mm=(DIAMOND_MM, DIAMOND_MM),
        layers=(
            Layer("plate", "white", ((_diamond(600, 20),),)),
            Layer("rim", "black", (line, (_diamond(360, 0),))),
            Layer("ground", "yellow", ((_diamond(346, 0),),)),
        ),
        field=((_diamond(336, 0),),),
        label_pairs=(("gtsrb", 12),),
    )


JUNCTIONS: tuple[SignDesign, ...] = (_stop(), _yield(), _priority_road())
