"""Recipes that make a victim."""

from physadv.training.augment import as_annotated, retake, simulated_crops
from physadv.training.certified import CertifiedRecipe, train_certified
from physadv.training.gan import GanPlan, recogniser_features, train_gan
from physadv.training.gtsrb_data import SignCrops, read_crops
from physadv.training.measure import measure_recogniser, street_answers, write_recogniser
from physadv.training.recogniser import Recipe, answers, train

__all__ = [
    "CertifiedRecipe",
    "GanPlan",
    "Recipe",
    "SignCrops",
    "answers",
    "as_annotated",
    "measure_recogniser",
    "read_crops",
    "recogniser_features",
    "retake",
    "simulated_crops",
    "street_answers",
    "train",
    "train_certified",
    "train_gan",
    "write_recogniser",
]
