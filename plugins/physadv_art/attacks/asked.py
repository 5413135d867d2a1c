"""Attacks on classifiers that are only asked, as ART attacks: any of ART's that can predict."""

from pathlib import Path
from typing import Any, ClassVar

from art.attacks import EvasionAttack
from art.estimators.classification.classifier import ClassifierMixin
from art.estimators.estimator import BaseEstimator, LossGradientsMixin

from physadv.attacks import digital
from physadv.attacks.digital.substitute import Transfer as TransferSettings
from physadv.attacks.digital.substitute import load_substitute
from physadv_art.attacks.image import ImageAttack
from physadv_art.attacks.settings import Argument, constructed_from, read
from physadv_art.estimators import from_victim
from physadv_art.frame import Array
from physadv_art.victim import as_victim

SUBSTITUTE = Argument(
    None,
    "what images are made on: a PyTorchClassifier with the estimator's classes, a physadv victim, "
    "or the folder of physadv train substitute",
    (object,),
)
ON_IT = Argument(
    digital.PGD(),
    "the attack that is made on it: physadv's, as physadv.attacks.digital.PGD(eps=8/255), or "
    "one of these classes' on it, with its settings",
    (object,),
)


@constructed_from(digital.EstimatedPGD)
class EstimatedPGD(ImageAttack):
    """Projected descent along slopes that are estimated from scores (ZOO, groups, NES, SPSA)."""


@constructed_from(digital.GenAttack)
class GenAttack(ImageAttack):
    """A genetic search from scores (Alzantot et al. 2019)."""


@constructed_from(digital.EvadeHC)
class EvadeHC(ImageAttack):
    """A climb by labels alone (Dang, Huang & Chang 2017)."""


@constructed_from(digital.AdvGAN)
class AdvGAN(ImageAttack):
    """A network that makes the change for any image, trained on all of a call (Xiao et al. 2018).

    Where the estimator has no gradients it is asked, and `distil` says how a substitute is taught.
    """

    _estimator_requirements = (BaseEstimator, ClassifierMixin)
    together = True
    distil: str

    def _check_params(self) -> None:
        super()._check_params()
        able = isinstance(self.estimator, LossGradientsMixin) or self.distil != "none"
        if not able:
            expected = "static or dynamic for an estimator without gradients"
            raise ValueError(f"distil: expected {expected}, got {self.distil!r}")


@constructed_from(TransferSettings)
class Transfer(ImageAttack):
    """Images made on a substitute; the estimator is not asked (Papernot et al. 2017)."""

    arguments: ClassVar[dict[str, Argument]] = {"substitute": SUBSTITUTE, "attack": ON_IT}

    substitute: Any

    def generate(
        self, x: Any, y: Any = None, mask: Any = None, x_init: Any = None, **kwargs: Any
    ) -> Array:
        """Return images made on the substitute; see `ImageAttack.generate`."""
        if self.substitute is None:
            raise ValueError("substitute: expected a classifier with gradients, got None")
        return super().generate(x, y, mask, x_init, **kwargs)

    def _ready(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the settings with the substitute as a victim, and the attack as one of ours."""
        given, attack = values["substitute"], values["attack"]
        made = read(attack) if isinstance(attack, EvasionAttack) else attack
        if given is None:  # ART's metrics set it later
            return {"substitute": None, "attack": made}
        known = load_substitute(given) if isinstance(given, str | Path) else given
        on = known if isinstance(known, BaseEstimator) else from_victim(known)
        return {"substitute": as_victim(on), "attack": made}
