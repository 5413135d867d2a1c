"""What light on the sign or dots on the lens are in units, in words, and how to set them up."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from physadv.core import Film
from physadv.evaluation import touched_pct
from physadv.patch import LaserLine, LensDots, Patch, Projection, ShadowPolygon
from physadv.problem import HARD_PX, Problem
from physadv.scene.shadow import SUN_DEG

WIDER_MM = 1000 * math.tan(math.radians(SUN_DEG))
"""How much wider a shadow's edge is for each metre between thing and sign: the sun's disc."""
TESTED = "Test on a sign and a recogniser of your own, off public roads, and undo it afterwards."
STEPS = {
    "shadow": (
        "Cut the polygon, by its corners, from anything opaque. They are in millimetres from the "
        "top left corner of the sign's frame, x to the right, y down, and may lie beyond it.",
        "Hold it parallel to the sign, towards the sun. The distance makes the width of the "
        "shadow's edge.",
        "Move it until the shadow lies as patch.png has it; the sun moves it on.",
        "Measure the light in the shadow and beside it: the share left must be as said here.",
    ),
    "laser": (
        "Spread the beam to a line. Its angle is clockwise from upright; its offset is how far its "
        "middle lies from the middle of the sign's frame, square to the line: to the right, or "
        "below where the line is level. The width is that of the whole beam (to 1/e²).",
        "Aim it until the line lies as patch.png has it.",
        "Measure the light on the sign without the laser: it must be no more than said here.",
        "Nobody may look into the beam, not by a mirror either: a sign's sheeting shines back.",
    ),
    "projection": (
        "Project patch.png over the whole of the sign's frame, square to it.",
        "Measure a white picture on the sign, and the light there without the projector.",
    ),
    "lens-dots": (
        "Places and radii are shares of the camera's picture, from its top left corner: x and the "
        "radius of its width, y of its height. The radius is where a dot is faint: e⁻¹ of its "
        "opacity.",
        "Print the dots on clear film and lay it on the lens, so near that each is a blur; compare "
        "a photograph of something white with patch.png, and move them.",
        "The sign has to be where the world has it in the picture: the dots stay where they are.",
    ),
}
"""How each kind is set up."""


def light_facts(kind: str, problem: Problem, theta: Tensor) -> dict[str, Any]:
    """Return what was found as plain data with units, and how much of the sign it touches."""
    touch = problem.patch.touch(theta, HARD_PX)
    of = "the lens's light" if isinstance(touch, Film) else "the face"
    touched = {"kind": kind, "touched_pct": round(touched_pct(touch, problem), 2), "of": of}
    return touched | _facts(problem.patch, theta)


def _facts(patch: Patch, theta: Tensor) -> dict[str, Any]:
    match patch:
        case ShadowPolygon():
            corners = [[round(x, 1), round(y, 1)] for x, y in patch.outline_mm(theta)]
            left = {"left_ratio": patch.shade_ratio, "penumbra_mm": patch.penumbra_mm}
            return left | {"corners_mm": corners}
        case LaserLine():
            length = patch.length_mm or round(math.hypot(*patch.size_mm), 1)
            lamp = {"ambient_lux": patch.ambient_lux, "length_mm": length}
            return lamp | {"lines": _rows(patch.told(theta), 2)}
        case Projection():
            names = ("projector_lux", "contrast_ratio", "ambient_lux", "cell_mm")
            return {name: getattr(patch, name) for name in names}
        case LensDots():
            rows = zip(_rows(patch.told(theta), 4), theta[:, 3:], strict=True)
            dots = [row | {"colour": _hexadecimal(colour)} for row, colour in rows]
            return {"alpha_max": patch.alpha_max, "dots": dots}
    return {}


def _rows(told: Mapping[str, Tensor], digits: int) -> list[dict[str, float]]:
    columns = [[round(value, digits) for value in column.tolist()] for column in told.values()]
    return [dict(zip(told, row, strict=True)) for row in zip(*columns, strict=True)]


def _hexadecimal(colour: Tensor) -> str:
    return "#" + "".join(f"{round(255 * value):02x}" for value in colour.tolist())


def light_words(facts: Mapping[str, Any]) -> dict[str, str]:
    """Say what `light_facts` returns to people."""
    touched = {"touched": f"{facts['touched_pct']:.1f} % of {facts['of']}"}
    match facts["kind"]:
        case "shadow":
            return touched | _shadow(facts)
        case "laser":
            lines = {f"line {k}": _line(one) for k, one in enumerate(facts["lines"], 1)}
            spread = f"evenly over {facts['length_mm']:.0f} mm of each line"
            return touched | {"beside": _ambient(facts), "power": spread} | lines
        case "projection":
            lamp = f"{facts['projector_lux']:g} lux of white, contrast {facts['contrast_ratio']:g}"
            cells = f"patch.png, in cells of {facts['cell_mm']:g} mm"
            return touched | {"projector": lamp, "beside": _ambient(facts), "picture": cells}
    most = f"at most {100 * facts['alpha_max']:g} % each"
    dots = {f"dot {k}": _dot(one) for k, one in enumerate(facts["dots"], 1)}
    return touched | {"opacity": most} | dots


def _shadow(facts: Mapping[str, Any]) -> dict[str, str]:
    away = facts["penumbra_mm"] / WIDER_MM
    edge = f"{facts['penumbra_mm']:g} mm wide: a thing {away:.1f} m before the sign"
    corners = {
        f"corner {k}": f"x {x:.0f}, y {y:.0f} mm" for k, (x, y) in enumerate(facts["corners_mm"], 1)
    }
    return {"light left": f"{100 * facts['left_ratio']:g} %", "edge": edge} | corners


def _ambient(facts: Mapping[str, Any]) -> str:
    return f"{facts['ambient_lux']:g} lux of other light on the sign"


def _line(line: Mapping[str, float]) -> str:
    place = (
        f"{line['angle_deg']:.0f}°, {line['offset_mm']:+.0f} mm off, {line['width_mm']:.0f} mm wide"
    )
    return f"{place}, {line['wavelength_nm']:.0f} nm, {line['power_mw']:.1f} mW"


def _dot(dot: Mapping[str, Any]) -> str:
    place = f"x {dot['x_ratio']:.3f}, y {dot['y_ratio']:.3f}, radius {dot['radius_ratio']:.3f}"
    return f"{place}, {dot['colour']}"


def light_steps(kind: str) -> Sequence[str]:
    """Return how a kind is set up, in sentences."""
    return (*STEPS[kind], TESTED)
