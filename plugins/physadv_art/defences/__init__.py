"""physadv's defences in ART's five kinds."""

from physadv_art.defences.defended import Defended
from physadv_art.defences.detector import SqueezeDetector
from physadv_art.defences.postprocessor import TopScores
from physadv_art.defences.preprocessor import JpegDefence
from physadv_art.defences.trainer import PhysicalTrainer
from physadv_art.defences.transformer import CameraSmoothing

__all__ = [
    "CameraSmoothing",
    "Defended",
    "JpegDefence",
    "PhysicalTrainer",
    "SqueezeDetector",
    "TopScores",
]
