"""Which classes a detector and the annotations share."""

from collections.abc import Sequence

from detcam.datasets.ground_truth import DataSet
from detcam.detectors.base import Detector
from detcam.errors import DataError, InputError, near


def check_classes(detector: Detector, data: DataSet, classes: Sequence[str]) -> None:
    """Check that the detector and the annotations both know the classes.

    Raises:
        ClassNameError: the detector does not know one.
        DataError: the annotations do not know one.
    """
    detector.labels_of(classes)
    for name in classes:
        if name not in data.class_names:
            raise DataError(f"the annotations know no class {name!r}: {near(name, data.class_names)}")


def names_of_classes(detector: Detector, classes: str | Sequence[str | int]) -> list[str]:
    """The names of classes that are given by names or indices, each once; a bare name is one class.

    Raises:
        ClassNameError: the detector has no such class.
    """
    given = [classes] if isinstance(classes, str) else classes
    return list(dict.fromkeys(detector.class_names[label] for label in detector.labels_of(given)))


def shared_classes(known: dict[int, str], annotated: tuple[str, ...]) -> list[str]:
    """The names of the classes that a detector and the annotations share, in the annotations' order.

    Args:
        known: the detector's classes, label to name.
        annotated: the annotations' class names.

    Raises:
        InputError: they share none.
    """
    shared = [name for name in annotated if name in known.values()]
    if not shared:
        raise InputError(f"the annotations know {', '.join(annotated[:5]) or 'no class'}, and the detector none of "
                         "them: both must use the same names")
    return shared
