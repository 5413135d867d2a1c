"""physadv inside the Adversarial Robustness Toolbox, and ART inside physadv."""

from physadv_art.attacks import (
    LBFGS,
    PGD,
    RP2,
    FastGradient,
    Iterative,
    Perceptual,
    PlanePatch,
    Smallest,
    StickerPatch,
    Universal,
    UniversalPatch,
)
from physadv_art.config import build
from physadv_art.defences import (
    CameraSmoothing,
    JpegDefence,
    PhysicalTrainer,
    SqueezeDetector,
    TopScores,
)
from physadv_art.estimators import (
    BlackBoxVictim,
    DetectorClassifier,
    EstimatorBlackBox,
    EstimatorVictim,
    PhysicalClassifier,
    VictimClassifier,
    as_victim,
    detector_classifier,
    from_victim,
)
from physadv_art.preprocessors import CameraPreprocessor
from physadv_art.registration import register, registered, unregister

__all__ = [
    "LBFGS",
    "PGD",
    "RP2",
    "BlackBoxVictim",
    "CameraPreprocessor",
    "CameraSmoothing",
    "DetectorClassifier",
    "EstimatorBlackBox",
    "EstimatorVictim",
    "FastGradient",
    "Iterative",
    "JpegDefence",
    "Perceptual",
    "PhysicalClassifier",
    "PhysicalTrainer",
    "PlanePatch",
    "Smallest",
    "SqueezeDetector",
    "StickerPatch",
    "TopScores",
    "Universal",
    "UniversalPatch",
    "VictimClassifier",
    "as_victim",
    "build",
    "detector_classifier",
    "from_victim",
    "register",
    "registered",
    "unregister",
]
