"""Defences against patches: by votes and masks with a certificate, by looks without one."""

from physadv.defences.patch.bands import DerandomizedSmoothing
from physadv.defences.patch.cleanser import PatchCleanser
from physadv.defences.patch.gradients import LocalGradientsSmoothing
from physadv.defences.patch.masked import PatchCertificate
from physadv.defences.patch.saliency import SaliencyMasking

__all__ = [
    "DerandomizedSmoothing",
    "LocalGradientsSmoothing",
    "PatchCertificate",
    "PatchCleanser",
    "SaliencyMasking",
]
