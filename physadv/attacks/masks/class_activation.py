"""Grad-CAM: which part of the sign the victim's own class rests on.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization" (2017), equations 1 and 2; brought from the picture back to the sign's plane.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from physadv.attacks.masks.interest import Interest
from physadv.core import Encoded, Face, Photo, PlaneMap, UserError, check, generator, spawn
from physadv.core.device import CPU, device_of, moved, on
from physadv.problem import Problem
from physadv.victims import Victim, check_gradients

CELL_MM = 12.5
INSTEAD = "take --layout occlusion, which needs no more than scores"


def class_activation_map(problem: Problem, face: Face, *, seed: int, n: int = 64) -> Interest:
    """Return the mean Grad-CAM of the true class over `n` photos of the bare sign.

    The class is the photo's label, or the victim's own answer where it has none. The map is read
    at each place of the face, in cells of 12.5 mm. Raises `UserError` for a victim that is no
    torch network with convolutions or no classifier, and where the sign's corners are unknown.
    """
    check_gradients(problem.victim, INSTEAD)
    given = problem.draw(n, generator(spawn(seed, "masks", "class activation")))
    with on(device_of(problem.victim)):
        photo = problem.world.photograph(None, given, problem.victim.size_px)
        seen = grad_cam(problem.victim, photo.pixels, photo.labels)
        photo, seen = moved((photo, seen), CPU)
    return Interest(_on_face(seen, photo, face).mean(dim=0, keepdim=True), n)


def grad_cam(victim: Victim, images: Encoded, labels: Tensor) -> Tensor:
    """Return relu(sum_k alpha_k A^k), (B,1,h,w); alpha_k is the mean slope of the score in A^k.

    A^k are the last feature maps as large as what the last convolution gave, so after its
    normalisation, shortcut and rectifier. A label below 0 stands for the victim's answer.
    """
    with _watched(_module(victim)) as outputs:
        scores = victim(Encoded(images.detach().requires_grad_())).scores
    got = tuple(scores.shape)
    wanted = "one score a class"
    check(scores.ndim == 2, "victim", expected=wanted, got=got, fix=INSTEAD)
    maps = _last_maps(outputs)
    wanted_class = torch.where(labels < 0, scores.argmax(dim=1), labels.to(scores.device))
    own = scores.gather(1, wanted_class[:, None]).sum()
    (slope,) = torch.autograd.grad(own, maps)
    weight = slope.mean(dim=(2, 3), keepdim=True)
    return (weight * maps).sum(dim=1, keepdim=True).clamp_min(0).detach().float()


def _module(victim: Victim) -> nn.Module:
    module = getattr(victim, "module", None)
    if isinstance(module, nn.Module):
        return module
    raise UserError("victim", expected="a torch network", got=victim.name, fix=INSTEAD)


@contextmanager
def _watched(module: nn.Module) -> Iterator[list[tuple[bool, Tensor]]]:
    """Note what every part gives, in order, and whether it is a convolution."""
    outputs: list[tuple[bool, Tensor]] = []

    def note(part: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            outputs.append((isinstance(part, nn.Conv2d), output))

    hooks = [part.register_forward_hook(note) for part in module.modules()]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def _last_maps(outputs: list[tuple[bool, Tensor]]) -> Tensor:
    """Return the last output as large as the last convolution's, of as many channels."""
    convolved = [output.shape for is_convolution, output in outputs if is_convolution]
    wanted, got = "a network with convolutions", "one without"
    check(bool(convolved), "victim", expected=wanted, got=got, fix=INSTEAD)
    return next(one for _, one in reversed(outputs) if one.shape == convolved[-1])


def _on_face(seen: Tensor, photo: Photo, face: Face) -> Tensor:
    """Read maps (B,1,h,w) over pictures at the places of the face, (B,1,rows,columns)."""
    height, width = face.size_mm
    rows, columns = (max(2, round(length / CELL_MM)) for length in (height, width))
    y, x = (
        (torch.arange(rows) + 0.5) * height / rows,
        (torch.arange(columns) + 0.5) * width / columns,
    )
    points = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)
    pixels = _plane(photo, face)(points.double()).float()
    size = torch.tensor([photo.pixels.shape[-1], photo.pixels.shape[-2]])
    place = (pixels / size * 2 - 1).reshape(-1, rows, columns, 2)
    return F.grid_sample(seen, place, mode="bilinear", padding_mode="border", align_corners=False)


def _plane(photo: Photo, face: Face) -> PlaneMap:
    """Return the homographies from the face's mm to the pictures, by the sign's outline in both."""
    outline, corners = np.array(face.outline_mm), photo.corners_px.double().cpu().numpy()
    got = f"{corners.shape[1]} corners in photos, {len(outline)} on the face"
    alike = corners.shape[1] == len(outline) >= 4
    wanted = "photos that tell at least four corners of the sign's outline"
    check(alike, "world", expected=wanted, got=got, fix=INSTEAD)
    found = [cv2.findHomography(outline, one)[0] for one in corners]
    return PlaneMap(torch.from_numpy(np.stack(found)))
