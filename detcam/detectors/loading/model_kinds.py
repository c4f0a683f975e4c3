"""The table of :func:`detcam.load`: what a model looks like, which options go with it, and what makes the detector.

A new family of detectors is a line of ``KINDS`` and the file that its line names. Reading the table imports no network.
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
class Kind:
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


TORCHVISION = ("weights", "class_names", "device")
KINDS = (
    Kind("a checkpoint of ultralytics", lambda request: request.is_text and request.model.endswith(".pt"),
         ("device", "head", "imgsz"), "detcam.detectors.for_ultralytics.load_ultralytics:open_checkpoint"),
    Kind("RT-DETR", _is_rtdetr, ("device", "imgsz"), "detcam.detectors.for_ultralytics.load_ultralytics:load_rtdetr"),
    Kind("YOLO", _is_ultralytics, ("device", "head", "imgsz"),
         "detcam.detectors.for_ultralytics.load_ultralytics:load_yolo"),
    Kind("a DETR of transformers", _is_transformers, ("device",),
         "detcam.detectors.for_transformers.load_transformers:load_detr"),
    Kind("detcam's SSD", lambda request: request.model == SHIPPED, (*TORCHVISION, "score_activation"),
         "detcam.detectors.for_torchvision.load_torchvision:load_shipped"),
    *(Kind(family.word, _of_family(family), (*TORCHVISION, *family.options),
           "detcam.detectors.for_torchvision.load_torchvision:load_family") for family in FAMILIES),
    Kind("a function in a Python file", lambda request: request.is_text and ".py:" in request.model, OPTIONS,
         "detcam.detectors.loading.python_file:open_function"),
    Kind("a classifier", _is_classifier, ("weights", "class_names", "device", "task", "top_k"),
         "detcam.detectors.classifiers.load_classifier:load_classifier"),
    Kind("a detector of your own", lambda request: is_a(request.model, DETECTOR), (),
         "detcam.detectors.custom.load_callable:as_it_is"),
    Kind("a plain callable", _is_plain_callable, ("class_names",),
         "detcam.detectors.custom.load_callable:load_callable"),
)


def kind_of(request: Request) -> Kind:
    """The line that a request belongs to.

    Raises:
        InputError: none, and the model is no live network.
        DetectorError: none, and it is one.
    """
    for kind in KINDS:
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
            "task='classify' (--task classify) any other classifier")
    raise InputError(f"cannot load a detector from {request.name}: give a name, a path, a live model or a function")


def refuse_options(kind: Kind, name: str, options: Mapping[str, object]) -> None:
    """See that all options that were given go with a kind of model.

    Raises:
        InputError: one does not.
    """
    for option in options:
        if option not in kind.options:
            taken = f"takes {', '.join(kind.options)}" if kind.options else "takes no options"
            raise InputError(f"{option} does not go with {name}, which is loaded as {kind.word} and {taken}")
