"""Recipes that make a victim."""

from physadv.training.ape_gan import APEGANRecipe, attacked_images, train_ape_gan
from physadv.training.augment import as_annotated, retake, simulated_crops
from physadv.training.autoencoder import AutoencoderRecipe, train_autoencoder
from physadv.training.certified import CertifiedRecipe, train_certified
from physadv.training.gan import GanPlan, recogniser_features, train_gan
from physadv.training.gtsrb_data import SignCrops, read_crops
from physadv.training.jitter import Jitter
from physadv.training.measure import measure_recogniser, street_answers, write_recogniser
from physadv.training.recogniser import Recipe, answers, train
from physadv.training.safety_net import SafetyNetRecipe, train_safety_net
from physadv.training.segmenter import SegmenterRecipe, train_patch_segmenter

__all__ = [
    "APEGANRecipe",
    "AutoencoderRecipe",
    "CertifiedRecipe",
    "GanPlan",
    "Jitter",
    "Recipe",
    "SafetyNetRecipe",
    "SegmenterRecipe",
    "SignCrops",
    "answers",
    "as_annotated",
    "attacked_images",
    "measure_recogniser",
    "read_crops",
    "recogniser_features",
    "retake",
    "simulated_crops",
    "street_answers",
    "train",
    "train_ape_gan",
    "train_autoencoder",
    "train_certified",
    "train_gan",
    "train_patch_segmenter",
    "train_safety_net",
    "write_recogniser",
]
