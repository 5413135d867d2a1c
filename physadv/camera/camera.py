"""The camera: lens, exposure, sensor, encoding and framing, in the order light meets them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.blur import convolve, join
from physadv.camera.colour_matrix import ColourMatrix
from physadv.camera.defocus import Defocus
from physadv.camera.denoise import Denoise
from physadv.camera.diffraction import Diffraction
from physadv.camera.droplets import Droplets
from physadv.camera.exposure import Exposure
from physadv.camera.fold import Development, developed
from physadv.camera.framing import Framing
from physadv.camera.jpeg import Jpeg
from physadv.camera.lens import Lens, check_lens
from physadv.camera.local_tone import LocalTone
from physadv.camera.mosaic import Mosaic
from physadv.camera.motion_blur import MotionBlur
from physadv.camera.noise import Noise
from physadv.camera.rolling_shutter import RollingShutter
from physadv.camera.shake import Shake
from physadv.camera.sharpen import Sharpen
from physadv.camera.streaks import Rain
from physadv.camera.tone import Tone
from physadv.camera.vignette import Vignette
from physadv.camera.white_balance import WhiteBalance
from physadv.core import (
    Conditions,
    Encoded,
    Film,
    Linear,
    Sensor,
    Warp,
    Window,
    at_rest,
    below,
    idle,
    quantise,
)

WHERE = ("lens", "rolling_shutter")
ON_THE_WAY = ("rain", "droplets")
BLURS = ("diffraction", "defocus", "motion_blur", "shake")
BEFORE_TONE = ("colour_matrix", "noise", "mosaic", "denoise", "local_tone")
NOT_FOLDED = ("colour_matrix", "mosaic", "denoise", "local_tone")


@dataclass(frozen=True)
class Camera:
    """A camera's effects; each is a frozen dataclass that declares what varies in it."""

    sensor: Sensor = Sensor()
    lens: Lens = at_rest(Lens())
    rolling_shutter: RollingShutter = at_rest(RollingShutter())
    rain: Rain = at_rest(Rain())
    droplets: Droplets = at_rest(Droplets())
    vignette: Vignette = Vignette()
    diffraction: Diffraction = at_rest(Diffraction())
    defocus: Defocus = Defocus()
    motion_blur: MotionBlur = MotionBlur()
    shake: Shake = at_rest(Shake())
    exposure: Exposure = Exposure()
    white_balance: WhiteBalance = WhiteBalance()
    colour_matrix: ColourMatrix = at_rest(ColourMatrix())
    noise: Noise = Noise()
    mosaic: Mosaic = Mosaic()
    denoise: Denoise = at_rest(Denoise())
    local_tone: LocalTone = at_rest(LocalTone())
    tone: Tone = Tone()
    sharpen: Sharpen = at_rest(Sharpen())
    jpeg: Jpeg = Jpeg()
    framing: Framing = Framing()

    def __post_init__(self) -> None:
        """Refuse a lens that does not fill the sensor."""
        if self._has("lens"):
            check_lens(self.lens, self.sensor)

    @property
    def meters(self) -> bool:
        """Whether the exposure depends on the light of the whole frame."""
        return not self.exposure.meter_ratio.idle

    def warp(self, given: Conditions) -> Warp | None:
        """Return how the picture is bent under conditions (B,), None where it is not."""
        bent = [(getattr(self, name), below(given, name)) for name in WHERE if self._has(name)]
        return Warp(bent, self.sensor) if bent else None

    def develop(
        self, light: Linear, given: Conditions, window: Window, film: Film | None = None
    ) -> Encoded:
        """Turn light (B,3,H,W) in windows into encoded pictures, differentiably.

        `film` is what sticks on the lens, behind rain and windscreen.
        """
        image = self._exposed(light, given, window, film)
        return self.jpeg(image, below(given, "jpeg"), window)

    def develop_hard(
        self, light: Linear, given: Conditions, window: Window, film: Film | None = None
    ) -> Encoded:
        """As `develop`, with 8-bit pixels and libjpeg. No gradient."""
        image = Encoded(quantise(self._exposed(light, given, window, film)))
        return self.jpeg.hard(image, below(given, "jpeg"))

    def _has(self, name: str) -> bool:
        return not idle(getattr(self, name))

    def _exposed(
        self, light: Linear, given: Conditions, window: Window, film: Film | None = None
    ) -> Encoded:
        """Develop up to JPEG: blurs are one kernel, adjacent per-pixel effects one pass."""
        light = Linear(self._each(ON_THE_WAY, light, given, window))
        light = light if film is None else film.before(light, window)
        light = self._blur(light, given)
        if self.noise.clips or any(self._has(name) for name in NOT_FOLDED):
            scaled = Linear(light * self._gain(given, window))
            linear = Linear(self._each(BEFORE_TONE, scaled, given, window))
            image = self.tone(linear, below(given, "tone"), window)
        else:
            image = developed(light, self._development(light.shape, given, window))
        return Encoded(self._each(("sharpen",), image, given, window))

    def _each(
        self, names: tuple[str, ...], image: Tensor, given: Conditions, window: Window
    ) -> Tensor:
        """Apply the effects of these names one after the other, apart from the idle ones."""
        for name in names:
            if self._has(name):
                image = getattr(self, name)(image, below(given, name), window)
        return image

    def _blur(self, light: Linear, given: Conditions) -> Linear:
        """Join the adjacent blurs into one kernel."""
        kernels = [getattr(self, n).kernel(below(given, n)) for n in BLURS if self._has(n)]
        if not kernels:
            return light
        whole = kernels[0]
        for kernel in kernels[1:]:
            whole = join(whole, kernel)
        return convolve(light, whole)

    def _gain(self, given: Conditions, window: Window) -> Tensor:
        """Fold the adjacent factors a pixel into one, (B,3,H,W) or (B,3,1,1)."""
        exposure = self.exposure.gain(below(given, "exposure"), window)
        cast = self.white_balance.gain(below(given, "white_balance"))
        factor = (exposure * cast)[:, :, None, None]
        if not self._has("vignette"):
            return factor
        return factor * self.vignette.field(below(given, "vignette"), window)

    def _development(self, shape: torch.Size, given: Conditions, window: Window) -> Development:
        """Collect what `developed` does to light of a shape (B,3,H,W)."""
        factor, power = self._gain(given, window), self.tone.power(below(given, "tone"))
        if not self._has("noise"):
            return Development(factor, None, None, None, power)
        slope, floor, unit = self.noise.parts(shape, below(given, "noise"), window)
        return Development(factor, slope, floor, unit, power)
