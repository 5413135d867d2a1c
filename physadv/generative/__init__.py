"""Generative networks: a small GAN toolkit and what its pictures are worth."""

from physadv.generative.autoencoder import Autoencoder
from physadv.generative.doubts import Measured, collapsed, doubts, unsettled
from physadv.generative.files import (
    load_generator,
    load_network,
    save_generator,
    save_grid,
    save_network,
)
from physadv.generative.images import read_pictures
from physadv.generative.losses import (
    least_squares,
    least_squares_made,
    log_loss,
    non_saturating,
)
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
from physadv.generative.restorer import Restorer
from physadv.generative.train import GanState, sample, train
from physadv.generative.translator import Translator
from physadv.generative.unet import UNet

__all__ = [
    "Autoencoder",
    "Discriminator",
    "GanRecipe",
    "GanState",
    "Generator",
    "Measured",
    "Quality",
    "Restorer",
    "Translator",
    "UNet",
    "collapsed",
    "compare",
    "doubts",
    "expected_coverage",
    "frechet",
    "least_squares",
    "least_squares_made",
    "load_generator",
    "load_network",
    "log_loss",
    "mean_distance",
    "neighbours",
    "non_saturating",
    "read_pictures",
    "sample",
    "save_generator",
    "save_grid",
    "save_network",
    "seeded",
    "train",
    "unsettled",
]
