from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from kingdra_repro.data.features.pictures import PictureArray, PictureFiles
from kingdra_repro.errors import InputError


def test_array_is_scaled_and_resized() -> None:
    pixels = np.zeros((3, 8, 8, 3), np.uint8)
    pixels[1, :, :, 2] = 255
    pictures = PictureArray(pixels)
    assert len(pictures) == 3
    batch = pictures.batch(1, 3, 16)
    assert batch.shape == (2, 3, 16, 16)
    assert torch.equal(batch[0, 2], torch.ones(16, 16))
    assert batch[0, :2].sum() == batch[1].sum() == 0


def test_enlarging_is_plain_bilinear() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    expected = torch.nn.functional.interpolate(x, (64, 64), mode="bilinear", align_corners=False)
    torch.testing.assert_close(PictureArray(pixels).batch(0, 2, 64), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("ending", ["png", "tiff"])  # Pillow itself rotates TIFFs
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_the_camera_was_held(orientation: int, ending: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / f"a.{ending}", exif=exif)
    with Image.open(tmp_path / f"a.{ending}") as picture:
        upright = np.array(ImageOps.exif_transpose(picture))
    batch = PictureFiles([tmp_path / f"a.{ending}"]).batch(0, 1, 20)
    assert torch.equal(batch[0].permute(1, 2, 0), torch.from_numpy(upright).float() / 255)
    assert (orientation == 1) == np.array_equal(upright, pixels)


def test_a_damaged_tag_does_not_stop_a_whole_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.jpg", exif=exif)
    whole = (tmp_path / "a.jpg").read_bytes()
    damaged = whole.replace(b"\x01\x0f\x00\x02", b"\x01\x00\x00\x02")  # tag Make is now ImageWidth
    assert damaged != whole
    (tmp_path / "a.jpg").write_bytes(damaged)
    assert PictureFiles([tmp_path / "a.jpg"]).batch(0, 1, 20).shape == (1, 3, 20, 20)


def test_files_of_any_size_and_mode(tmp_path: Path) -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20, 0] = 255  # the square in the middle is red
    Image.fromarray(wide).save(tmp_path / "a.png")
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save(tmp_path / "b.png")
    batch = PictureFiles([tmp_path / "a.png", tmp_path / "b.png"]).batch(0, 2, 32)
    assert batch.shape == (2, 3, 32, 32)
    assert torch.allclose(batch[0, 0], torch.ones(32, 32))
    assert batch[0, 1:].sum() == 0
    assert torch.allclose(batch[1], torch.ones(3, 32, 32))


def test_broken_file_is_named(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(
        tmp_path / "a.png"
    )
    whole = (tmp_path / "a.png").read_bytes()
    for content in (whole[: len(whole) // 2], b"not a picture"):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(InputError, match=r"a.png is not a complete picture"):
            PictureFiles([tmp_path / "a.png"]).batch(0, 1, 32)


def test_grey_pictures_of_sixteen_bits_are_not_cut_off(tmp_path: Path) -> None:
    gradient = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    Image.fromarray(gradient).save(tmp_path / "a.png")
    (grey, *_) = PictureFiles([tmp_path / "a.png"]).batch(0, 1, 32)[0]
    torch.testing.assert_close(grey, torch.from_numpy(gradient / 65535).float(), atol=1 / 255, rtol=0)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_a_shape_in_the_alpha_channel_is_seen_on_white(tmp_path: Path, mode: str) -> None:
    alpha = np.zeros((32, 32), np.uint8)
    alpha[8:20, 5:30] = 255
    icon = Image.new("LA", (32, 32), 0)  # black all over
    icon.putalpha(Image.fromarray(alpha))
    icon = Image.fromarray(255 - alpha).convert("P") if mode == "P" else icon.convert(mode)
    if mode == "P":
        icon.putpalette([0] * 768)
        icon.info["transparency"] = 255
    icon.save(tmp_path / "a.png")
    batch = PictureFiles([tmp_path / "a.png"]).batch(0, 1, 32)[0]
    assert torch.equal(batch, 1 - torch.from_numpy(alpha / 255).float().expand(3, 32, 32))


@pytest.mark.parametrize("largest", [1, 255])
def test_pictures_of_fractions(tmp_path: Path, largest: int) -> None:
    gradient = np.linspace(0, largest, 32 * 32, dtype=np.float32).reshape(32, 32)
    Image.fromarray(gradient).save(tmp_path / "a.tif")
    batch = PictureFiles([tmp_path / "a.tif"]).batch(0, 1, 32)[0]
    expected = torch.from_numpy(gradient / largest).expand(3, 32, 32)
    torch.testing.assert_close(batch, expected, atol=1 / 255, rtol=0)
    Image.fromarray(gradient - largest / 2).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"a\.tif has fractional values of -.*: scale them to 0-1"):
        PictureFiles([tmp_path / "a.tif"]).batch(0, 1, 32)
