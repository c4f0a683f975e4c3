"""Photographs as people have them: every kind of file becomes the upright RGB that a viewer shows."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageOps
from support.tiny import photograph

from detcam.errors import ImageError
from detcam.imaging.decode import ORIENTATION
from detcam.imaging.image import load_image

H, W = 40, 56
Pixels = NDArray[np.uint8]


def colours() -> Pixels:
    """Smooth and different in every corner, so that JPEG keeps it and no flip or turn looks like another."""
    y, x = np.mgrid[0:H, 0:W]
    return np.stack([x * 255 // (W - 1), y * 255 // (H - 1), 255 - x * 255 // (W - 1)], -1).astype(np.uint8)


def read(picture: PilImage.Image, path: Path, **options: Any) -> Pixels:
    """The picture, saved as a real file and read back by detcam."""
    picture.save(path, **options)
    rgb = load_image(path).rgb
    assert (rgb.dtype, rgb.flags.c_contiguous) == (np.uint8, True)
    return rgb


def test_grey_and_one_bit(tmp_path: Path) -> None:
    grey = PilImage.fromarray(colours()[..., 0])
    expected = colours()[..., :1].repeat(3, -1)
    for name in ("a.png", "a.bmp", "a.tif", "a.gif", "a.webp"):
        options = {"lossless": True} if name.endswith("webp") else {}
        np.testing.assert_array_equal(read(grey, tmp_path / name, **options), expected)
    assert abs(read(grey, tmp_path / "a.jpg", quality=95).astype(int) - expected).max() < 6
    bits = colours()[..., 0] > 100
    for name in ("b.png", "b.tif", "b.bmp"):
        np.testing.assert_array_equal(read(PilImage.fromarray(bits), tmp_path / name),
                                      (bits[..., None].repeat(3, -1) * 255))


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_sixteen_bits_are_scaled_not_cut(name: str, tmp_path: Path) -> None:
    deep = (colours()[..., 0].astype(np.uint16) * 257)
    deep[0, :3] = 128, 129, 65535  # 128 / 65535 * 255 is just below one half
    found = read(PilImage.fromarray(deep), tmp_path / name)
    np.testing.assert_array_equal(found[0, :3, 0], [0, 1, 255])
    np.testing.assert_array_equal(found[1:], colours()[1:, :, :1].repeat(3, -1))
    dark = np.full((H, W), 200, np.uint16)  # nearly black, and no 8-bit picture
    assert read(PilImage.fromarray(dark), tmp_path / name).max() == 1


def test_sixteen_bits_a_colour(tmp_path: Path) -> None:
    """Pillow cannot write these, so the PNG is written by hand."""
    deep = colours().astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in deep)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", W, H, 16, 2, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
                                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    np.testing.assert_array_equal(load_image(tmp_path / "a.png").rgb, colours())


def test_floats_and_long_integers(tmp_path: Path) -> None:
    grey = colours()[..., :1].repeat(3, -1)
    unit = PilImage.fromarray(colours()[..., 0].astype(np.float32) / 255)
    np.testing.assert_array_equal(read(unit, tmp_path / "unit.tif"), grey)
    for factor in (1, 257):
        wide = PilImage.fromarray(colours()[..., 0].astype(np.int32) * factor)
        np.testing.assert_array_equal(read(wide, tmp_path / f"wide{factor}.tif"), grey)
    for bad in (np.nan, np.inf, -0.5, 2.0):
        array = np.zeros((H, W), np.float32)
        array[3, 5] = bad
        PilImage.fromarray(array).save(tmp_path / "bad.tif")
        with pytest.raises(ImageError, match=r"bad\.tif: grey values from .*: expected 0 to 1; scale the image first"):
            load_image(tmp_path / "bad.tif")
    PilImage.fromarray(np.full((H, W), 70000, np.int32)).save(tmp_path / "bad.tif")
    with pytest.raises(ImageError, match="from 70000 to 70000: expected 0 to 255 or 65535"):
        load_image(tmp_path / "bad.tif")


def on_white(picture: PilImage.Image) -> NDArray[np.int64]:
    """What Pillow's own compositing makes of it."""
    white = PilImage.new("RGBA", picture.size, "white")
    return np.asarray(PilImage.alpha_composite(white, picture.convert("RGBA")).convert("RGB")).astype(int)


def test_transparent_parts_are_laid_on_white(tmp_path: Path) -> None:
    alpha = np.linspace(0, 255, H * W).reshape(H, W).round().astype(np.uint8)
    rgba = PilImage.fromarray(np.dstack([colours(), alpha]))
    grey = PilImage.merge("LA", [PilImage.fromarray(colours()[..., 0]), PilImage.fromarray(alpha)])
    for picture, name in ((rgba, "a.png"), (rgba, "a.webp"), (rgba, "a.tif"), (grey, "grey.png")):
        options = {"lossless": True, "exact": True} if name.endswith("webp") else {}
        found = read(picture, tmp_path / name, **options)
        assert abs(found - on_white(picture)).max() <= 1  # Pillow rounds in another way
        assert (found[0, 0] == 255).all()  # whose hidden colour is blue
    np.testing.assert_array_equal(load_image(np.asarray(rgba)).rgb, read(rgba, tmp_path / "b.png"))
    floats = np.asarray(rgba).astype(np.float32) / 255
    np.testing.assert_array_equal(load_image(floats).rgb, load_image(tmp_path / "b.png").rgb)


def test_palettes(tmp_path: Path) -> None:
    palette = PilImage.fromarray(colours()).quantize(64)
    shown = np.asarray(palette.convert("RGB"))
    for name in ("a.png", "a.gif", "a.bmp", "a.tif"):
        np.testing.assert_array_equal(read(palette, tmp_path / name), shown)
    index = int(np.asarray(palette)[0, 0])
    hidden = np.asarray(palette) == index
    for name in ("one.png", "one.gif"):
        found = read(palette, tmp_path / name, transparency=index)
        assert (found[hidden] == 255).all()
        np.testing.assert_array_equal(found[~hidden], shown[~hidden])
    half = read(palette, tmp_path / "half.png", transparency=bytes([128] * 64))
    assert abs(half.astype(int) - (shown * (128 / 255) + 255 * (127 / 255))).max() <= 1
    keyed = PilImage.new("RGB", (W, H), (10, 20, 30))  # one colour of an RGB PNG stands for nothing (tRNS)
    assert (read(keyed, tmp_path / "key.png", transparency=(10, 20, 30)) == 255).all()


def test_cmyk(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.tif"):
        found = read(PilImage.fromarray(colours()).convert("CMYK"), tmp_path / name)
        assert abs(found.astype(int) - colours()).mean() < 4
    adobe = bytearray((tmp_path / "a.jpg").read_bytes())
    assert b"Adobe" in adobe  # whose inks are stored inverted


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation(orientation: int, tmp_path: Path) -> None:
    exif = PilImage.Exif()
    exif[ORIENTATION] = orientation
    for name, mode in (("a.jpg", "RGB"), ("a.png", "RGB"), ("a.webp", "RGB"), ("a.png", "RGBA"), ("a.png", "I;16"),
                       ("a.tif", "RGB")):
        picture = PilImage.fromarray(colours()[..., 0].astype(np.uint16) * 257) if mode == "I;16" else (
            PilImage.fromarray(colours()).convert(mode))
        options: dict[str, Any] = {"tiffinfo": {ORIENTATION: orientation}} if name == "a.tif" else {
            "exif": exif, "quality": 95}
        found = read(picture, tmp_path / name, **options)
        with PilImage.open(tmp_path / name) as opened:
            shown = ImageOps.exif_transpose(opened)
            assert found.shape == (shown.height, shown.width, 3)
            if mode != "I;16":
                np.testing.assert_array_equal(found, np.asarray(shown.convert("RGB")))
        reds = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}
        ends = {"left": found[:, 0, 0], "right": found[:, -1, 0], "top": found[0, :, 0], "bottom": found[-1, :, 0]}
        assert min(ends, key=lambda end: float(ends[end].mean())) == reds[orientation]
    assert load_image(PilImage.open(tmp_path / "a.png")).rgb.shape[:2] == found.shape[:2]


def test_damaged_exif_is_ignored(tmp_path: Path) -> None:
    for damage in (b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0",
                   b"Exif\0\0" + struct.pack(">2sHIHHHII", b"MM", 42, 8, 1, ORIENTATION, 3, 1, 99 << 16)):
        PilImage.fromarray(colours()).save(tmp_path / "a.jpg", quality=95, exif=damage)
        assert abs(load_image(tmp_path / "a.jpg").rgb.astype(int) - colours()).max() < 12


def test_of_animations_and_pages_the_first(tmp_path: Path) -> None:
    pictures = [PilImage.fromarray(photograph(seed, H, W)).quantize(255).convert("RGB") for seed in range(3)]
    for name in ("a.gif", "a.webp", "a.png", "a.tif"):
        options = {"lossless": True} if name.endswith("webp") else {}
        found = read(pictures[0], tmp_path / name, save_all=True, append_images=pictures[1:], **options)
        with PilImage.open(tmp_path / name) as opened:
            assert opened.n_frames == 3
        np.testing.assert_array_equal(found, np.asarray(pictures[0]))


def test_a_picture_that_someone_holds_is_not_changed() -> None:
    exif = PilImage.Exif()
    exif[ORIENTATION] = 6
    stored = io.BytesIO()
    PilImage.fromarray(colours()).save(stored, "PNG", exif=exif)
    held = PilImage.open(stored)
    assert load_image(held).rgb.shape == (W, H, 3)
    assert held.size == (W, H)
    np.testing.assert_array_equal(np.asarray(held), colours())


def test_damaged_files_and_what_is_no_photograph(tmp_path: Path) -> None:
    stored = io.BytesIO()
    PilImage.fromarray(photograph(0, 300, 400)).save(stored, "JPEG")
    contents = {
        "cut.jpg": (stored.getvalue()[:5000], "cannot be decoded (image file is truncated"),
        "short.jpg": (stored.getvalue()[:10], "cannot be decoded (Truncated File Read)"),
        "zero.jpg": (b"", "not a photograph that Pillow can read"),
        "text.jpg": (b"no photograph", "not a photograph that Pillow can read"),
    }
    for name, (content, words) in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError) as caught:
            load_image(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: {words}")
    (tmp_path / "folder.jpg").mkdir()
    for name, words in (("folder.jpg", "is a folder, expected one photograph"), ("none.jpg", "no such file"),
                        ("zero.jpg/a.jpg", "cannot be opened (Not a directory)"),
                        ("x" * 300, "cannot be opened (File name too long)")):
        with pytest.raises(ImageError) as caught:
            load_image(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {words}"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    PilImage.fromarray(colours()).save(path)
    path.chmod(0)
    owner = os.geteuid()
    if owner == 0:
        os.seteuid(65534)  # the superuser may read everything; nobody may not
    try:
        with pytest.raises(ImageError, match=r"secret\.jpg: cannot be opened \(Permission denied\)"):
            load_image(path)
    finally:
        os.seteuid(owner)


def test_more_pixels_than_pillow_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                       recwarn: pytest.WarningsRecorder) -> None:
    PilImage.fromarray(colours()).save(tmp_path / "a.png")
    monkeypatch.setattr(PilImage, "MAX_IMAGE_PIXELS", H * W // 2 + 100)  # a warning, that no one needs to see
    assert load_image(tmp_path / "a.png").rgb.shape == (H, W, 3)
    assert not len(recwarn)
    monkeypatch.setattr(PilImage, "MAX_IMAGE_PIXELS", H * W // 2 - 100)
    with pytest.raises(ImageError, match=r"a\.png: has more than 0 million pixels, Pillow's limit .*: make it smaller"):
        load_image(tmp_path / "a.png")


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3000, 20)])
def test_thin_pictures_survive_the_way_in(shape: tuple[int, int], tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read(PilImage.fromarray(rgb), tmp_path / "a.png"), rgb)
