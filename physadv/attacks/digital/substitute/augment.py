"""Which images a substitute's training asks about next.

Papernot, McDaniel, Goodfellow, Jha, Celik & Swami, "Practical Black-Box Attacks against Machine
Learning", AsiaCCS 2017 (Jacobian-based dataset augmentation); Papernot, McDaniel & Goodfellow,
"Transferability in Machine Learning", 2016, arXiv 1605.07277 (periodic step, reservoir).
"""

import torch
from torch import Tensor

from physadv.core import Encoded
from physadv.victims import Victim

PART = 64
"""How many images are differentiated at once."""


def jacobian_step(substitute: Victim, images: Encoded, labels: Tensor, step: float) -> Encoded:
    """Return x + step * sgn(J_F[label](x)) for images (B,3,H,W), cut to [0,1].

    J_F[label] is the gradient of the substitute's probability of the label (B,) that the victim
    gave. Its sign is that of the gradient of -log(sum over the others of exp(score - the label's
    score)), which is asked for instead: it does not vanish where the substitute is sure.
    """
    parts = [
        _moved(substitute, part, own, step)
        for part, own in zip(torch.split(images, PART), torch.split(labels, PART), strict=True)
    ]
    return Encoded(torch.cat(parts))


def _moved(substitute: Victim, images: Tensor, labels: Tensor, step: float) -> Tensor:
    point = images.detach().clone().requires_grad_()
    scores = substitute(Encoded(point)).scores
    own = scores.gather(1, labels[:, None])
    others = (scores - own).scatter(1, labels[:, None], -torch.inf)
    (slope,) = torch.autograd.grad(-others.logsumexp(dim=1).sum(), point)
    return (images + step * slope.sign()).clamp(0, 1)


def step_of(step: float, period: int | None, augmentation: int) -> float:
    """Return the step of an augmentation, counted from 0: its sign turns every `period` of them.

    step * (-1)^floor(augmentation / period) (arXiv 1605.07277, equation 6); always `step` for None.
    """
    return step if period is None or (augmentation // period) % 2 == 0 else -step


def reservoir(n: int, k: int, rng: torch.Generator) -> Tensor:
    """Return k of n numbers, each set as likely (Vitter 1985, algorithm R); all if k >= n."""
    kept = list(range(min(n, k)))
    for number in range(k, n):
        place = int(torch.randint(number + 1, (1,), generator=rng))
        if place < k:
            kept[place] = number
    return torch.tensor(kept, dtype=torch.long)
