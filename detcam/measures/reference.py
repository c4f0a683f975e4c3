"""What the evidence on an edge is among sound boxes, so that a number can be said as a percentile."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.errors import DataError
from detcam.imaging.boxes import areas

SCHEMA = 1
SIMILAR = 1 / 3  # of the sound boxes, those nearest in size, are what a box is compared with
SOUND = 0.10  # a sound box has no edge further off than this share of the true box's width or height
SHIPPED = Path(__file__).parent / "references"


@dataclass(frozen=True)
class Reference:
    """The evidence on the edges of sound boxes of one detector.

    Attributes:
        fingerprint: which weights it was measured on.
        architecture: which architecture it was measured on.
        classes: the class names of that detector.
        measured: the class names whose boxes were measured; it says nothing about others.
        layer: the layer of the evidence.
        source: the photographs, in words.
        sizes: square root of each sound box's area, canvas pixels, ``[M]``.
        evidence: the evidence on its edges, ``[M, 4]``.
    """

    fingerprint: str
    architecture: str
    classes: tuple[str, ...]
    measured: tuple[str, ...]
    layer: str
    source: str
    sizes: NDArray[np.float64]
    evidence: NDArray[np.float64]

    def percentile(self, boxes: NDArray[np.floating], evidence: NDArray[np.floating]) -> NDArray[np.float64]:
        """Per cent of the third of sound boxes nearest in size whose same edge has less evidence, ``[N, 4]``.

        Args:
            boxes: ``[N, 4]`` xyxy, canvas pixels.
            evidence: ``[N, 4]``.
        """
        found = np.full(evidence.shape, np.nan)
        known, count = np.log(self.sizes), max(1, round(SIMILAR * len(self.sizes)))
        for index, size in enumerate(np.sqrt(areas(boxes).clip(1))):
            near = np.argsort(np.abs(known - np.log(size)), kind="stable")[:count]
            below = self.evidence[near] < evidence[index]
            found[index] = 100 * below.mean(0)
        return found

    def save(self, path: Path) -> None:
        """Write the reference as JSON."""
        content = {
            "schema_version": SCHEMA, "fingerprint": self.fingerprint, "architecture": self.architecture,
            "classes": list(self.classes), "measured": list(self.measured), "layer": self.layer, "source": self.source,
            "sizes": self.sizes.round(2).tolist(), "evidence": self.evidence.round(5).tolist(),
        }
        path.write_text(json.dumps(content) + "\n")


def load_reference(path: Path) -> Reference:
    """Read a reference.

    Raises:
        DataError: the file is missing, or is no reference of this version.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        if content["schema_version"] != SCHEMA:
            raise DataError(f"{path}: reference of version {content['schema_version']}, expected {SCHEMA}: "
                            "make it again with scripts/validate_numbers.py --reference-out")
        sizes, evidence = np.array(content["sizes"], float), np.array(content["evidence"], float)
        if evidence.shape != (len(sizes), 4) or not len(sizes):
            raise DataError(f"{path}: expected one size and four numbers a sound box, got {evidence.shape}")
        return Reference(str(content["fingerprint"]), str(content["architecture"]), tuple(content["classes"]),
                         tuple(content["measured"]), str(content["layer"]), str(content["source"]), sizes, evidence)
    except FileNotFoundError:
        raise DataError(f"{path}: no such reference file") from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, OSError) as error:
        raise DataError(f"{path}: not a reference file ({error})") from None


def shipped_reference(fingerprint: str, architecture: str, classes: tuple[str, ...], layer: str) -> Reference | None:
    """The reference that ships for these weights, or for others of the same architecture and classes, or None."""
    candidates = [load_reference(path) for path in sorted(SHIPPED.glob("*.json"))]
    fitting = [each for each in candidates if each.layer == layer]
    for each in fitting:
        if each.fingerprint == fingerprint:
            return each
    for each in fitting:
        if each.architecture == architecture and each.classes == classes:
            return each
    return None
