"""The table of :func:`detcam.load`: what a model looks like, which options go with it, and what makes the detector.

A new family of detectors is a line of ``MODEL_KINDS`` and the file that the line names. Reading the table imports no
torch and none of the families' libraries.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from detcam.detectors.classifiers.registry import TIMM, is_classifier, torchvision_names
from detcam.detectors.for_torchvision.registry import FAMILIES, NAMES, SHIPPED, WORDS, Family, nearest_family
from detcam.detectors.for_transformers.checkpoint import PUBLISHED, is_hf
from detcam.detectors.for_ultralytics.names import RTDETR_NETWORK, YOLO_NAMES
from detcam.detectors.loading.request import Request, is_a
from detcam.errors import DetectorError, InputError, near

OPTIONS = ("weights", "class_names", "device", "head", "imgsz", "score_activation", "task", "top_k")
MODULE, DETECTOR = "torch.nn.modules.module.Module", "detcam.detectors.base.Detector"


@dataclass(frozen=True)
class ModelKind:
    """A line of the table.

    Attributes:
        word: what messages call such a model.
        matches: whether a request is for one; the first line that says so is the one.
        options: those of ``OPTIONS`` that go with it.
        build: ``"module:function"``, imported when it is needed: from the :class:`Request` to the detector, or, where a
            file has to be opened first, to the request for what is in it, which is looked up in the table again.
    """

    word: str
    matches: Callable[[Request], bool]
    options: tuple[str, ...]
    build: str


def _of_family(family: Family) -> Callable[[Request], bool]:
    def matches(request: Request) -> bool:
        return request.model in family.names if request.is_text else nearest_family(request.model) is family

    return matches


def _is_ultralytics(request: Request) -> bool:
    """A live ``YOLO`` or ``RTDETR``, or what a checkpoint of one holds: the network and its settings."""
    return hasattr(request.model, "overrides") and hasattr(request.model, "model")


def _is_rtdetr(request: Request) -> bool:
    return _is_ultralytics(request) and type(request.model.model).__name__ == RTDETR_NETWORK


def _is_transformers(request: Request) -> bool:
    if request.is_text:
        return is_hf(request.model)
    return isinstance(getattr(getattr(request.model, "config", None), "model_type", None), str)


def _is_classifier(request: Request) -> bool:
    if request.is_text:
        return request.model.startswith(TIMM) or request.model in torchvision_names()
    return is_a(request.model, MODULE) and ("task" in request.options or is_classifier(request.model))


def _is_plain_callable(request: Request) -> bool:
    return callable(request.model) and not is_a(request.model, MODULE)


def _is_checkpoint(request: Request) -> bool:
    return request.is_text and request.model.endswith(".pt")


def _is_shipped(request: Request) -> bool:
    return request.is_text and request.model == SHIPPED


def _is_function(request: Request) -> bool:
    return request.is_text and ".py:" in request.model


def _is_detector(request: Request) -> bool:
    return is_a(request.model, DETECTOR)


TORCHVISION = ("weights", "class_names", "device")
MODEL_KINDS = (
    ModelKind("a checkpoint of ultralytics", _is_checkpoint, ("device", "head", "imgsz"),
              "detcam.detectors.for_ultralytics.load_ultralytics:open_checkpoint"),
    ModelKind("RT-DETR", _is_rtdetr, ("device", "imgsz"),
              "detcam.detectors.for_ultralytics.load_ultralytics:load_rtdetr"),
    ModelKind("YOLO", _is_ultralytics, ("device", "head", "imgsz"),
              "detcam.detectors.for_ultralytics.load_ultralytics:load_yolo"),
    ModelKind("a DETR of transformers", _is_transformers, ("device",),
              "detcam.detectors.for_transformers.load_transformers:load_detr"),
    ModelKind("detcam's SSD", _is_shipped, (*TORCHVISION, "score_activation"),
              "detcam.detectors.for_torchvision.load_torchvision:load_shipped"),
    *(ModelKind(family.word, _of_family(family), (*TORCHVISION, *family.options),
                "detcam.detectors.for_torchvision.load_torchvision:load_family") for family in FAMILIES),
    ModelKind("a function in a Python file", _is_function, OPTIONS,
              "detcam.detectors.loading.python_file:open_function"),
    ModelKind("a classifier", _is_classifier, ("weights", "class_names", "device", "task", "top_k"),
              "detcam.detectors.classifiers.load_classifier:load_classifier"),
    ModelKind("a detector of your own", _is_detector, (), "detcam.detectors.custom.load_callable:as_it_is"),
    ModelKind("a plain callable", _is_plain_callable, ("class_names",),
              "detcam.detectors.custom.load_callable:load_callable"),
)


def model_kind_of(request: Request) -> ModelKind:
    """The line of the table that a request belongs to.

    Raises:
        DetectorError: none, though the model is a live network.
        InputError: none, and it is no live network.
    """
    for kind in MODEL_KINDS:
        if kind.matches(request):
            return kind
    if request.is_text:
        known = [SHIPPED, *NAMES, *YOLO_NAMES, *PUBLISHED, *torchvision_names()]
        raise InputError(f"unknown model {request.model!r}: {near(request.model, known)} A path to a YOLO .pt file and "
                         "FILE.py:FUNCTION are models too")
    if is_a(request.model, MODULE):
        raise DetectorError(
            f"{request.name}: expected a model of torchvision's ({WORDS}), ultralytics' YOLO or RTDETR, or a DETR of "
            f"transformers, got {type(request.model).__name__}; detcam.adapt() takes any other detector, and "
            "load(model, task='classify') any other classifier")
    raise InputError(f"cannot load a detector from {request.name}: give a name, a path, a live model or a function")


def refuse_options(kind: ModelKind, name: str, options: Mapping[str, object]) -> None:
    """See that all options that were given go with a kind of model.

    Raises:
        InputError: one does not.
    """
    for option in options:
        if option not in kind.options:
            taken = f"takes {', '.join(kind.options)}" if kind.options else "takes no options"
            raise InputError(f"{option} does not go with {name}, which is loaded as {kind.word} and {taken}")
