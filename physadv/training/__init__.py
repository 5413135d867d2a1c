"""Recipes that make a victim."""

from physadv.training.augment import as_annotated, retake, simulated_crops
from physadv.training.gtsrb_data import SignCrops, read_crops
from physadv.training.measure import measure_recogniser, street_answers, write_recogniser
from physadv.training.recogniser import Recipe, answers, train

__all__ = [
    "Recipe",
    "SignCrops",
    "answers",
    "as_annotated",
    "measure_recogniser",
    "read_crops",
    "retake",
    "simulated_crops",
    "street_answers",
    "train",
    "write_recogniser",
]
