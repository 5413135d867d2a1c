"""Recipes that harden a recogniser: adversarial training, distillation, patches, noise."""

from physadv.training.robust.course import Ready, RobustRecipe, RobustState, harden
from physadv.training.robust.distil import Student, Teacher
from physadv.training.robust.lesson import Lesson, Method
from physadv.training.robust.measure import accuracies, drawn_images
from physadv.training.robust.methods import Fast, Free, Mix, Pgd, Physical, Trades, divergence
from physadv.training.robust.patches import PatchTraining
from physadv.training.robust.pool import Pool
from physadv.training.robust.recipe import (
    BATCHES,
    METHODS,
    RobustPlan,
    robust_method,
    train_robust,
    write_robust,
)
from physadv.training.robust.shown import Bands, Masks, Noise
from physadv.training.robust.teach import Schooling, teach

__all__ = [
    "BATCHES",
    "METHODS",
    "Bands",
    "Fast",
    "Free",
    "Lesson",
    "Masks",
    "Method",
    "Mix",
    "Noise",
    "PatchTraining",
    "Pgd",
    "Physical",
    "Pool",
    "Ready",
    "RobustPlan",
    "RobustRecipe",
    "RobustState",
    "Schooling",
    "Student",
    "Teacher",
    "Trades",
    "accuracies",
    "divergence",
    "drawn_images",
    "harden",
    "robust_method",
    "teach",
    "train_robust",
    "write_robust",
]
