"""The contract of victims: pictures in, scores out, nothing changed on the way."""

import torch
from torch import Tensor

from physadv.core import Answer, Encoded, UserError, generator
from physadv.testing.contract import hold, near, no_chance_from_outside
from physadv.victims import Victim


def check_victim(victim: Victim, *, tolerance: float = 1e-4) -> None:
    """Raise `ContractError` at the first clause of the contract that `victim` breaks.

    Scores (B,K), one a label, finite, for images of any size; the same images get the same
    answer; a batch is its rows one by one; images, weights, mode and flags stay as they were; if
    it is differentiable, gradients reach every image and no parameter; labels are found by index.
    """
    before = state_of(victim)
    for size in (victim.size_px, (23, 31), (96, 64)):
        _check_answer(victim, images(2, size))
    _check_rows(victim, images(3, victim.size_px), tolerance)
    if victim.differentiable:
        _check_gradient(victim)
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
    wanted = (len(batch), len(victim.labels))
    hold(tuple(one.scores.shape) == wanted, f"scores are {wanted}", tuple(one.scores.shape))
    hold(bool(one.scores.isfinite().all()), "scores are finite")
    hold(torch.equal(one.scores, other.scores), "the same images get the same answer")
    hold(torch.equal(batch, kept), "images are not written to")


def _check_rows(victim: Victim, batch: Encoded, tolerance: float) -> None:
    alone = [victim(Encoded(batch[k : k + 1])).scores for k in range(len(batch))]
    whole = victim(batch).scores
    scale = max(1.0, float(whole.detach().abs().max()))
    near(whole, torch.cat(alone), "a batch is its rows one by one", tolerance * scale)


def _check_gradient(victim: Victim) -> None:
    batch = images(2, (40, 40)).requires_grad_()
    victim(Encoded(batch)).scores[:, 0].sum().backward()
    slope = torch.zeros_like(batch) if batch.grad is None else batch.grad
    hold(bool(slope.isfinite().all()), "gradients are finite")
    hold(bool((slope.abs().amax(dim=(1, 2, 3)) > 0).all()), "gradients reach every image")


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
