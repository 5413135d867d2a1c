"""Certificates: what no attack within a threat can change, proved."""

from physadv.defences.certify.bounds import Method, Polytope, propagate, worst_margins
from physadv.defences.certify.certificate import (
    Attacked,
    Certificate,
    Certified,
    certify,
    reachable,
    robust_loss,
)
from physadv.defences.certify.layers import Affine, Layer, Relu, input_box, layers

__all__ = [
    "Affine",
    "Attacked",
    "Certificate",
    "Certified",
    "Layer",
    "Method",
    "Polytope",
    "Relu",
    "certify",
    "input_box",
    "layers",
    "propagate",
    "reachable",
    "robust_loss",
    "worst_margins",
]
