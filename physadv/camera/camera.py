"""The camera: lens, exposure, sensor, encoding and framing, in the order light meets them."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from physadv.camera.blur import convolve, join
from physadv.camera.defocus import Defocus
from physadv.camera.exposure import Exposure
from physadv.camera.framing import Framing
from physadv.camera.jpeg import Jpeg
from physadv.camera.motion_blur import MotionBlur
from physadv.camera.noise import Noise
from physadv.camera.tone import Tone
from physadv.camera.vignette import Vignette
from physadv.camera.white_balance import WhiteBalance
from physadv.core import Conditions, Encoded, Linear, Sensor, Window, below, declared, quantise


@dataclass(frozen=True)
class Camera:
    """A camera's effects; each is a frozen dataclass that declares what varies in it."""

    sensor: Sensor = Sensor()
    vignette: Vignette = Vignette()
    defocus: Defocus = Defocus()
    motion_blur: MotionBlur = MotionBlur()
    exposure: Exposure = Exposure()
    white_balance: WhiteBalance = WhiteBalance()
    noise: Noise = Noise()
    tone: Tone = Tone()
    jpeg: Jpeg = Jpeg()
    framing: Framing = Framing()

    def develop(self, light: Linear, given: Conditions, window: Window) -> Encoded:
        """Turn light (B,3,H,W) in windows into encoded pictures, differentiably."""
        image = self._exposed(light, given, window)
        return self.jpeg(image, below(given, "jpeg"), window)

    def develop_hard(self, light: Linear, given: Conditions, window: Window) -> Encoded:
        """As `develop`, with 8-bit pixels and libjpeg. No gradient."""
        image = Encoded(quantise(self._exposed(light, given, window)))
        return self.jpeg.hard(image, below(given, "jpeg"))

    def _exposed(self, light: Linear, given: Conditions, window: Window) -> Encoded:
        blurred = self._blur(light, given)
        factor = self._gain(given, window)
        scaled = Linear(blurred * factor)
        noisy = self.noise(scaled, below(given, "noise"), window)
        return self.tone(noisy, below(given, "tone"), window)

    def _blur(self, light: Linear, given: Conditions) -> Linear:
        """Join the adjacent blurs into one kernel."""
        blurs = {name: getattr(self, name) for name in ("defocus", "motion_blur")}
        kernels = [e.kernel(below(given, n)) for n, e in blurs.items() if not idle(e)]
        if not kernels:
            return light
        return convolve(light, kernels[0] if len(kernels) == 1 else join(*kernels))

    def _gain(self, given: Conditions, window: Window) -> Tensor:
        """Fold the adjacent factors a pixel into one, (B,3,H,W) or (B,3,1,1)."""
        exposure = self.exposure.gain(below(given, "exposure"))
        cast = self.white_balance.gain(below(given, "white_balance"))
        factor = (exposure * cast)[:, :, None, None]
        if idle(self.vignette):
            return factor
        return factor * self.vignette.field(below(given, "vignette"), window)


def idle(effect: object) -> bool:
    """Whether an effect is fixed at neutral, so that it may be left out."""
    spans: Mapping[str, object] = declared(effect)
    return all(getattr(span, "idle", False) for span in spans.values())
