"""Digital attacks: what changes the images themselves, one file a paper."""

from physadv.attacks.digital.about import About, Needs
from physadv.attacks.digital.advgan import AdvGAN
from physadv.attacks.digital.attack import (
    UNKNOWN,
    DigitalAttack,
    Plugin,
    Rows,
    Step,
    Watch,
    check_door,
    check_images,
    ignore,
)
from physadv.attacks.digital.ball import lowest, project, random_point, size, steepest
from physadv.attacks.digital.disguise import Disguise
from physadv.attacks.digital.estimated import EstimatedPGD
from physadv.attacks.digital.evade_hc import EvadeHC
from physadv.attacks.digital.evolved import GenAttack
from physadv.attacks.digital.fast_gradient import FastGradient
from physadv.attacks.digital.framework import Framework, FrameworkAttack, Task
from physadv.attacks.digital.iterative import Iterative
from physadv.attacks.digital.lay import lay_patch
from physadv.attacks.digital.lbfgs import LBFGS
from physadv.attacks.digital.papers import paper_of
from physadv.attacks.digital.patch import Patch
from physadv.attacks.digital.perceptual import Perceptual, perceptual_distance
from physadv.attacks.digital.pgd import PGD, pgd
from physadv.attacks.digital.rp2 import RP2, rp2
from physadv.attacks.digital.settings import setting, settings_of
from physadv.attacks.digital.smallest import Smallest
from physadv.attacks.digital.synthesis import Synthesis, synthesise
from physadv.attacks.digital.universal import Universal

__all__ = [
    "LBFGS",
    "PGD",
    "RP2",
    "UNKNOWN",
    "About",
    "AdvGAN",
    "DigitalAttack",
    "Disguise",
    "EstimatedPGD",
    "EvadeHC",
    "FastGradient",
    "Framework",
    "FrameworkAttack",
    "GenAttack",
    "Iterative",
    "Needs",
    "Patch",
    "Perceptual",
    "Plugin",
    "Rows",
    "Smallest",
    "Step",
    "Synthesis",
    "Task",
    "Universal",
    "Watch",
    "check_door",
    "check_images",
    "ignore",
    "lay_patch",
    "lowest",
    "paper_of",
    "perceptual_distance",
    "pgd",
    "project",
    "random_point",
    "rp2",
    "setting",
    "settings_of",
    "size",
    "steepest",
    "synthesise",
]
