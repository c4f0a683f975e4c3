"""Pascal VOC's format: an XML file of boxes for each photograph, read with defusedxml."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from detcam.datasets.ground_truth import DataSet, GroundTruth, Mask, photograph_size, photographs_in
from detcam.errors import DataError

CORNERS = ("xmin", "ymin", "xmax", "ymax")
PALETTE = ("P", "L")  # PNG modes whose values are object numbers
BORDER = 255  # the devkit's value for pixels on the border of an object


def is_voc(folder: Path) -> bool:
    """Whether a folder holds VOC annotations: XML files, or the devkit's ``Annotations``."""
    return (folder / "Annotations").is_dir() or any(folder.glob("*.xml"))


def read_voc(annotations: Path, images: Path | None = None) -> DataSet:
    """Read a Pascal VOC data set: one photograph for every XML file, with its boxes, difficult flags and masks.

    As in the devkit, ``x.xml`` belongs to ``x.jpg``, whatever its ``<filename>`` says. VOC counts pixels from 1 and
    includes both corners, so a box becomes ``xmin - 1, ymin - 1, xmax, ymax``: xyxy, source pixels. Masks come from
    the devkit's ``SegmentationObject/x.png`` where it exists: its value k marks the pixels of the k-th object.

    Args:
        annotations: a folder of XML files, or the folder that holds ``Annotations`` and ``JPEGImages``.
        images: the folder of photographs; None takes ``JPEGImages`` beside the XML files' folder, or that
            folder itself where there is none.

    Raises:
        DataError: a file or folder is missing or does not follow the format, or defusedxml is not installed.
    """
    if not annotations.is_dir():
        raise DataError(f"{annotations}: no such folder of VOC annotations")
    folder = annotations / "Annotations" if (annotations / "Annotations").is_dir() else annotations
    files = sorted(folder.glob("*.xml"))
    if not files:
        raise DataError(f"{folder}: holds no XML files; expected Pascal VOC annotations, one a photograph")
    beside = folder.parent / "JPEGImages"
    place = images or (beside if beside.is_dir() else folder)
    if not place.is_dir():
        raise DataError(f"{place}: no such folder of photographs")
    pictures = {path.stem: path for path in reversed(photographs_in(place))}  # x.jpg before x.png
    photographs = tuple(_photograph(file, pictures[file.stem]) if file.stem in pictures else
                        _missing(place / f"{file.stem}.jpg") for file in files)
    return DataSet(photographs, tuple(sorted({name for truth in photographs for name in truth.class_names})))


def _missing(picture: Path) -> GroundTruth:
    """An entry without boxes for a photograph that does not exist: read_data_set reports it or leaves it out."""
    return GroundTruth(picture, np.zeros((0, 4)), (), np.zeros(0, bool))


def _photograph(file: Path, picture: Path) -> GroundTruth:
    root = _root(file)
    objects = root.findall("object")
    names = [_word(one.find("name"), file, f"<name> in object {k}") for k, one in enumerate(objects, 1)]
    boxes = np.array([_box(one, file, k) for k, one in enumerate(objects, 1)], dtype=np.float64).reshape(-1, 4)
    source = root.find("source/database")
    return GroundTruth(
        file=picture,
        boxes=boxes,
        class_names=tuple(names),
        crowd=np.zeros(len(objects), bool),
        masks=_masks(file.parent.parent / "SegmentationObject" / f"{file.stem}.png", picture, len(objects)),
        source="" if source is None else (source.text or "").strip(),
        difficult=np.array([_flag(one.find("difficult"), file, k) for k, one in enumerate(objects, 1)], dtype=bool),
    )


def _root(file: Path) -> Any:
    """The file's root element, parsed without expanding entities, which VOC does not need."""
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, parse
    except ImportError:
        raise DataError("reading Pascal VOC annotations needs defusedxml: pip install 'detcam[data]', or '.[data]' in "
                        "a clone") from None
    try:
        root = parse(file).getroot()
    except (ParseError, DefusedXmlException, ValueError, LookupError, OSError) as error:
        raise DataError(f"{file}: not an XML file that can be read safely ({error}); expected Pascal VOC's "
                        "<annotation>") from None
    if root.tag != "annotation":
        raise DataError(f"{file}: expected Pascal VOC's <annotation>, found <{root.tag[:60]}>")
    return root


def _word(element: Any, file: Path, what: str) -> str:
    word = "" if element is None else (element.text or "").strip()
    if not word:
        raise DataError(f"{file}: expected {what}, found {'none' if element is None else 'an empty one'}")
    return word


def _box(element: Any, file: Path, number: int) -> list[float]:
    """VOC's 1-based inclusive corners as xyxy in pixel-edge coordinates."""
    corners = []
    for name in CORNERS:
        what = f"<bndbox> with a number as <{name}> in object {number}"
        word = _word(element.find(f"bndbox/{name}"), file, what)
        try:
            corners.append(float(word))
        except ValueError:
            raise DataError(f"{file}: expected {what}, found {word[:60]!r}") from None
    x1, y1, x2, y2 = corners
    if not (np.isfinite(corners).all() and x1 <= x2 and y1 <= y2):
        raise DataError(f"{file}: expected a <bndbox> with xmin <= xmax and ymin <= ymax in object {number}, found "
                        f"{', '.join(f'{value:g}' for value in corners)}")
    return [x1 - 1, y1 - 1, x2, y2]


def _flag(element: Any, file: Path, number: int) -> bool:
    """Whether an object is ``<difficult>``; False where the element is left out."""
    word = "0" if element is None else (element.text or "").strip()
    if word not in ("0", "1"):
        raise DataError(f"{file}: expected <difficult> 0 or 1 in object {number}, found {word[:60]!r}")
    return word == "1"


def _masks(file: Path, picture: Path, count: int) -> tuple[Mask | None, ...]:
    """The objects' masks, None for an object without pixels; empty where there is no such file."""
    if not file.is_file():
        return ()
    numbers = _numbers(file)
    size = photograph_size(picture)
    if numbers.shape[::-1] != size:
        raise DataError(f"{file}: expected the photograph's {size[0]} x {size[1]} px, found "
                        f"{numbers.shape[1]} x {numbers.shape[0]}")
    if count >= BORDER:
        raise DataError(f"{file}: cannot number {count} objects; the format has numbers up to {BORDER - 1}")
    pixels = [numbers == number for number in range(1, count + 1)]
    return tuple(Mask.of_pixels(mask) if mask.any() else None for mask in pixels)


def _numbers(file: Path) -> NDArray[np.uint8]:
    """The object number of each pixel, ``[height, width]``."""
    try:
        with PilImage.open(file) as opened:
            if opened.mode in PALETTE:
                return np.asarray(opened, dtype=np.uint8)
            mode = opened.mode
    except (OSError, SyntaxError, ValueError, PilImage.DecompressionBombError) as error:
        raise DataError(f"{file}: cannot be read as an image of object numbers ({error})") from None
    raise DataError(f"{file}: expected a PNG whose values (palette indices) are object numbers, found an "
                    f"image of mode {mode}")
