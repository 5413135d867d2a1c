"""Make a classifier say a certain class, or anything but the truth."""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Answer, Photo
from physadv.objectives.objective import Objective

ScoreLoss = Callable[[Tensor, Tensor], Tensor]
"""Takes scores (B,K) and classes (B,); low where the class wins."""


def cross_entropy(scores: Tensor, label: Tensor) -> Tensor:
    """Return -log softmax of the class, (B,)."""
    return F.cross_entropy(scores, label, reduction="none")


def margin(scores: Tensor, label: Tensor, *, confidence: float = math.inf) -> Tensor:
    """Return the best other score minus the class's, (B,), no lower than -confidence.

    Carlini & Wagner 2017, f6 with kappa: rows that win by `confidence` ask for nothing more.
    """
    own = scores.gather(1, label[:, None])[:, 0]
    others = scores.scatter(1, label[:, None], -torch.inf)
    return (others.amax(dim=1) - own).clamp_min(-confidence)


def targeted(label: int, loss: ScoreLoss = cross_entropy) -> Objective:
    """Want the answer to be class `label`."""
    return Objective(((1.0, partial(_towards, label, loss)),), (partial(_is, label),))


def untargeted(loss: ScoreLoss = margin) -> Objective:
    """Want any answer but the photo's own label."""
    return Objective(((1.0, partial(_away, loss)),), (_misread,))


def _towards(label: int, loss: ScoreLoss, answer: Answer, _photo: Photo) -> Tensor:
    return loss(answer.scores, torch.full((len(answer.scores),), label))


def _is(label: int, answer: Answer, _photo: Photo) -> Tensor:
    return answer.best == label


def _away(loss: ScoreLoss, answer: Answer, photo: Photo) -> Tensor:
    return -loss(answer.scores, photo.labels)


def _misread(answer: Answer, photo: Photo) -> Tensor:
    return answer.best != photo.labels
