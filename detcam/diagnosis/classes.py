"""Which classes a detector and the annotations share."""

from collections.abc import Sequence

from detcam.datasets.ground_truth import DataSet
from detcam.detectors.base import Detector
from detcam.errors import DataError, InputError, near


def check_classes(detector: Detector, data: DataSet, classes: Sequence[str]) -> None:
    """See that both sides know the classes.

    Raises:
        ClassNameError: the detector does not.
        DataError: the annotations do not.
    """
    detector.labels_of(classes)
    for name in classes:
        if name not in data.class_names:
            raise DataError(f"the annotations know no class {name!r}: {near(name, data.class_names)}")


def words_of(detector: Detector, classes: str | Sequence[str | int]) -> list[str]:
    """The names of classes that are given by names or indices, each once; a bare name is one class.

    Raises:
        ClassNameError: the detector has no such class.
    """
    given = [classes] if isinstance(classes, str) else classes
    return list(dict.fromkeys(detector.class_names[label] for label in detector.labels_of(given)))


def shared_classes(known: dict[int, str], annotated: tuple[str, ...]) -> list[str]:
    """The classes that both a detector and the annotations know.

    Raises:
        InputError: there are none.
    """
    shared = [name for name in annotated if name in known.values()]
    if not shared:
        raise InputError(f"the annotations know {', '.join(annotated[:5]) or 'no class'}, and the detector none of "
                         "them: the same words are needed on both sides")
    return shared
