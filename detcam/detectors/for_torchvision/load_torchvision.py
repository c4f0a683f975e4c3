"""From the name of a torchvision detector, detcam's own, or a live one to the detector."""

from pathlib import Path
from typing import Any

from torch import nn

from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.published import as_published, build, published_names
from detcam.detectors.for_torchvision.registry import SHIPPED, adapter_of, nearest_family
from detcam.detectors.loading.class_names import read_class_names
from detcam.detectors.loading.request import Request
from detcam.detectors.loading.state_dict import load_state
from detcam.errors import InputError


def load_family(request: Request) -> Detector:
    """The detector of a torchvision family, by name or live, whose class names count from label 1 on.

    One that is called by its name runs on the CPU unless told otherwise.

    Raises:
        InputError: class names that cannot be read, or more of them than the model has classes; an unknown word.
        WeightsError: the weights cannot be had, read, or do not fit.
        DetectorError: the model is not made of torchvision's parts.
    """
    options = dict(request.options)
    if not request.is_text:
        return _adapted(request.model, request.name, options)
    name, weights = request.model, options.get("weights")
    class_names = read_class_names(options.get("class_names", published_names(name)))
    model = build(name, None if weights is None else 1 + len(class_names or {}))
    if weights is not None:
        as_published(model, name, Path(weights))
    return _adapted(model, name, {"device": "cpu", **options, "class_names": class_names}, name)


def load_shipped(request: Request) -> Detector:
    """The person detector that ships with detcam, with its own weights or with others.

    Raises:
        InputError, WeightsError: as of :func:`load_family`.
    """
    from detcam.detectors.for_torchvision.person_ssd import MIN_SCORE, PERSON, PERSON_SSD_WEIGHTS, build_person_ssd

    others = "weights" in request.options
    model = build_person_ssd(None if others else PERSON_SSD_WEIGHTS)
    detector = _adapted(model, SHIPPED, {"device": "cpu", "class_names": PERSON, **request.options}, SHIPPED)
    if not others:
        detector.min_score = MIN_SCORE
    return detector


def _adapted(model: nn.Module, name: str, options: dict[str, Any], architecture: str | None = None) -> Detector:
    """The family's adapter around a model, with the options that the family takes of its own."""
    family = nearest_family(model)
    assert family is not None
    if "weights" in options:
        load_state(model, Path(options["weights"]))
    if "device" in options:
        model.to(options["device"])
    class_names = read_class_names(options.get("class_names"))
    settings = {option: options[option] for option in family.options if option in options}
    detector: Detector = adapter_of(family)(model, class_names, name=name, architecture=architecture, **settings)
    last = max(detector.rivals)
    if class_names is not None and max(class_names) > last:
        raise InputError(f"class_names: {len(class_names)} names, the last of label {max(class_names)}, and {name} "
                         f"knows labels up to {last}: name its classes from label 1 on, without the background")
    return detector
