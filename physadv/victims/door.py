"""What is checked where images go into a victim and where its scores come out."""

import torch
from torch import Tensor, nn

from physadv.core import Detections, UserError, check
from physadv.victims.frozen import frozen

BELOW, ABOVE = -0.01, 1.01
"""What passes as [0,1]: room for a filter's overshoot, none for bytes or normalised images."""


def check_images(images: Tensor, *, values: bool = True) -> None:
    """Raise `UserError` unless images are floating (B,3,H,W), B >= 1, with values in [0,1].

    `values=False` leaves the values unread, which would halt an accelerator's queue.
    """
    check(isinstance(images, Tensor), "images", expected="a tensor", got=type(images).__name__)
    shape = tuple(images.shape)
    check(
        len(shape) == 4 and shape[1] == 3 and 0 not in shape,
        "images",
        expected="shape (B,3,H,W) with at least one image",
        got=shape,
    )
    check(
        images.is_floating_point(),
        "images",
        expected="float32 values in [0,1]",
        got=images.dtype,
        fix="divide bytes by 255",
    )
    if values:
        low, high = (float(bound) for bound in torch.aminmax(images.detach()))
        check(
            low >= BELOW and high <= ABOVE,
            "images",
            expected="values in [0,1]",
            got=f"{low:.3g} to {high:.3g}",
            fix="divide bytes by 255; leave normalisation to the victim (mean, std)",
        )


def ask(module: nn.Module, batch: Tensor, *, explain: bool = True) -> object:
    """Return what a network gives for a batch that is ready for it, without leaving a trace.

    With `explain` its refusal of the batch is raised as `UserError`.
    """
    try:
        with frozen(module):
            return module(batch)
    except (RuntimeError, ValueError) as error:
        if not explain or isinstance(error, torch.OutOfMemoryError | UserError):
            raise
        raise UserError(
            "victim",
            expected=f"a network that takes {tuple(batch.shape)} on {batch.device}",
            got=first_line(error),
            fix="check size_px, and that the network and the images are on one device",
        ) from error


def check_scores(
    scores: object, *, rows: int, classes: int | None = None, values: bool = True
) -> Tensor:
    """Return what a network gave for `rows` images if it is finite (rows, classes) scores.

    Raises `UserError` otherwise. Any number of classes will do for `None`; `values` as in
    `check_images`.
    """
    if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != rows:
        raise UserError(
            "victim",
            expected=f"scores of shape ({rows}, {classes or 'classes'})",
            got=tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__,
            fix="wrap the network in a module that returns one score for each image and class",
        )
    check(
        classes in (None, scores.shape[1]),
        "labels",
        expected=f"one name for each of the victim's {scores.shape[1]} outputs",
        got=f"{classes} names",
        fix="give the labels that the network was trained with, in its order",
    )
    check(
        not values or bool(scores.detach().isfinite().all()),
        "victim",
        expected="finite scores",
        got="NaN or infinity",
        fix="check its weights, and the mean and std it is given",
    )
    return scores


def check_detections(dense: object, *, rows: int, classes: int, values: bool = True) -> None:
    """Raise `UserError` unless these are detections of `rows` images among `classes` classes.

    With `values`, boxes have to be finite and scores in [0,1].
    """
    if not isinstance(dense, Detections):
        expected, got = "a decoder that returns Detections", type(dense).__name__
        raise UserError("decode", expected=expected, got=got)
    n, count = dense.scores.shape[1:] if dense.scores.ndim == 3 else (0, 0)
    check(
        count == classes,
        "labels",
        expected=f"one name for each of the detector's {count} classes",
        got=f"{classes} names",
        fix="give the labels that it was trained with, in its order",
    )
    shapes = [tuple(one.shape) for one in (dense.boxes, dense.scores, dense.valid)]
    wanted = [(rows, n, 4), (rows, n, classes), (rows, n)]
    check(shapes == wanted, "decode", expected=f"boxes, scores, valid {wanted}", got=shapes)
    if values and n:
        low, high = (float(bound) for bound in torch.aminmax(dense.scores.detach()))
        good = low >= 0 and high <= 1 + 1e-4 and bool(dense.boxes.detach().isfinite().all())
        check(
            good,
            "victim",
            expected="finite boxes and scores in [0,1]",
            got=f"scores {low:.3g} to {high:.3g}",
            fix="check its weights, how its images are prepared, and that the decoder is its own",
        )


def first_line(error: BaseException) -> str:
    """Return the kind of an error and what its message says first."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
