"""physadv's defences in ART's five kinds."""

from physadv_art.defences.defended import Defended
from physadv_art.defences.detector import RejectionDetector, SqueezeDetector
from physadv_art.defences.postprocessor import AnswerDefence, TopScores
from physadv_art.defences.preprocessor import ImageDefence, JpegDefence
from physadv_art.defences.robust import Distillation, RobustTrainer
from physadv_art.defences.trainer import PhysicalTrainer
from physadv_art.defences.transformer import CameraSmoothing

__all__ = [
    "AnswerDefence",
    "CameraSmoothing",
    "Defended",
    "Distillation",
    "ImageDefence",
    "JpegDefence",
    "PhysicalTrainer",
    "RejectionDetector",
    "RobustTrainer",
    "SqueezeDetector",
    "TopScores",
]
