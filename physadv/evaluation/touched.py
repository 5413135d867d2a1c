"""How much of a sign, or of a lens's light, an attack touches."""

import torch

from physadv.core import Film, Lighting, Touch, Window
from physadv.problem import HARD_PX, Problem

SEEN = 0.05
"""A change of the light that counts as touched area."""


def touched_pct(touch: Touch, problem: Problem) -> float:
    """Return how much is touched, in per cent: of the face's area, or of the lens's light."""
    if isinstance(touch, Film):
        sensor = problem.world.camera.sensor
        whole = Window(torch.zeros(1, 2), (sensor.height_px, sensor.width_px), sensor)
        return 100 * float(touch.layer(whole)[:, 3].mean())
    face = problem.world.scene.face(HARD_PX)
    if not isinstance(touch, Lighting):
        return 100 * float((touch.cover * face.cover).sum() / face.cover.sum())
    changed = ((touch.gain - 1).abs().amax(dim=1, keepdim=True) > SEEN).float()
    return 100 * float((changed * face.cover).sum() / face.cover.sum())
