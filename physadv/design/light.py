"""Kinds that print nothing: light on the sign or dots on the lens, as a design has them."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from physadv.core import check
from physadv.core.part import Cell, Count, Part, Positive, Ratio, Weight
from physadv.patch import LaserLine, LensDots, Patch, Projection, ShadowPolygon

LIGHT = {
    "shadow": ("corners", "shade_ratio", "penumbra_mm"),
    "laser": ("lines", "ambient_lux", "width_mm", "wavelength_nm", "power_mw"),
    "projection": ("cell_mm", "ambient_lux", "projector_lux", "contrast_ratio"),
    "lens-dots": ("dots", "alpha_max", "radius_ratio"),
}
"""Which settings each kind has."""
ON_SIGN: dict[str, Callable[..., Patch]] = {
    "shadow": ShadowPolygon,
    "laser": LaserLine,
    "projection": Projection,
}


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    check(low <= high, "ends", expected="the lower one first", got=list(ends))
    return ends


Visible = Annotated[float, Field(ge=380, le=780)]
Ends = Annotated[tuple[Positive, Positive], AfterValidator(_rising)]
Powers = Annotated[tuple[Weight, Weight], AfterValidator(_rising)]
Colours = Annotated[tuple[Visible, Visible], AfterValidator(_rising)]


class LightPart(Part):
    """What light or dots may be, where the stickers' kind is one that prints nothing.

    "shadow" has `corners`, leaves `shade_ratio` of the light, and its edge is `penumbra_mm` wide.
    "laser" has `lines`, each with a width, a wavelength and a power between two ends. A
    "projection" is `projector_lux` where it is white, by `contrast_ratio` less where it is black,
    with a value for each `cell_mm`. Beside either are `ambient_lux` of white light (none named: 20
    beside a laser, 120 beside a projector). "lens-dots" has `dots` of at most `alpha_max` opacity,
    their radii between two ends in shares of the sensor's width. See the classes in
    `physadv.patch`, whose defaults these are.
    """

    corners: int = Field(
        default=ShadowPolygon.corners, ge=3, description="a whole number, at least 3"
    )
    shade_ratio: Ratio = ShadowPolygon.shade_ratio
    penumbra_mm: float = Field(
        default=ShadowPolygon.penumbra_mm, ge=0, le=200, description="millimetres, from 0 to 200"
    )
    lines: Count = LaserLine.lines
    width_mm: Ends = Field(
        default=LaserLine.width_mm, description="two numbers above 0, the lower one first"
    )
    wavelength_nm: Colours = Field(
        default=LaserLine.wavelength_nm,
        description="two numbers from 380 to 780, the lower one first",
    )
    power_mw: Powers = Field(
        default=LaserLine.power_mw, description="two numbers, at least 0, the lower one first"
    )
    cell_mm: Cell = Projection.cell_mm
    projector_lux: Positive = Projection.projector_lux
    contrast_ratio: float = Field(
        default=Projection.contrast_ratio, ge=1, description="a number, at least 1"
    )
    ambient_lux: float | None = Field(default=None, gt=0, description="lux, above 0")
    dots: Count = LensDots.dots
    alpha_max: Ratio = LensDots.alpha_max
    radius_ratio: Ends = Field(
        default=LensDots.radius_ratio, description="two numbers above 0, the lower one first"
    )


def light_patch(kind: str, part: LightPart, size_mm: tuple[float, float]) -> Patch:
    """Return the light or the dots of a kind, for a sign whose frame is `size_mm`."""
    own = {name: getattr(part, name) for name in LIGHT[kind]}
    own = {name: value for name, value in own.items() if value is not None}
    return ON_SIGN[kind](size_mm, **own) if kind in ON_SIGN else LensDots(**own)
