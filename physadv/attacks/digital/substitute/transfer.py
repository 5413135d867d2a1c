"""Attacking a victim through others: images are made on substitutes and handed to the victim.

Szegedy et al. 2013 saw that adversarial images transfer; Papernot et al. 2017 made them on a
substitute trained on the victim's answers; Liu, Chen, Liu & Song, "Delving into Transferable
Adversarial Examples and Black-box Attacks", ICLR 2017, on an ensemble.
"""

from dataclasses import dataclass
from typing import ClassVar

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, DigitalAttack, Rows, Watch, ignore
from physadv.attacks.digital.pgd import PGD
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.objectives import Objective
from physadv.victims import Victim


@dataclass(frozen=True)
class Transfer:
    """An attack made on a substitute; the victim is not asked, and may be a black box.

    Several substitutes are one as `physadv.victims.Ensemble`.
    """

    about: ClassVar[About] = About("transfer", "labels", "its attack's", "Papernot et al. 2017")
    substitute: Victim = setting(None, "victim with gradients that images are made on")
    attack: DigitalAttack = setting(PGD(), "attack that is made on it")

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Encoded:
        """Return what `attack` makes of images (B,C,H,W) on the substitute.

        Raises `UserError` where the substitute has other labels than the victim, and whatever
        `attack` raises.
        """
        own, wanted = self.substitute.labels, victim.labels
        differ = [k for k, pair in enumerate(zip(own, wanted, strict=False)) if len({*pair}) > 1]
        got = f"{len(own)} labels, others at {differ[:3]}" if differ else f"{len(own)} labels"
        expected = f"the {len(wanted)} labels of {victim.name} in its order"
        check(own == wanted, "substitute", expected=expected, got=got)
        return self.attack(self.substitute, images, objective, rows=rows, seed=seed, watch=watch)
