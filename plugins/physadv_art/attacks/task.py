"""One call of `generate`: arrays in ART's ways to images, labels and rows, checked at the door."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor
from tqdm.auto import tqdm

from physadv.attacks.digital import Rows, Step
from physadv.core import Encoded
from physadv.judge import ImageReport, Told, judge_images
from physadv.objectives import Objective, as_labelled, cross_entropy, untargeted
from physadv_art.black_box import EstimatorBlackBox
from physadv_art.estimators.detector import DetectorClassifier
from physadv_art.frame import Array, Frame
from physadv_art.victim import EstimatorDetector, EstimatorVictim

PART = 128
"""How many images the estimator is asked about at once."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is attacked: the estimator as a victim, x as it came, its images, and what is known."""

    victim: EstimatorVictim | EstimatorBlackBox
    x: Array
    images: Encoded
    rows: Rows
    objective: Objective
    truth: Tensor | None

    @property
    def frame(self) -> Frame:
        """How the estimator has its images."""
        return self.victim.frame

    def array(self, attacked: Tensor) -> Array:
        """Return attacked images as x has them; what is as it was keeps its values."""
        if self.x.ndim == 2:
            return self.frame.changed(self.x, self.images.flatten(1), attacked.flatten(1))
        return self.frame.changed(self.x, self.images, attacked)

    def judged(self, attacked: Encoded, controls: dict[str, Encoded] | None = None) -> ImageReport:
        """Have the judge look at attacked images."""
        assert self.rows.labels is not None
        told = Told(self.rows.labels, self.truth, self.rows.boxes)
        return judge_images(self.victim, self.images, attacked, self.objective, told, controls)

    def parts(self, size: int) -> Iterator[tuple[int, slice, "Task"]]:
        """Yield batches: their number, where they are, and they."""
        for number, first in enumerate(range(0, len(self.x), size)):
            where = slice(first, first + size)
            images, rows = Encoded(self.images[where]), self.rows.take(where)
            yield number, where, replace(self, x=self.x[where], images=images, rows=rows)


def open_task(attack: Any, x: Any, y: Any, mask: Any, x_init: Any, boxes: Any = None) -> Task:
    """Return the task of one call. Raises `ValueError` for arrays that do not fit."""
    values = np.asarray(x, dtype=np.float32)
    victim = _victim(attack, values)
    frame, flat = victim.frame, values.ndim == 2 and isinstance(victim, EstimatorBlackBox)
    frame.check(values, clip=attack.clip_x)
    device = getattr(attack.estimator, "device", "cpu")

    def ready(found: Tensor) -> Tensor:
        return (found[:, None, None] if flat else found).to(device)

    images = Encoded(ready(frame.images(values)))
    y = None if isinstance(victim, EstimatorDetector) else y
    told = _labels(y, len(values), attack)
    if told is None:
        told = _predicted(victim, images)
    rows = Rows(
        labels=told.to(images.device),
        mask=None if mask is None else ready(_mask(mask, values, frame)),
        start=None if x_init is None else ready(_start(x_init, values, frame)),
        boxes=None if boxes is None else _boxes(boxes, len(values)).to(images),
    )
    truth = None if attack.targeted or y is None else told
    return Task(victim, values, images, rows.spread(images), _objective(attack), truth)


def _victim(attack: Any, x: Array) -> EstimatorVictim | EstimatorBlackBox:
    """Return the estimator as a victim: through its `predict` alone where the attack only asks.

    One that takes rows of a table may be given images; a row is an image of one line.
    """
    on, sees = attack.estimator, attack.settings.about.needs == "gradients"
    shape = tuple(on.input_shape or ())
    rows = len(shape) == 1 and not isinstance(on, PyTorchClassifier)
    sides = x.ndim - 1 if rows and x.ndim in (2, 4) else len(shape)
    if x.ndim != sides + 1:
        raise ValueError(f"x: expected a batch, {sides + 1} dimensions, got shape {x.shape}")
    if attack.objective is not None and isinstance(on, DetectorClassifier):
        return EstimatorDetector(on)
    if sees and isinstance(on, PyTorchClassifier):
        return EstimatorVictim(on)
    line = (1, 1, *shape) if x.ndim == 2 else tuple(x.shape[1:])
    return EstimatorBlackBox(on, input_shape=line if len(shape) == 1 else None)


def _objective(attack: Any) -> Objective:
    """Return what is wanted: the attack's own objective, or what y and targeted say."""
    if attack.objective is not None:
        own: Objective = attack.objective
        return own
    return as_labelled(cross_entropy) if attack.targeted else untargeted(cross_entropy)


class Watcher:
    """Tells tqdm and ART's summary writer of each step."""

    def __init__(self, attack: Any, steps: int | None) -> None:
        """Show a bar of `steps`, if that is known, unless the attack is silent."""
        name = type(attack).__name__
        self.attack, self.batch = attack, 0
        self.bar = tqdm(total=steps, desc=name, leave=False, disable=not attack.verbose)
        self.step = 0

    def of(self, number: int, task: Task) -> "Watcher":
        """Watch a batch."""
        self.batch, self.task, self.step = number, task, 0
        return self

    def __call__(self, step: Step) -> None:
        """Note a step."""
        self.bar.update(1)
        writer, frame = self.attack.summary_writer, self.task.frame
        if writer is not None:
            labels = self.task.rows.labels
            assert labels is not None
            classes = np.eye(self.attack.estimator.nb_classes, dtype=np.float32)
            drawn = getattr(self.attack, "together", False)  # a step's images are some of them
            shape = (len(step.images), *self.task.x.shape[1:])
            writer.update(
                batch_id=self.batch,
                global_step=self.step,
                grad=-frame.last(step.slope).cpu().numpy().reshape(shape) / frame.width,
                patch=None,
                estimator=self.attack.estimator,
                x=frame.array(step.images).reshape(shape),
                y=None if drawn else classes[labels.cpu().numpy()][: len(step.images)],
                targeted=self.attack.targeted,
            )
        self.step += 1

    def close(self) -> None:
        """End the bar and the writer's count."""
        self.bar.close()
        if self.attack.summary_writer is not None:
            self.attack.summary_writer.reset()


def _labels(y: Any, count: int, attack: Any) -> Tensor | None:
    """Return classes (B,) from one-hot rows (B,K), (B,1) or (B,)."""
    classes = attack.estimator.nb_classes
    if y is None:
        if attack.targeted and attack.objective is None:
            raise ValueError("y: expected target labels for a targeted attack, got None")
        return None
    found = np.asarray(y)
    if found.ndim == 2 and found.shape[1] == classes > 1:
        found = found.argmax(axis=1)
    found = found.reshape(-1) if found.ndim == 2 and found.shape[1] == 1 else found
    if found.shape != (count,):
        raise ValueError(
            f"y: expected shape ({count}, {classes}) (one-hot) or ({count},) (classes), "
            f"got {np.asarray(y).shape}"
        )
    if not np.equal(np.mod(found, 1), 0).all() or found.min() < 0 or found.max() >= classes:
        raise ValueError(f"y: expected classes from 0 to {classes - 1}, got {found.tolist()}")
    return torch.from_numpy(found.astype(np.int64))


def _predicted(victim: EstimatorVictim | EstimatorBlackBox, images: Encoded) -> Tensor:
    with torch.no_grad():
        parts = images.tensor_split(list(range(PART, len(images), PART)))
        return torch.cat([victim(Encoded(part)).best for part in parts])


def _mask(mask: Any, x: Array, frame: Frame) -> Tensor:
    """Return a mask as large as the images; raises `ValueError` as ART's own attacks do."""
    found = np.asarray(mask)
    if not (np.issubdtype(found.dtype, np.floating) or found.dtype == bool):
        raise ValueError(f"mask: expected floats or bools, got {found.dtype}")
    if found.ndim > x.ndim or (found.size and found.min() < 0):
        raise ValueError(f"mask: expected values from 0 on that broadcast to x, got {found.shape}")
    try:
        whole = np.broadcast_to(found, x.shape)
    except ValueError as error:
        expected = f"a shape that broadcasts to {x.shape}"
        raise ValueError(f"mask: expected {expected}, got {found.shape}") from error
    return frame.first(torch.from_numpy(whole.astype(np.float32)))


def _boxes(boxes: Any, count: int) -> Tensor:
    """Return a box (n,4) for each image; raises `ValueError`."""
    found = np.array(boxes, dtype=np.float32)
    found = np.broadcast_to(found, (count, 4)) if found.shape == (4,) else found
    good = found.shape == (count, 4) and bool((found[:, 2:] > found[:, :2]).all())
    if not good:
        expected = f"a box (4,) or boxes ({count}, 4), x1 < x2 and y1 < y2 in pixels"
        raise ValueError(f"boxes: expected {expected}, got shape {np.shape(boxes)}")
    return torch.from_numpy(found.copy())


def _start(x_init: Any, x: Array, frame: Frame) -> Tensor:
    """Return where images begin: row for row, what is left over is not looked at, as in ART."""
    found = np.asarray(x_init, dtype=np.float32)
    if found.ndim == 0 or found.shape[1:] != x.shape[1:] or len(found) < len(x):
        expected = f"the shape of x {x.shape} or more rows"
        raise ValueError(f"x_init: expected {expected}, got {found.shape}")
    found = found[: len(x)]
    frame.check(found)
    return frame.images(found)
