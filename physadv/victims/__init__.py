"""Victims: pixels to answers. Networks of any framework, or the recogniser in the package."""

from physadv.victims.asked import Asked
from physadv.victims.classifier import Classifier
from physadv.victims.decode import fastestdet, nanodet, yolo
from physadv.victims.detector import Decode, Detector
from physadv.victims.ensemble import Ensemble, detects
from physadv.victims.kept import KeptFile
from physadv.victims.labels import find_label, read_labels
from physadv.victims.loading import Loaded, load_beside, load_victim
from physadv.victims.network import Network
from physadv.victims.onnx import load_onnx, onnx_classifier, onnx_detector
from physadv.victims.prepare import Prepare
from physadv.victims.python_file import call_function
from physadv.victims.remote import UNANSWERED, BudgetError, Remote, UnansweredError
from physadv.victims.scikit import hog, pixels, scikit_classifier
from physadv.victims.service import Service
from physadv.victims.timm import timm_classifier
from physadv.victims.torchvision import torchvision_classifier, torchvision_detector
from physadv.victims.victim import Victim, check_gradients
from physadv.victims.weights import load_weights, read_weights
from physadv.victims.wire import Wire

__all__ = [
    "UNANSWERED",
    "Asked",
    "BudgetError",
    "Classifier",
    "Decode",
    "Detector",
    "Ensemble",
    "KeptFile",
    "Loaded",
    "Network",
    "Prepare",
    "Remote",
    "Service",
    "UnansweredError",
    "Victim",
    "Wire",
    "call_function",
    "check_gradients",
    "detects",
    "fastestdet",
    "find_label",
    "hog",
    "load_beside",
    "load_onnx",
    "load_victim",
    "load_weights",
    "nanodet",
    "onnx_classifier",
    "onnx_detector",
    "pixels",
    "read_labels",
    "read_weights",
    "scikit_classifier",
    "timm_classifier",
    "torchvision_classifier",
    "torchvision_detector",
    "yolo",
]
