"""Headlamps at night: the sign's sheeting sends their light back, the sticker only scatters it."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Sight, Span

OBSERVATION_DEG = (0.2, 1 / 3, 2.0)
ENTRANCE_DEG = (5.0, 30.0, 40.0)
WHITE_RA2 = ((250.0, 150.0, 110.0), (180.0, 100.0, 95.0), (5.0, 2.5, 1.5))
"""R_A in cd/lx/m2 by observation (rows) and entrance angle: EN 12899-1:2007, class RA2, white."""
REFERENCE_M = 10.0


@dataclass(frozen=True)
class Headlamps:
    """Two lamps of the camera's car, and how dark the scene is beside them.

    `level_ratio` is their light on a plane facing them at 10 m, both together, as a share of the
    standard light; `ambient_ev` changes the standard light itself, in stops. The lamps are
    `below_m` under the camera and `apart_m` from each other, their middle `side_m` to its right.
    """

    level_ratio: Span = Span(0.0, 1.0, neutral=0.0)
    ambient_ev: Span = Span(-6.0, 0.0, neutral=0.0)
    below_m: Span = Span(0.4, 0.8, neutral=0.6)
    side_m: Span = Span(-0.4, 0.4, neutral=0.0)
    apart_m: Span = Span(1.1, 1.5, neutral=1.3)

    def ambient(self, given: Conditions) -> Tensor:
        """Return the factor (B,1,1,1) of all light but the lamps'."""
        return torch.exp2(given["ambient_ev"])[:, None, None, None]

    def beams(self, sight: Sight, given: Conditions) -> tuple[Tensor, Tensor]:
        """Return what the lamps add to the light on sign and ink, each (B,1,1,1).

        Reflectance times the gain is radiance in the scene's unit. Ink is Lambertian; so is the
        sheeting, and it sends back R_A besides: luminance R_A E / cos(viewing angle), CIE 54.2.
        Light falls with the square of the distance. Taken at the sign's middle for all of it.
        """
        height, width = sight.size_mm
        eye = (sight.eye_mm - sight.eye_mm.new_tensor([width / 2, height / 2, 0])) / 1000
        sheet, ink = torch.zeros_like(eye[:, 0]), torch.zeros_like(eye[:, 0])
        for lamp in _lamps(eye, given):
            far = lamp.norm(dim=1)
            light = given["level_ratio"] / 2 * (REFERENCE_M / far) ** 2
            entrance = (lamp[:, 2] / far).clamp(1e-3, 1)
            viewing = (eye[:, 2] / eye.norm(dim=1)).clamp(1e-3, 1)
            returned = retroreflection(_angle_deg(lamp, eye), entrance.acos().rad2deg())
            ink = ink + light * entrance
            sheet = sheet + light * (entrance + math.pi * returned / viewing)
        return sheet[:, None, None, None], ink[:, None, None, None]


def retroreflection(observation_deg: Tensor, entrance_deg: Tensor) -> Tensor:
    """Return R_A in cd/lx/m2 of white sheeting, class RA2 of EN 12899-1, at angles (B,).

    Between the standard's angles: a power law of the observation angle (also beyond 2 deg) and
    an exponential of the entrance angle. Within the least angles it is constant; beyond the
    largest entrance angle, where the standard is silent, it falls with the cosine.
    """
    observation = observation_deg.clamp_min(OBSERVATION_DEG[0])
    entrance = entrance_deg.clamp(ENTRANCE_DEG[0], ENTRANCE_DEG[-1])
    rows = _weights(observation.log(), observation.new_tensor(OBSERVATION_DEG).log())
    columns = _weights(entrance, entrance.new_tensor(ENTRANCE_DEG))
    table = observation.new_tensor(WHITE_RA2).log()
    beyond = torch.cos(torch.deg2rad(entrance_deg.clamp(ENTRANCE_DEG[-1], 90)))
    level = ((rows @ table) * columns).sum(dim=1).exp()
    return level * beyond / math.cos(math.radians(ENTRANCE_DEG[-1]))


def _weights(at: Tensor, nodes: Tensor) -> Tensor:
    """Return the weights (B,3) of linear interpolation between three nodes, going on outside."""
    first = (at - nodes[0]) / (nodes[1] - nodes[0])
    second = (at - nodes[1]) / (nodes[2] - nodes[1])
    nothing = torch.zeros_like(at)
    left = torch.stack([1 - first, first, nothing], dim=1)
    right = torch.stack([nothing, 1 - second, second], dim=1)
    return torch.where(at[:, None] > nodes[1], right, left)


def _lamps(eye: Tensor, given: Conditions) -> list[Tensor]:
    """Return where the lamps are from the sign's middle, (B,3) in m; the sign hangs upright."""
    right = torch.stack([eye[:, 2], torch.zeros_like(eye[:, 0]), -eye[:, 0]], dim=1)
    right = right / right.norm(dim=1, keepdim=True)
    down = eye.new_tensor([0.0, 1.0, 0.0]) * given["below_m"][:, None]
    sides = [given["side_m"] + way * given["apart_m"] / 2 for way in (-1, 1)]
    return [eye + down + right * side[:, None] for side in sides]


def _angle_deg(one: Tensor, other: Tensor) -> Tensor:
    """Return the angle between vectors (B,3); exact for small ones too."""
    cross = torch.linalg.cross(one, other).norm(dim=1)
    return torch.atan2(cross, (one * other).sum(dim=1)).rad2deg()
