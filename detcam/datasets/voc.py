"""Pascal VOC's format: an XML file of boxes for each photograph, read by defusedxml."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from detcam.datasets.ground_truth import DataSet, GroundTruth, Mask, photograph_size, photographs_in
from detcam.errors import DataError

CORNERS = ("xmin", "ymin", "xmax", "ymax")
PALETTE = ("P", "L")  # the kinds of PNG whose values are object numbers
BORDER = 255  # the devkit's value for pixels between objects, which belong to none


def is_voc(folder: Path) -> bool:
    """Whether a folder holds VOC annotations: XML files, or the devkit's ``Annotations``."""
    return (folder / "Annotations").is_dir() or any(folder.glob("*.xml"))


def read_voc(annotations: Path, images: Path | None = None) -> DataSet:
    """Read a Pascal VOC data set: one photograph for every XML file, with its boxes, difficult flags and masks.

    A photograph goes by its annotation's name, as in the devkit: ``x.xml`` is about ``x.jpg``, whatever ``<filename>``
    says. VOC numbers pixels from 1 and includes both corners, so a box is ``xmin - 1, ymin - 1, xmax, ymax`` here.
    Where the devkit's ``SegmentationObject/x.png`` is there, its value k marks the pixels of the k-th object.

    Args:
        annotations: a folder of XML files, or the folder that holds ``Annotations`` and ``JPEGImages``.
        images: the folder of photographs; None takes ``JPEGImages`` beside the XML files' folder, or that
            folder itself where there is none.

    Raises:
        DataError: a file or folder is missing or is not in this format.
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
                        _lacking(place / f"{file.stem}.jpg") for file in files)
    return DataSet(photographs, tuple(sorted({name for each in photographs for name in each.class_names})))


def _lacking(picture: Path) -> GroundTruth:
    """A photograph that is not there: whoever reads the data set is told, or leaves it out."""
    return GroundTruth(picture, np.zeros((0, 4)), (), np.zeros(0, bool))


def _photograph(file: Path, picture: Path) -> GroundTruth:
    root = _root(file)
    objects = root.findall("object")
    words = [_word(each.find("name"), file, f"<name> in object {k}") for k, each in enumerate(objects, 1)]
    boxes = np.array([_box(each, file, k) for k, each in enumerate(objects, 1)], dtype=np.float64).reshape(-1, 4)
    source = root.find("source/database")
    return GroundTruth(
        file=picture,
        boxes=boxes,
        class_names=tuple(words),
        crowd=np.zeros(len(objects), bool),
        masks=_masks(file.parent.parent / "SegmentationObject" / f"{file.stem}.png", picture, len(objects)),
        source="" if source is None else (source.text or "").strip(),
        difficult=np.array([_flag(each.find("difficult"), file, k) for k, each in enumerate(objects, 1)], dtype=bool),
    )


def _root(file: Path) -> Any:
    """The file's outermost element, parsed without following entities, which VOC has no use for."""
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
    """xyxy in pixel-edge coordinates, of VOC's 1-based corners, both of which belong to the object."""
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
    """``<difficult>``; where it is left out the object is not."""
    word = "0" if element is None else (element.text or "").strip()
    if word not in ("0", "1"):
        raise DataError(f"{file}: expected <difficult> 0 or 1 in object {number}, found {word[:60]!r}")
    return word == "1"


def _masks(file: Path, picture: Path, count: int) -> tuple[Mask | None, ...]:
    """The objects' pixels, None for an object without any; nothing where there is no such file."""
    if not file.is_file():
        return ()
    numbers = _numbers(file)
    size = photograph_size(picture)
    if numbers.shape[::-1] != size:
        raise DataError(f"{file}: expected the photograph's {size[0]} x {size[1]} px, found "
                        f"{numbers.shape[1]} x {numbers.shape[0]}")
    if count >= BORDER:
        raise DataError(f"{file}: cannot tell {count} objects apart; the format has numbers up to {BORDER - 1}")
    own = [numbers == number for number in range(1, count + 1)]
    return tuple(Mask.of_pixels(each) if each.any() else None for each in own)


def _numbers(file: Path) -> NDArray[np.uint8]:
    """The object number of each pixel, ``[height, width]``."""
    try:
        with PilImage.open(file) as opened:
            if opened.mode in PALETTE:
                return np.asarray(opened, dtype=np.uint8)
            mode = opened.mode
    except (OSError, SyntaxError, ValueError, PilImage.DecompressionBombError) as error:
        raise DataError(f"{file}: not a picture of object numbers ({error})") from None
    raise DataError(f"{file}: expected a PNG whose values (palette indices) are object numbers, found a "
                    f"picture of kind {mode}")
