"""Defences: victims made of victims, with what is known to break them measured beside them."""

from physadv.defences.about import DefenceAbout
from physadv.defences.ape_gan import APEGAN
from physadv.defences.defended import (
    REJECTED,
    Defence,
    Defended,
    sized,
    straight_through,
    with_rejected,
)
from physadv.defences.defense_gan import DefenseGAN
from physadv.defences.magnet import MagNet, Reconstruction
from physadv.defences.patch import (
    DerandomizedSmoothing,
    HidingCertificate,
    LocalGradientsSmoothing,
    ObjectSeeker,
    PatchCertificate,
    PatchCleanser,
    PatchSegmentation,
    SaliencyMasking,
)
from physadv.defences.queries import QueryDetection
from physadv.defences.safety_net import SafetyNet
from physadv.defences.say_less import LabelOnly, NoisyScores, ReverseSigmoid, RoundedScores
from physadv.defences.smoothing import RandomizedSmoothing, SmoothCertificate
from physadv.defences.squeeze import BitDepth, Jpeg, Median
from physadv.defences.squeezed import FeatureSqueezing
from physadv.defences.total_variation import TotalVariation

__all__ = [
    "APEGAN",
    "REJECTED",
    "BitDepth",
    "Defence",
    "DefenceAbout",
    "Defended",
    "DefenseGAN",
    "DerandomizedSmoothing",
    "FeatureSqueezing",
    "HidingCertificate",
    "Jpeg",
    "LabelOnly",
    "LocalGradientsSmoothing",
    "MagNet",
    "Median",
    "NoisyScores",
    "ObjectSeeker",
    "PatchCertificate",
    "PatchCleanser",
    "PatchSegmentation",
    "QueryDetection",
    "RandomizedSmoothing",
    "Reconstruction",
    "ReverseSigmoid",
    "RoundedScores",
    "SafetyNet",
    "SaliencyMasking",
    "SmoothCertificate",
    "TotalVariation",
    "sized",
    "straight_through",
    "with_rejected",
]
