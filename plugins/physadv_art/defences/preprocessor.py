"""What changes images before they are read, as ART's preprocessors."""

from typing import Any

from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import Tensor

from physadv.core import Encoded, check, generator, spawn
from physadv.defences import Defence, Jpeg
from physadv.defences.defended import Change
from physadv_art.defences.stand_in import StandIn, check_kind
from physadv_art.frame import Frame, ends
from physadv_art.grey import in_colour

EXPECTED = "one that changes images, as BitDepth(4)"


class ImageDefence(PreprocessorPyTorch):  # type: ignore[misc]  # ART has no types
    """A defence that changes images, RGB or grey, before the network sees them.

    `BitDepth`, `Median`, `TotalVariation`, `Jpeg`, `LocalGradientsSmoothing`, `APEGAN`,
    `DefenseGAN`, and of `MagNet` the reformer, for any size that they take and any clip range.
    `estimate_forward` and `estimate_gradient` have the defence's slopes: its own, or where it has
    none straight through (backward pass differentiable approximation, Athalye et al. 2018). What
    chance there is comes from (seed, call); `reset()` begins anew.
    """

    params: tuple[str, ...] = ("defence", "clip_values", "channels_first", "seed")

    def __init__(
        self,
        defence: Defence,
        clip_values: tuple[float, float] = (0.0, 1.0),
        *,
        channels_first: bool = True,
        seed: int = 0,
        **apply: bool,
    ) -> None:
        """Take a defence of physadv's. Raises `UserError` for others, or `ValueError`.

        `apply_fit` and `apply_predict`, both True by default, are as in ART.
        """
        super().__init__(device_type="gpu", is_fitted=True, **apply)
        check_kind(defence, ("input", "detector"), EXPECTED)
        self.defence, self.seed, self.calls = defence, seed, 0
        self.clip_values, self.channels_first = clip_values, channels_first
        self.frame = Frame(channels_first, *ends(clip_values))
        self._changes: dict[tuple[int, int], Change] = {}

    def reset(self) -> None:
        """Go back to before the first call."""
        self.calls = 0

    def forward(self, x: Tensor, y: Any = None) -> tuple[Tensor, Any]:
        """Return the changed images, and y as it came; raises `UserError` for a size unfit."""
        images, rng = self.frame.unit(x), generator(spawn(self.seed, self.calls))
        change = self._change((int(images.shape[2]), int(images.shape[3])))
        self.calls += 1
        made = in_colour(lambda one: change(Encoded(one), rng), images)
        return self.frame.back(made).to(x.dtype), y

    def _change(self, size_px: tuple[int, int]) -> Change:
        if size_px not in self._changes:
            change = self.defence(StandIn(size_px)).change
            got = type(self.defence).__name__
            check(change is not None, "defence", expected=EXPECTED, got=got)
            assert change is not None
            self._changes[size_px] = change
        return self._changes[size_px]


class JpegDefence(ImageDefence):
    """Compresses images, RGB or grey, before the network sees them (Dziugaite et al. 2016).

    What a decoder shows (ITU-T T.81, chroma at half resolution), for any size and clip range; the
    slope is its own but for rounding, as `physadv.defences.Jpeg` says.
    """

    params = ("quality", "clip_values", "channels_first")

    def __init__(
        self,
        quality: int = 75,
        clip_values: tuple[float, float] = (0.0, 1.0),
        *,
        channels_first: bool = True,
        **apply: bool,
    ) -> None:
        """Compress at a quality from 1 to 100. Raises `UserError` or `ValueError`."""
        super().__init__(Jpeg(quality), clip_values, channels_first=channels_first, **apply)
        self.quality = quality
