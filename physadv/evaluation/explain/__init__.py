"""Why small changes work: the linear view of a victim, measured."""

from physadv.evaluation.explain.boundary import Reach, crossing, reach
from physadv.evaluation.explain.errors import Errors, error_curve, log_slope
from physadv.evaluation.explain.explained import Explained, explain
from physadv.evaluation.explain.linear import Dimensions, Linearity, by_dimension, linearity
from physadv.evaluation.explain.plane import Plane, decision_plane
from physadv.evaluation.explain.slopes import Slopes, margins, read_slopes
from physadv.evaluation.explain.transfer import NOISE, Others, Shared, shared_errors

__all__ = [
    "NOISE",
    "Dimensions",
    "Errors",
    "Explained",
    "Linearity",
    "Others",
    "Plane",
    "Reach",
    "Shared",
    "Slopes",
    "by_dimension",
    "crossing",
    "decision_plane",
    "error_curve",
    "explain",
    "linearity",
    "log_slope",
    "margins",
    "reach",
    "read_slopes",
    "shared_errors",
]
