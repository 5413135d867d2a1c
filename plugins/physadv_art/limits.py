"""Which of ART's evasion attacks run on our victims, and why the others cannot."""

import inspect

import art.attacks.evasion as evasion
from art.attacks import EvasionAttack

DETECTORS = "it attacks object detectors or trackers"
SPEECH = "it attacks speech recognisers"
TENSORFLOW = "it needs a TensorFlow model"
VIDEO = "it attacks video classifiers"
PATCH = "it returns a patch and its mask, not images; StickerPatch returns images"
GUIDE = "its y is a guide image, not a label"

UNFIT: dict[str, str] = {
    "AdversarialPatch": PATCH,
    "AdversarialPatchNumpy": PATCH,
    "AdversarialPatchPyTorch": PATCH,
    "AdversarialPatchTensorFlowV2": TENSORFLOW,
    "AdversarialTexturePyTorch": DETECTORS,
    "CarliniWagnerASR": SPEECH,
    "DPatch": DETECTORS,
    "DecisionTreeAttack": "it attacks decision trees",
    "FeatureAdversariesNumpy": GUIDE,
    "FeatureAdversariesPyTorch": GUIDE,
    "FeatureAdversariesTensorFlowV2": TENSORFLOW,
    "FrameSaliencyAttack": VIDEO,
    "GRAPHITEBlackbox": "it needs an image of the target class beside each image",
    "GRAPHITEWhiteboxPyTorch": "it needs a mask and transformations of each image",
    "GeoDA": "ART 1.20.1 calls numpy.mat, which numpy 2 has removed",
    "HighConfidenceLowUncertainty": "it attacks Gaussian processes",
    "ImperceptibleASR": SPEECH,
    "ImperceptibleASRPyTorch": SPEECH,
    "LaserAttack": "it needs a generator of laser beams; none is made here",
    "LowProFool": "it attacks tables, by the importance of their columns",
    "MalwareGDTensorFlow": TENSORFLOW,
    "OverTheAirFlickeringPyTorch": VIDEO,
    "OverloadPyTorch": DETECTORS,
    "ProjectedGradientDescentTensorFlowV2": TENSORFLOW,
    "RobustDPatch": DETECTORS,
    "SNAL": DETECTORS,
}
"""Attacks that cannot be named to `physadv attack --attack art:NAME`, and why."""

BLACK_BOX = {
    *("BoundaryAttack", "HopSkipJump", "PixelAttack", "SignOPTAttack", "SimBA", "SquareAttack"),
    *("SpatialTransformation", "ThresholdAttack", "VirtualAdversarialMethod", "ZooAttack"),
}
"""Attacks that need scores or decisions only, and so run on black boxes too."""

PROBABILITIES = {"SimBA", "VirtualAdversarialMethod"}
"""Attacks that ask for probabilities: `from_victim(…, probabilities=True)`."""
SINGLE = {"ShadowAttack"}
"""Attacks that take one image at a time."""

NOTES = dict.fromkeys(PROBABILITIES, "asks for probabilities") | {
    "AutoAttack": "needs the package multiprocess",
    "CompositeAdversarialAttackPyTorch": 'may never end by its order "scheduled", the default',
    "BoundaryAttack": "targeted by default; takes no seed; hands on float64, which is cast back",
    "HopSkipJump": "takes no seed; hands on float64, which our estimators cast back",
    "ShadowAttack": "one image at a time",
    "SignOPTAttack": "targeted by default",
    "SquareAttack": "square images, or a small p_init: ART takes its tiles from one side",
    "Wasserstein": "overflows on steep scores; a smaller regularization helps",
    "ThresholdAttack": "es=1; by default it needs the package cma",
}
"""What to know about attacks that run."""


def fitting() -> list[str]:
    """List the evasion attacks that run on image classifiers and return images."""
    found = [
        name
        for name, thing in vars(evasion).items()
        if inspect.isclass(thing) and issubclass(thing, EvasionAttack)
    ]
    return sorted(set(found) - UNFIT.keys())
