"""Randomized smoothing: the class read most often under Gaussian noise, and how far it holds.

Cohen, Rosenfeld & Kolter, "Certified Adversarial Robustness via Randomized Smoothing", ICML 2019:
where the class A is read with probability pA or more under noise N(0, sigma^2), no change shorter
than sigma * Phi^-1(pA) in the norm 2 makes another class the most frequent one (theorem 1). pA is
bounded from below by counting (Clopper & Pearson 1934), so a certificate is wrong with probability
alpha at most. Slopes are those of the mean probabilities under the same noise: Salman et al.,
"Provably Robust Deep Learning via Adversarially Trained Smoothed Classifiers", NeurIPS 2019.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.special import betaincinv, ndtri
from torch import Tensor

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, generator, spawn
from physadv.core.check import above_zero, at_least_one
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import sized, straight_through
from physadv.defences.many import PART, Many, log_mean, log_shares, votes
from physadv.victims import Victim

ABSTAINS = -1
"""What is told instead of a class where the counts do not suffice."""


@dataclass(frozen=True, eq=False)
class SmoothCertificate:
    """What holds for each image: a class (B,), -1 where it abstains, and how far it does.

    `radius` (B,) is in the norm 2, in values of [0,1], at the victim's size, and 0 where it
    abstains; `lower` (B,) is the bound on the probability of the class.
    """

    labels: Tensor
    radius: Tensor
    lower: Tensor

    def holds(self, labels: Tensor, radius: float) -> Tensor:
        """Return (B,) whether these classes are read however an image is changed by less."""
        return (self.labels == labels.to(self.labels)) & (self.radius >= radius)


@dataclass(frozen=True)
class RandomizedSmoothing:
    """Scores are the logarithms of the shares of votes, with the slope of mean probabilities.

    Noise is added to images of the victim's size; what leaves [0,1] is clipped, since victims
    refuse it. Clipping then is a part of the classifier that is smoothed, and the theorem holds
    for any. Cohen et al. do not clip, and train with the noise: without, networks read badly.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout(
        "randomized-smoothing", "smoothing", "Cohen et al. 2019"
    )

    sigma: float = setting(0.25, "standard deviation of the noise", scales=True)
    samples: int = setting(32, "noisy copies that an answer is made of")
    soft: bool = setting(False, "tell mean probabilities instead of votes")
    seed: int = setting(0, "of the noise")

    def __post_init__(self) -> None:
        """Raise `UserError` for noise that is none."""
        above_zero(self, "sigma")
        at_least_one(self, "samples")

    def __call__(self, victim: Victim) -> Many:
        """Return the smoothed victim; each call has noise of its own."""

        def scored(images: Encoded, rng: torch.Generator) -> Tensor:
            parts = [victim(one).scores for one in self._noisy(images, self.samples, rng)]
            each = torch.cat([part.unflatten(0, (-1, len(images))) for part in parts])
            mean = log_mean(each, 0)
            if self.soft:
                return mean
            counts = votes(each.argmax(dim=2).T, each.shape[2])
            return straight_through(log_shares(counts, self.samples), mean)

        name = f"smoothed by noise of {self.sigma:g}"
        return Many(victim, name, scored, seed=self.seed)

    def shown(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return a noisy copy of each image (B,3,h,w), clipped to [0,1]: to train on."""
        return next(self._noisy(Encoded(images), 1, rng))

    @torch.no_grad()
    def certify(
        self,
        victim: Victim,
        images: Encoded,
        *,
        select: int = 100,
        estimate: int = 1000,
        alpha: float = 0.001,
    ) -> SmoothCertificate:
        """Return classes and radii that each are wrong with a probability of at most `alpha`.

        The paper's CERTIFY: `select` noisy copies choose the class, `estimate` others bound its
        probability; abstains where the bound is 1/2 or less. Its experiments take 100 and 100,000.
        """
        _check_alpha(alpha)
        check(select >= 1, "select", expected="at least 1", got=select)
        check(estimate >= 1, "estimate", expected="at least 1", got=estimate)
        best = self._counts(victim, images, select, "select").argmax(dim=1)
        hits = self._counts(victim, images, estimate, "estimate").gather(1, best[:, None])[:, 0]
        lower = lower_bound(hits, estimate, alpha)
        sure = lower > 0.5
        radius = self.sigma * torch.from_numpy(ndtri(lower.cpu().numpy())).to(lower)
        labels = best.where(sure, torch.full_like(best, ABSTAINS))
        return SmoothCertificate(labels, radius.where(sure, torch.zeros_like(radius)), lower)

    @torch.no_grad()
    def predict(
        self, victim: Victim, images: Encoded, *, samples: int = 100, alpha: float = 0.001
    ) -> Tensor:
        """Return classes (B,), -1 where it abstains; wrong about its own with probability `alpha`.

        The paper's PREDICT: a binomial test whether the first class leads the second by chance
        (Hung & Fithian 2019).
        """
        _check_alpha(alpha)
        check(samples >= 1, "samples", expected="at least 1", got=samples)
        counts, best = self._counts(victim, images, samples, "predict").topk(2, dim=1)
        from scipy.stats import binomtest  # here, as it takes long to load

        chance = [binomtest(a, a + b, 0.5).pvalue for a, b in counts.tolist()]
        doubt = torch.tensor(chance, device=best.device) > alpha
        return best[:, 0].masked_fill(doubt, ABSTAINS)

    def _counts(self, victim: Victim, images: Encoded, samples: int, purpose: str) -> Tensor:
        seen, rng = sized(images, victim.size_px), generator(spawn(self.seed, purpose))
        classes = len(victim.labels)
        counts = torch.zeros(len(seen), classes, dtype=torch.int64, device=seen.device)
        for noisy in self._noisy(seen, samples, rng):
            counts += votes(victim(noisy).best.unflatten(0, (-1, len(seen))).T, classes)
        return counts

    def _noisy(self, images: Encoded, samples: int, rng: torch.Generator) -> Iterator[Encoded]:
        """Yield noisy copies (N B,3,h,w), N at a time, `samples` in all."""
        at_once = max(1, PART // len(images))
        for first in range(0, samples, at_once):
            shape = (min(at_once, samples - first), *images.shape)
            noise = torch.randn(shape, generator=rng).to(images)
            yield Encoded((images + self.sigma * noise).clamp(0, 1).flatten(0, 1))


def lower_bound(hits: Tensor, n: int, alpha: float) -> Tensor:
    """Return the lower Clopper-Pearson bound (double) at 1 - alpha, one-sided, of hits of n."""
    k = hits.cpu().numpy()
    bound = torch.from_numpy(betaincinv(k, n - k + 1, alpha)).to(hits.device)
    return bound.masked_fill(hits == 0, 0.0)


def _check_alpha(alpha: float) -> None:
    check(0 < alpha < 1, "alpha", expected="a probability between 0 and 1", got=alpha)
