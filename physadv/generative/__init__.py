"""Generative networks: a small GAN toolkit and what its pictures are worth."""

from physadv.generative.doubts import Measured, collapsed, doubts, unsettled
from physadv.generative.files import load_generator, save_generator, save_grid
from physadv.generative.images import read_pictures
from physadv.generative.losses import least_squares, least_squares_made
from physadv.generative.networks import Discriminator, Generator, seeded
from physadv.generative.quality import (
    Quality,
    compare,
    expected_coverage,
    frechet,
    mean_distance,
    neighbours,
)
from physadv.generative.recipe import GanRecipe
from physadv.generative.train import GanState, sample, train
from physadv.generative.translator import Translator

__all__ = [
    "Discriminator",
    "GanRecipe",
    "GanState",
    "Generator",
    "Measured",
    "Quality",
    "Translator",
    "collapsed",
    "compare",
    "doubts",
    "expected_coverage",
    "frechet",
    "least_squares",
    "least_squares_made",
    "load_generator",
    "mean_distance",
    "neighbours",
    "read_pictures",
    "sample",
    "save_generator",
    "save_grid",
    "seeded",
    "train",
    "unsettled",
]
