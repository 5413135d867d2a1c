"""The contract of victims: pictures in, scores out, nothing changed on the way."""

import torch
from torch import Tensor

from physadv.core import Answer, Detections, Encoded, UserError, generator
from physadv.testing.contract import hold, near, no_chance_from_outside
from physadv.victims import Victim


def check_victim(victim: Victim, *, tolerance: float = 1e-4, rows: bool = True) -> None:
    """Raise `ContractError` at the first clause of the contract that `victim` breaks.

    Scores (B,K), one a label, finite, for images of any size, or a detector's candidates with
    scores (B,N,K) in [0,1] and boxes (B,N,4); the same images get the same answer; a batch is its
    rows one by one; images, weights, mode and flags stay as they were; if it is differentiable,
    gradients reach every image and no parameter, otherwise it counts the images it is shown in
    `queries`; labels are found by index. Without `rows` a batch need not be its rows one by one, as
    where each row has a chance of its own.
    """
    before = state_of(victim)
    for size in (victim.size_px, (23, 31), (96, 64)):
        _check_answer(victim, images(2, size))
    if rows:
        _check_rows(victim, images(3, victim.size_px), tolerance)
    if victim.differentiable:
        _check_gradient(victim)
    else:
        _check_queries(victim)
    after = state_of(victim)
    same = before.keys() == after.keys() and all(torch.equal(before[n], after[n]) for n in before)
    hold(same, "weights, mode and flags of the victim stay as they were")
    _check_labels(victim)


def images(n: int, size: tuple[int, int], seed: int = 3) -> Encoded:
    """Return random images (n,3,h,w)."""
    return Encoded(torch.rand(n, 3, *size, generator=generator(seed)))


def _check_answer(victim: Victim, batch: Encoded) -> None:
    kept = batch.clone()
    with no_chance_from_outside("a victim does not use the global generator"):
        one, other = victim(batch), victim(batch)
    hold(isinstance(one, Answer), "a victim returns an Answer", type(one).__name__)
    count = one.boxes.shape[1:2] if isinstance(one, Detections) else ()
    wanted = (len(batch), *count, len(victim.labels))
    hold(tuple(one.scores.shape) == wanted, f"scores are {wanted}", tuple(one.scores.shape))
    if isinstance(one, Detections):
        _check_candidates(one)
    hold(bool(one.scores.isfinite().all()), "scores are finite")
    hold(torch.equal(one.scores, other.scores), "the same images get the same answer")
    hold(torch.equal(batch, kept), "images are not written to")


def _check_candidates(dense: Detections) -> None:
    shape = (*dense.scores.shape[:2], 4)
    hold(tuple(dense.boxes.shape) == shape, f"boxes are {shape}", tuple(dense.boxes.shape))
    hold(bool(dense.boxes.isfinite().all()), "boxes are finite")
    hold(dense.valid.shape == shape[:2], f"valid is {shape[:2]}", tuple(dense.valid.shape))
    hold(dense.valid.dtype == torch.bool, "valid is bool", dense.valid.dtype)
    least, most = float(dense.scores.min()), float(dense.scores.max())
    hold(least >= 0 and most <= 1 + 1e-4, "a detector's scores are in [0,1]", (least, most))


def _check_rows(victim: Victim, batch: Encoded, tolerance: float) -> None:
    whole = victim(batch)
    for k in range(len(batch)):
        alone = victim(Encoded(batch[k : k + 1]))
        for one, other in zip(_said(whole, k), _said(alone, 0), strict=True):
            scale = max(1.0, float(one.detach().abs().max())) if one.numel() else 1.0
            near(one, other, "a batch is its rows one by one", tolerance * scale)


def _said(answer: Answer, row: int) -> tuple[Tensor, ...]:
    """Return what is said of one image, without what only fills up the batch."""
    if not isinstance(answer, Detections):
        return (answer.scores[row],)
    valid = answer.valid[row]
    return answer.scores[row][valid], answer.boxes[row][valid]


def _check_gradient(victim: Victim) -> None:
    batch = images(2, (40, 40)).requires_grad_()
    answer = victim(Encoded(batch))
    dense = isinstance(answer, Detections)
    (answer.scores if dense else answer.scores[:, 0]).sum().backward()
    slope = torch.zeros_like(batch) if batch.grad is None else batch.grad
    hold(bool(slope.isfinite().all()), "gradients are finite")
    hold(bool((slope.abs().amax(dim=(1, 2, 3)) > 0).all()), "gradients reach every image")


def _check_queries(victim: Victim) -> None:
    before = getattr(victim, "queries", None)
    hold(isinstance(before, int), "a black box counts its queries", before)
    answer = victim(images(3, victim.size_px, seed=4))
    hold(not answer.scores.requires_grad, "a black box gives no gradient")
    asked = getattr(victim, "queries", 0) - (before or 0)
    hold(asked == 3, "every image shown to a black box is a query", asked)


def _check_labels(victim: Victim) -> None:
    for k in range(len(victim.labels)):
        hold(victim.label(k) == k, "label(k) is k", victim.label(k))
    try:
        victim.label(len(victim.labels))
    except UserError:
        return
    hold(False, "a class that there is not is refused with UserError")


def state_of(victim: Victim) -> dict[str, Tensor]:
    """Return copies of weights, gradients and flags of the victim's module, if it has one."""
    module = getattr(victim, "module", None)
    if not isinstance(module, torch.nn.Module):
        return {}
    found = {f"weight {n}": v.detach().clone() for n, v in module.state_dict().items()}
    for name, parameter in module.named_parameters():
        found[f"asks {name}"] = torch.tensor(parameter.requires_grad)
        if parameter.grad is not None:
            found[f"gradient {name}"] = parameter.grad.clone()
    modes = {f"mode {n}": torch.tensor(part.training) for n, part in module.named_modules()}
    return found | modes
