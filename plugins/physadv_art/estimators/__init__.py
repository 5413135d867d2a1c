"""physadv victims as ART estimators, ART estimators as victims, and a camera before any of them."""

from physadv_art.black_box import EstimatorBlackBox
from physadv_art.estimators.black_box import BlackBoxVictim
from physadv_art.estimators.bounded import BoundedClassifier
from physadv_art.estimators.certified import PatchCertifiedClassifier, SmoothedClassifier
from physadv_art.estimators.detector import DetectorClassifier, detector_classifier
from physadv_art.estimators.physical import PhysicalClassifier
from physadv_art.estimators.victim_classifier import VictimClassifier, from_victim
from physadv_art.victim import EstimatorVictim, as_victim

__all__ = [
    "BlackBoxVictim",
    "BoundedClassifier",
    "DetectorClassifier",
    "EstimatorBlackBox",
    "EstimatorVictim",
    "PatchCertifiedClassifier",
    "PhysicalClassifier",
    "SmoothedClassifier",
    "VictimClassifier",
    "as_victim",
    "detector_classifier",
    "from_victim",
]
