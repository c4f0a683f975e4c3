"""Measuring the matched boxes of a whole data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detcam.attribution.gradients.tape import PIXELS
from detcam.attribution.layers.names import layers_of
from detcam.attribution.method import Method
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.errors import DataError
from detcam.evaluation.matched_boxes import MeasuredBoxes, concatenate, measure_photograph


@dataclass(frozen=True)
class Measurement:
    """The matched boxes of a data set, and the photographs that failed.

    Attributes:
        boxes: with their errors and numbers.
        photographs: the number of photographs.
        failures: the path of each photograph that failed, and the reason.
    """

    boxes: MeasuredBoxes
    photographs: int
    failures: dict[str, str]


def check_layers(detector: Detector, layers: Sequence[str]) -> None:
    """Check that the detector has the layers at which the evidence is measured; ``"pixels"`` is always one.

    Raises:
        LayerError: it does not.
    """
    for layer in layers:
        if layer != PIXELS:
            layers_of(detector, layer, 0)


def measure_data_set(detector: Detector, data: Sequence[GroundTruth], classes: Sequence[str], min_score: float,
                     method: Method, layers: Sequence[str], on_done: Callable[[], None] = lambda: None) -> Measurement:
    """Measure the matched boxes of every photograph; a failure is recorded, and the run goes on.

    Args:
        detector: the detector that is measured.
        data: the photographs with their true boxes.
        classes: class names, the same for the detector and the true boxes.
        min_score: detections with a score above this.
        method: the method of the class heatmap, on which the shares and the heat gap are measured.
        layers: the layers at which the evidence on the edges is measured: names, ``"auto"`` or ``"pixels"``.
        on_done: called after each photograph.

    Raises:
        DataError: no detection matches a true box.
    """
    parts, failures = [], {}
    for index, truth in enumerate(data):
        try:
            parts.append(measure_photograph(detector, truth, classes, min_score, method, layers, index))
        except Exception as error:  # a long run goes on: photographs fail in many ways
            failures[str(truth.file)] = " ".join(str(error).split()) or type(error).__name__
        on_done()
    if not sum(len(part) for part in parts):
        reason = f"; {len(failures)} failed, the first: {next(iter(failures.values()))}" if failures else ""
        raise DataError(f"no {' or '.join(classes)} found above score {min_score} matches a true box on "
                        f"{len(data)} photographs{reason}")
    return Measurement(concatenate(parts), len(data), failures)
