"""What is before the sign in a photo hides the stickers, exactly; and masks that cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from physadv.core import (
    Linear,
    Printed,
    Sensor,
    UserError,
    declared,
    draw,
    generator,
    load_image,
    neutral,
    save_image,
)
from physadv.scene import (
    Frame,
    PhotoFile,
    PhotoScene,
    Relight,
    SignPhoto,
    photo_scene,
    read_photos,
    sign,
)
from physadv.scene.photo_corners import box_plane
from physadv.scene.photo_mask import read_front

STOP = sign("us_stop")
SIZE = (90, 110)
BOX = (10.0, 5.0, 90.0, 85.0)


def made(front: Tensor | None, seed: int = 0) -> SignPhoto:
    light = Linear(torch.rand(1, 3, *SIZE, generator=generator(seed)))
    plane = torch.from_numpy(box_plane(STOP, BOX, SIZE)).float()
    relight = Relight(torch.tensor([0.5, 0.6, 0.7]), torch.tensor([0.03, 0.02, 0.01]))
    return SignPhoto(str(seed), light, plane / plane[2, 2], relight, front)


def ink(colour: Tensor | None = None) -> Printed:
    cover = torch.zeros(1, 1, 256, 256)
    cover[..., 60:200, 40:180] = 1
    if colour is None:
        colour = torch.rand(1, 3, 256, 256, generator=generator(9))
    return Printed(Linear(colour), cover)


def rendered(photos: tuple[SignPhoto, ...], printed: Printed | None, which: int = 0) -> Linear:
    scene = photo_scene(STOP, photos)
    given = draw(declared(scene), 3, generator(1)) | {"photo.which": torch.full((3,), which)}
    (view,) = scene.views(given, Frame(Sensor(), torch.full((3,), 0.05)))
    return scene.render(scene.surface(printed), view, given)


def test_each_pixels_share_before_the_sign_stays_the_photos() -> None:
    """Between the photo as it is and the photo with unhidden ink, linear in the share."""
    front = torch.rand(1, 1, *SIZE, generator=generator(2))
    bare, open_, hidden = (
        rendered((made(mask),), print_)
        for mask, print_ in ((None, None), (None, ink()), (front, ink()))
    )
    shares = Linear(front.expand(-1, 3, -1, -1).contiguous())
    there = rendered((replace(made(None), light=shares),), None)
    assert float((open_ - bare).abs().max()) > 0.1
    torch.testing.assert_close(hidden, there * bare + (1 - there) * open_, atol=1e-6, rtol=0)


def test_nothing_before_it_changes_nothing_and_all_hides_all() -> None:
    empty, full = torch.zeros(1, 1, *SIZE), torch.ones(1, 1, *SIZE)
    assert torch.equal(rendered((made(empty),), ink()), rendered((made(None),), ink()))
    assert torch.equal(rendered((made(full),), ink()), rendered((made(None),), None))


def test_photos_without_a_mask_stay_as_they_are_beside_one_with() -> None:
    pair = (made(torch.ones(1, 1, *SIZE)), made(None, seed=1))
    assert torch.equal(rendered(pair, ink(), which=1), rendered((pair[1],), ink()))
    assert torch.equal(rendered(pair, ink(), which=0), rendered((pair[0],), None))


def test_no_gradient_comes_from_behind() -> None:
    front = torch.zeros(1, 1, *SIZE)
    front[..., :60] = 1
    colour = torch.rand(1, 3, 256, 256, generator=generator(3)).requires_grad_(True)
    rendered((made(front),), ink(colour)).sum().backward()
    assert colour.grad is not None
    column = colour.grad.abs().sum(dim=(0, 1, 2))
    free = float(column[165:178].min())  # the mask ends at column 160, stickers may be 2 off
    assert free > 0
    assert float(column[:150].max()) < 1e-3 * free  # what rounding leaves in sums over the texture


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = torch.rand(1, 3, *SIZE, generator=generator(4))
    save_image(tmp_path / "photo.png", pixels)
    save_image(tmp_path / "leaves.png", mask())
    return tmp_path / "photo.png"


def mask() -> Tensor:
    white = torch.zeros(1, 3, *SIZE)
    white[..., 20:50, 30:60] = 1
    return white


def test_white_is_in_front_or_opaque_where_some_is_transparent(tmp_path: Path) -> None:
    grey, cutout = tmp_path / "grey.png", tmp_path / "cutout.png"
    save_image(grey, mask() * 0.6)
    green = torch.tensor([0.1, 0.3, 0.1])[:, None, None].expand(1, 3, *SIZE)
    save_image(cutout, green, mask()[:, :1])
    assert torch.allclose(read_front(grey, SIZE), mask()[:, :1] * 0.6, atol=1e-6)
    assert torch.equal(read_front(cutout, SIZE), mask()[:, :1])


def test_a_mask_is_cut_and_scaled_with_its_photo(photo: Path) -> None:
    """A photo that is its own mask: encoded, that is, as masks are no light."""
    save_image(photo, mask())
    box = (15.0, 10.0, 75.0, 70.0)
    whole = PhotoFile(photo, box=box, mask=photo)
    (large,) = read_photos([whole], STOP)
    (small,) = read_photos([whole], STOP, sign_px=20)
    for one in (large, small):
        assert one.front is not None
        torch.testing.assert_close(one.front, one.light[:, :1], atol=1e-6, rtol=0)
    assert small.light.shape[-1] < large.light.shape[-1] / 2


def test_a_table_names_masks(photo: Path) -> None:
    table = photo.with_name("photos.csv")
    row = "photo.png,10,5,90,85"
    table.write_text(f"file,x1,y1,x2,y2,mask\n{row},leaves.png\n{row},\n")
    first, second = read_photos(table, STOP)
    assert first.front is not None
    assert second.front is None
    assert float(first.front.mean()) == pytest.approx(900 / (SIZE[0] * SIZE[1]))
    assert torch.equal(first.light, second.light)


MASKS = {
    "small.png": "an image as large as its photo, 110 x 90 px, got small.png of 10 x 20 px; draw",
    "torn.png": "a readable image",
    "absent.png": "a file that exists, got ",
    "white.png": "a mask that leaves some of the sign free, got one that hides 100 % of it; paint",
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_that_cannot_be_are_told_in_a_line(photo: Path, name: str) -> None:
    save_image(photo.with_name("small.png"), torch.zeros(1, 3, 20, 10))
    save_image(photo.with_name("white.png"), torch.ones(1, 3, *SIZE))
    photo.with_name("torn.png").write_bytes(photo.read_bytes()[:200])
    with pytest.raises(UserError) as caught:
        read_photos([PhotoFile(photo, box=BOX, mask=photo.with_name(name))], STOP)
    assert str(caught.value).startswith(f"occlusion mask: expected {MASKS[name]}")
    assert "\n" not in str(caught.value)
    table = photo.with_name("photos.csv")
    table.write_text(f"file,x1,y1,x2,y2,mask\nphoto.png,10,5,90,85,{name}\n")
    with pytest.raises(UserError, match=r"^photos\.csv line 2, occlusion mask: expected "):
        read_photos(table, STOP)


def test_all_that_is_wrong_with_a_folder_is_told_at_once(photo: Path) -> None:
    folder = photo.parent / "many"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        (folder / name).write_bytes(photo.read_bytes())
    (folder / "note.txt").write_text("no photo")
    assert len(read_photos(folder, STOP)) == 3
    (folder / "b.png").write_bytes(photo.read_bytes()[:300])
    (folder / "d.jpg").write_text("not a photo")
    (folder / "e.png").mkdir()
    save_image(folder / "f.png", torch.zeros(1, 3, 4, 4))
    with pytest.raises(UserError) as caught:
        read_photos(folder, STOP)
    told = str(caught.value)
    assert told.startswith("photos: expected photos that can all be read, got 4 of 6 that cannot: ")
    for part in (
        "(1) b.png, image: ",
        "(2) d.jpg, image: ",
        "(3) e.png, image: ",
        "(4) f.png, box",
    ):
        assert part in told
    assert told.endswith("; mend these or take them out; the other 2 are fine")
    assert "\n" not in told


def test_all_rows_of_a_table_that_are_wrong_are_told_at_once(photo: Path) -> None:
    table = photo.with_name("photos.csv")
    rows = [
        "photo.png,10,5,90,85",
        "photo.png,90,5,10,85",
        "gone.png,10,5,90,85",
        "photo.png,1,2,,",
    ]
    table.write_text("file, x1, y1, x2, y2\n" + "\n".join(rows) + "\n")
    with pytest.raises(UserError) as caught:
        read_photos(table, STOP)
    told = str(caught.value)
    assert told.startswith("photos photos.csv: expected photos that can all be read, got 3 of 4")
    for part in ("line 3, box: ", "line 4, image: expected a file", "line 5, box: expected x1,y1"):
        assert f"photos.csv {part}" in told
    assert told.endswith("the other one is fine")


def test_photos_are_as_they_were_read(photo: Path) -> None:
    """The scene's own pixels: nothing is drawn where the mask is, it only hides."""
    (one,) = read_photos([PhotoFile(photo, box=BOX, mask=photo.with_name("leaves.png"))], STOP)
    assert one.light.shape == load_image(photo).shape
    scene: PhotoScene = photo_scene(STOP, (one,))
    given = neutral(declared(scene), 1)
    (view,) = scene.views(given, Frame(Sensor(), torch.tensor([0.05])))
    bare = scene.render(scene.surface(None), view, given)
    seen = scene.render(scene.surface(ink(torch.ones(1, 3, 256, 256))), view, given)
    corner = view.window.origin_px[0].long()
    inside = (..., slice(20 - corner[1], 50 - corner[1]), slice(30 - corner[0], 60 - corner[0]))
    assert torch.equal(seen[inside], bare[inside])
    assert float((seen - bare).abs().max()) > 0.1
