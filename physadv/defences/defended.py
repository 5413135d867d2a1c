"""A victim behind a defence, which is a victim again: every attack goes through the defence."""

import hashlib
from collections.abc import Callable
from typing import ClassVar, Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import Answer, Encoded, check, generator, spawn
from physadv.victims import Victim, detects, find_label

REJECTED = "rejected"
"""The class that a detector of attacks adds: such images are not answered."""

Change = Callable[[Encoded, torch.Generator], Encoded]
"""Changes images (B,3,h,w) of the victim's size; chance comes from the generator."""
Told = Callable[[Tensor, Encoded, torch.Generator], Tensor]
"""Takes the victim's scores (B,K) and the images that came, and returns scores that are told."""


class Defence(Protocol):
    """A frozen dataclass of settings that makes a victim of a victim.

    See `physadv.testing.check_defence`.
    """

    def __call__(self, victim: Victim) -> "Defended":
        """Return the defended victim."""


class Defended:
    """A victim of whose images `change` is asked, and of whose scores `told` is told.

    Images are first brought to the victim's size. Gradients pass both, exactly where they have
    one; a step without a slope has to bring its own approximation (`straight_through`), since an
    attacker would (Athalye, Carlini & Wagner 2018). Chance is drawn anew in each call, from the
    seed and the number of the call. `queries` are the images it was shown; what a defence remembers
    of them `forget` clears; `weights` are the digest of the networks it has. One that `refuses`
    adds the class `rejected`. Raises `UserError` for a victim that is not what the defence `asks`.
    """

    asks: ClassVar[Literal["classifier", "detector"]] = "classifier"

    def __init__(
        self,
        victim: Victim,
        name: str,
        *,
        change: Change | None = None,
        told: Told | None = None,
        refuses: bool = False,
        seed: int = 0,
    ) -> None:
        """Put a defence around a victim; `name` says which."""
        kind = "detector" if detects(victim) else "classifier"
        got = f"{victim.name}, a {kind}"
        check(kind == self.asks, "victim", expected=f"a {self.asks}", got=got)
        self.undefended, self.change, self.told = victim, change, told
        self.forget: Callable[[], None] | None = None
        self.name = f"{victim.name}, {name}"
        self.labels = (*victim.labels, REJECTED) if refuses else victim.labels
        self.size_px, self.differentiable = victim.size_px, victim.differentiable
        self.seed, self.calls, self.queries = seed, 0, 0
        self.weights = ""

    def __call__(self, images: Encoded) -> Answer:
        """Answer for (B,3,H,W) images in [0,1] of any size."""
        seen = sized(images, self.size_px)
        rng = generator(spawn(self.seed, self.calls))
        self.calls += 1
        self.queries += len(images)
        asked = seen if self.change is None else self.change(seen, rng)
        scores = self.undefended(asked).scores
        return Answer(scores if self.told is None else self.told(scores, seen, rng))

    def reset(self) -> None:
        """Go back to before the first call: the same calls get the same answers."""
        self.calls = 0
        if self.forget is not None:
            self.forget()

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label, an index, or an index in digits."""
        return find_label(self.labels, name_or_index)

    def digest(self) -> str:
        """Return the SHA-256 of the defence's name and weights, and of the victim."""
        own = getattr(self.undefended, "digest", None)
        inner = own() if callable(own) else self.undefended.name
        return hashlib.sha256(f"{self.name} {self.weights} {inner}".encode()).hexdigest()


def sized(images: Encoded, size_px: tuple[int, int]) -> Encoded:
    """Return images (B,3,H,W) at a size (h,w), by antialiased bilinear resizing."""
    if tuple(images.shape[2:]) == tuple(size_px):
        return images
    return Encoded(interpolate(images, size_px, mode="bilinear", antialias=True).clamp(0, 1))


def straight_through(made: Tensor, like: Tensor) -> Tensor:
    """Return `made`, with the slope of `like` (of one shape) behind it.

    The backward pass differentiable approximation of Athalye, Carlini & Wagner 2018: `like` is the
    input itself, or something smooth near to what was made. What is returned is `made` to the last
    bit, so that ties stay ties.
    """
    return made.detach() + (like - like.detach())


def with_rejected(scores: Tensor, suspicion: Tensor) -> Tensor:
    """Return scores (B,K+1) whose last class wins where the suspicion (B,) is above 0.

    In the manner of Carlini & Wagner 2017 (Adversarial Examples Are Not Easily Detected, sec. 3),
    whose last logit is (1 + suspicion) max F: here max F + suspicion, which does not turn with the
    sign of F. So attacks on a classifier meet the detector, too.
    """
    return torch.cat([scores, scores.amax(dim=1, keepdim=True) + suspicion[:, None]], dim=1)
