"""Digital attacks: what changes the images themselves, one file a paper."""

from physadv.attacks.digital.about import About, Needs
from physadv.attacks.digital.attack import (
    UNKNOWN,
    DigitalAttack,
    Plugin,
    Rows,
    Step,
    Watch,
    check_door,
    ignore,
)
from physadv.attacks.digital.ball import project, random_point, steepest
from physadv.attacks.digital.disguise import Disguise
from physadv.attacks.digital.framework import Framework, FrameworkAttack, Task
from physadv.attacks.digital.lay import lay_patch
from physadv.attacks.digital.papers import paper_of
from physadv.attacks.digital.patch import Patch
from physadv.attacks.digital.pgd import PGD, pgd
from physadv.attacks.digital.rp2 import RP2, rp2
from physadv.attacks.digital.settings import setting, settings_of
from physadv.attacks.digital.synthesis import Synthesis, synthesise

__all__ = [
    "PGD",
    "RP2",
    "UNKNOWN",
    "About",
    "DigitalAttack",
    "Disguise",
    "Framework",
    "FrameworkAttack",
    "Needs",
    "Patch",
    "Plugin",
    "Rows",
    "Step",
    "Synthesis",
    "Task",
    "Watch",
    "check_door",
    "ignore",
    "lay_patch",
    "paper_of",
    "pgd",
    "project",
    "random_point",
    "rp2",
    "setting",
    "settings_of",
    "steepest",
    "synthesise",
]
