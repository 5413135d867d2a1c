"""The pictures of a result, as files hold them: what was found alone, and the sign with it."""

import torch
from torch import Tensor

from physadv.core import Encoded, Face, Film, Lighting, Linear, Sensor, Span, Touch, Window, encode
from physadv.evaluation import middle
from physadv.patch import Patch, Projection, ink
from physadv.printing import hard
from physadv.problem import HARD_PX, Problem

EXPOSURE = "camera.exposure.gain_ev"
PHOTO_PX = (512, 512)
"""The photograph through dots on the lens (h, w)."""
FAINTEST = 1 / 255
"""The least opacity that a file can hold."""


def patch_picture(patch: Patch, theta: Tensor, width_px: int = HARD_PX) -> Tensor:
    """Return patch.png: colour and cover (1,4,h,w) over the whole frame, exactly as judged."""
    printed = hard(ink(patch, theta, width_px))
    return torch.cat([printed.colour * printed.cover, printed.cover], dim=1)


def sign_picture(face: Face, patch: Tensor) -> Tensor:
    """Return sign.png: the face with `patch` (1,4,h,w) on, encoded, alpha 0 beyond its outline."""
    bare = encode(Linear(face.texture))
    return torch.cat([torch.lerp(bare, patch[:, :3], patch[:, 3:]), face.cover], dim=1)


def found_picture(problem: Problem, theta: Tensor, width_px: int = HARD_PX) -> Tensor:
    """Return patch.png (1,4,h,w) of whatever was found: encoded colour, and alpha.

    Over the sign's frame: ink as it is printed; a shadow, black, as opaque as it takes light; the
    picture that a projector is given; other light alone, its brightest at 1. Over the camera's
    sensor: dots on the lens, their colour and opacity.
    """
    touch = problem.patch.touch(theta, width_px)
    if isinstance(touch, Film):
        return _film(touch, problem.world.camera.sensor, width_px)
    if isinstance(problem.patch, Projection):
        return _opaque(problem.patch.picture(theta, width_px))
    if isinstance(touch, Lighting):
        return _light(touch.gain)
    return patch_picture(problem.patch, theta, width_px)


def sign_pictures(
    problem: Problem, theta: Tensor, width_px: int = HARD_PX
) -> tuple[Tensor, Tensor]:
    """Return the sign (1,4,h,w) without, and with what was found: sign.png.

    Alpha is 0 beyond its outline. Under light it is seen at the middle of the world's exposures;
    through dots on the lens in a photograph, with all that varies at rest or in the middle.
    """
    touch = problem.patch.touch(theta, width_px)
    if isinstance(touch, Film):
        return _photo(problem, None), _photo(problem, touch)
    face = problem.world.scene.face(width_px)
    if isinstance(touch, Lighting):
        stops = _stops(problem)
        return _lit(face, torch.ones(1), stops), _lit(face, touch.gain, stops)
    printed = patch_picture(problem.patch, theta, width_px)
    return sign_picture(face, printed * 0), sign_picture(face, printed)


def _light(gain: Tensor) -> Tensor:
    """Draw light that is taken as black of some opacity, light that is added by itself."""
    taken = (1 - gain).amax(dim=1, keepdim=True).clamp(0, 1)
    if bool(taken.any()):
        return torch.cat([torch.zeros_like(taken).expand(-1, 3, -1, -1), taken], dim=1)
    added = (gain - 1).expand(-1, 3, -1, -1)
    return _opaque(encode(Linear(added / added.max().clamp_min(1e-9))))


def _film(film: Film, sensor: Sensor, width_px: int) -> Tensor:
    """Draw a film over the whole of a sensor."""
    size = (round(width_px * sensor.height_px / sensor.width_px), width_px)
    layer = film.layer(Window(torch.zeros(1, 2), size, Sensor(width_px, size[0], sensor.fov_deg)))
    colour = layer[:, :3] / layer[:, 3:].clamp_min(FAINTEST)
    return torch.cat([encode(Linear(colour.clamp(0, 1))), layer[:, 3:]], dim=1)


def _photo(problem: Problem, touch: Touch | None) -> Tensor:
    given = {name: torch.tensor([middle(one)]) for name, one in problem.declared().items()}
    return _opaque(problem.world.photograph(touch, given, PHOTO_PX, hardly=True).pixels)


def _lit(face: Face, gain: Tensor, stops: float) -> Tensor:
    seen = Linear((face.texture * gain * 2**stops).clamp(0, 1))
    return torch.cat([encode(seen), face.cover], dim=1)


def _stops(problem: Problem) -> float:
    varying = problem.declared().get(EXPOSURE)
    return middle(varying) if isinstance(varying, Span) else 0.0


def _opaque(picture: Encoded) -> Tensor:
    return torch.cat([picture, torch.ones_like(picture[:, :1])], dim=1)
