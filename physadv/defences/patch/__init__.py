"""Defences against patches: by votes and masks with a certificate, by looks and nets without."""

from physadv.defences.patch.bands import DerandomizedSmoothing
from physadv.defences.patch.cleanser import PatchCleanser
from physadv.defences.patch.gradients import LocalGradientsSmoothing
from physadv.defences.patch.masked import PatchCertificate
from physadv.defences.patch.saliency import SaliencyMasking
from physadv.defences.patch.seeker import HidingCertificate, ObjectSeeker
from physadv.defences.patch.segmented import PatchSegmentation

__all__ = [
    "DerandomizedSmoothing",
    "HidingCertificate",
    "LocalGradientsSmoothing",
    "ObjectSeeker",
    "PatchCertificate",
    "PatchCleanser",
    "PatchSegmentation",
    "SaliencyMasking",
]
