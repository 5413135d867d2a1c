"""Make a classifier say a certain class, or anything but the truth."""

from collections.abc import Callable
from functools import partial
from math import inf

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Answer, Photo, check
from physadv.objectives.objective import Objective

ScoreLoss = Callable[[Tensor, Tensor], Tensor]
"""Takes scores (B,K) and classes (B,); low where the class wins."""


def cross_entropy(scores: Tensor, label: Tensor) -> Tensor:
    """Return -log softmax of the class, (B,)."""
    return F.cross_entropy(scores, label, reduction="none")


def margin(scores: Tensor, label: Tensor) -> Tensor:
    """Return the best other score minus the class's, (B,) (Carlini & Wagner 2017, f6)."""
    own = scores.gather(1, label[:, None])[:, 0]
    others = scores.scatter(1, label[:, None], -torch.inf)
    return others.amax(dim=1) - own


def targeted(label: int, loss: ScoreLoss = cross_entropy, *, confidence: float = inf) -> Objective:
    """Want the answer to be class `label`.

    Rows whose loss is below `-confidence` ask for nothing more (Carlini & Wagner's kappa, where
    the loss is the margin).
    """
    return Objective(((1.0, partial(_towards, label, loss, confidence)),), (partial(_is, label),))


def as_labelled(loss: ScoreLoss = cross_entropy, *, confidence: float = inf) -> Objective:
    """Want every answer to be its photo's label: for labels that say what each is to be read as.

    `confidence` as in `targeted`.
    """
    return Objective(((1.0, partial(_towards_own, loss, confidence)),), (_is_own,))


def untargeted(
    loss: ScoreLoss = margin, *, confidence: float = inf, never: tuple[int, ...] = ()
) -> Objective:
    """Want any answer but the photo's own label; `confidence` as in `targeted`.

    Classes that are `never` wanted either, as that of images which a detector of attacks rejects,
    count as the label does: the best of them stands for all in the loss.
    """
    if not never:
        return Objective(((1.0, partial(_away, loss, confidence)),), (_misread,))
    away = partial(_away, partial(_joined, loss, never), confidence)
    return Objective(((1.0, away),), (partial(_misread_but, never),))


def wants_labels(objective: Objective) -> bool | None:
    """Whether it wants photos read as their labels (`as_labelled`) or as anything else (False).

    None where success is something else: for attacks of others that know these two goals only.
    """
    if objective.goals == (_is_own,):
        return True
    return False if objective.goals == (_misread,) else None


def _towards(
    label: int, loss: ScoreLoss, confidence: float, answer: Answer, _photo: Photo
) -> Tensor:
    scores = _class_scores(answer)
    wanted = scores.new_full((len(scores),), label, dtype=torch.long)
    return loss(scores, wanted).clamp_min(-confidence)


def _towards_own(loss: ScoreLoss, confidence: float, answer: Answer, photo: Photo) -> Tensor:
    return loss(answer.scores, photo.labels).clamp_min(-confidence)


def _away(loss: ScoreLoss, confidence: float, answer: Answer, photo: Photo) -> Tensor:
    scores = _class_scores(answer)
    return (-loss(scores, photo.labels.to(scores.device))).clamp_min(-confidence)


def _joined(loss: ScoreLoss, never: tuple[int, ...], scores: Tensor, label: Tensor) -> Tensor:
    """Return the loss where the label has the best score of it and those that are never wanted."""
    bad = scores[:, list(never)].amax(dim=1)
    best = torch.maximum(scores.gather(1, label[:, None])[:, 0], bad)
    rest = scores.index_fill(1, torch.tensor(never, device=scores.device), -torch.inf)
    return loss(rest.scatter(1, label[:, None], best[:, None]), label)


def _misread_but(never: tuple[int, ...], answer: Answer, photo: Photo) -> Tensor:
    kept = torch.isin(answer.best, torch.tensor(never, device=answer.best.device))
    return _misread(answer, photo) & ~kept


def _is(label: int, answer: Answer, _photo: Photo) -> Tensor:
    return answer.best == label


def _is_own(answer: Answer, photo: Photo) -> Tensor:
    return answer.best == photo.labels


def _misread(answer: Answer, photo: Photo) -> Tensor:
    return answer.best != photo.labels.to(answer.scores.device)


def _class_scores(answer: Answer) -> Tensor:
    fix = "ask a detector with vanish(class)"
    shape = tuple(answer.scores.shape)
    check(len(shape) == 2, "objective", expected="class scores (B,K)", got=shape, fix=fix)
    return answer.scores
