"""load(): a detector by its name, its file, a function in a file, or the live model itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from detcam.detectors.base import CLASSIFY, Detector
from detcam.detectors.classifiers.adapter import TOP
from detcam.detectors.classifiers.registry import (
    TIMM,
    is_classifier,
    live_classifier,
    named_classifier,
    torchvision_names,
)
from detcam.detectors.for_torchvision.registry import (
    NAMES,
    SHIPPED,
    WORDS,
    adapter_of,
    as_published,
    build,
    family_of,
    published_names,
)
from detcam.detectors.for_transformers.checkpoint import PUBLISHED, is_hf, load_hf
from detcam.detectors.loading.class_names import read_class_names
from detcam.detectors.loading.python_file import function_in
from detcam.detectors.loading.state_dict import load_state
from detcam.errors import DetectorError, InputError, near

YOLO_PATTERNS = {  # a published name for each size
    "yolov3{}u": ("", "-spp", "-tiny"), "yolov5{}u": "nsmlx", "yolov5{}6u": "nsmlx", "yolov8{}": "nsmlx",
    "yolov9{}": "tsmce", "yolov10{}": "nsmblx", "yolo11{}": "nsmlx", "yolo12{}": "nsmlx", "yolo26{}": "nsmlx",
    "yolov8{}-seg": "nsmlx", "yolov9{}-seg": "ce", "yolo11{}-seg": "nsmlx", "yolo26{}-seg": "nsmlx",
    "yolov8{}-pose": "nsmlx", "yolo11{}-pose": "nsmlx", "yolo26{}-pose": "nsmlx", "rtdetr-{}": "lx",
}
YOLO_NAMES = tuple(f"{pattern.format(size)}.pt" for pattern, sizes in YOLO_PATTERNS.items() for size in sizes)


def load(model: Any, *, weights: str | Path | None = None, class_names: str | Path | Sequence[str] | None = None,
         head: str | None = None, imgsz: int | tuple[int, int] | None = None, device: str | None = None,
         score_activation: str | None = None, unsafe: bool = False, task: str | None = None,
         top_k: int | None = None) -> Detector:
    """Make a model ready to be explained.

    Args:
        model: one of
            ``"detcam-person-ssd"``: ships with detcam; with ``weights`` those of your own training;
            ``"ssd300_vgg16"``, ``"ssdlite320_mobilenet_v3_large"`` and the others of ``torchvision_models.NAMES``:
            torchvision's, with its published weights or with ``weights``;
            ``"yolov8n.pt"`` and the like (v3u, v5u, v8 to v10, 11, 12, 26, and ``-seg`` and ``-pose`` of some, which
            are explained by their boxes): ultralytics' published weights;
            ``"rtdetr-l.pt"``, ``"rtdetr-x.pt"``: ultralytics' RT-DETR;
            a path to a ``.pt`` checkpoint of either;
            a folder that ``save_pretrained`` of Hugging Face's transformers wrote, of a DETR or Conditional DETR, or
            the published name of one, such as ``"facebook/detr-resnet-50"``;
            ``"FILE.py:FUNCTION"``: a function that builds a model of torchvision's (Python code that will be run);
            a live model of torchvision's (``torchvision_models.FAMILIES``), ultralytics ``YOLO`` or ``RTDETR``,
            or a DETR of transformers, with the size and normalisation of its published image processor (another one:
            ``HFDetrDetector(model, processor)``);
            ``"squeezenet1_1"``, ``"resnet18"`` and torchvision's other classifiers, ``"timm:resnet18"`` and timm's, by
            name or live, and with ``task="classify"`` any live network from pixels to logits;
            any other callable from a photograph, uint8 ``[H, W, 3]`` RGB, to boxes, labels and scores
            (:class:`~detcam.detectors.custom.black_box.BlackBoxDetector`); ``FILE.py:FUNCTION`` may build one, too, or
            a :class:`Detector` of your own (:func:`detcam.adapt`).
        weights: a state dict to load into a model of torchvision's; for ``FILE.py:FUNCTION`` too.
        class_names: its class names, a list or a text file with one a line: from label 1 on, of a
            callable or a classifier from 0 on.
        head: for end-to-end YOLO models ``"one2many"`` or ``"one2one"``; None follows the installed ``predict``.
        imgsz: canvas size of a YOLO model; None takes the checkpoint's.
        device: ``"cpu"``, ``"cuda:0"``, …; None keeps a live model's device and otherwise takes the CPU.
        score_activation: how an SSD's logits become scores, ``"softmax"`` (None) or ``"sigmoid"``.
        unsafe: load a pickled checkpoint that the safe loader refuses. That runs code from the file.
        task: ``"classify"`` for a live classifier that is neither torchvision's nor timm's.
        top_k: how many of a classifier's likeliest classes are explained; None is 5.

    Raises:
        InputError: no such model, file or function, or an option that the model does not take.
        WeightsError: weights are missing (the message says which file to put where), unsafe, or do not fit.
        DetectorError: the model is not one that can be explained.
    """
    live_yolo = hasattr(model, "predict") and hasattr(model, "overrides")  # it is an nn.Module too
    name = str(model) if isinstance(model, (str, Path)) else type(model).__name__
    if live_yolo or name.endswith(".pt"):
        _refuse(name, "YOLO", weights=weights, class_names=class_names, score_activation=score_activation,
                task=task, top_k=top_k)
        return _live_yolo(model, head, imgsz, device) if live_yolo else _yolo_file(name, head, imgsz, device, unsafe)
    if is_hf(name) or isinstance(getattr(getattr(model, "config", None), "model_type", None), str):
        _refuse(name, "a DETR of transformers", weights=weights, class_names=class_names, head=head, imgsz=imgsz,
                score_activation=score_activation, task=task, top_k=top_k)
        return _hugging_face(model, name, device)
    _refuse(name, "torchvision's", head=head, imgsz=imgsz)
    if task not in (None, CLASSIFY):
        raise InputError(f"task {task!r}: expected {CLASSIFY!r}, or None")
    asked = _Asked(weights, class_names, device, score_activation, task, top_k)
    if isinstance(model, nn.Module):
        return _live(model, name, asked)
    if callable(model):
        return _callable(model, asked)
    if not isinstance(model, (str, Path)):
        raise InputError(f"cannot load a detector from {name}: give a name, a path, a live model or a function")
    asked = replace(asked, device=device or "cpu")
    if name == SHIPPED:
        return _person_ssd(asked)
    if name in NAMES:
        return _torchvision_name(name, asked)
    if ".py:" in name:
        return _from_function(name, asked)
    if name.startswith(TIMM) or name in torchvision_names():
        _refuse(name, "a classifier", score_activation=score_activation)
        return named_classifier(name, weights, read_class_names(class_names, first=0), asked.device or "cpu",
                                asked.classes)
    known = [SHIPPED, *NAMES, *YOLO_NAMES, *PUBLISHED, *torchvision_names()]
    raise InputError(f"unknown model {name!r}: {near(name, known)} A path to a YOLO .pt file and "
                     "FILE.py:FUNCTION are models too")


def _refuse(name: str, family: str, **options: object) -> None:
    """Refuse options that a family does not take."""
    for option, value in options.items():
        if value is not None:
            raise InputError(f"{option} does not go with {name}, which is loaded as {family}: leave it out")


def _live_yolo(model: Any, head: str | None, imgsz: int | tuple[int, int] | None, device: str | None) -> Detector:
    if not isinstance(model.model, nn.Module):
        raise DetectorError(f"expected a YOLO with a PyTorch model, got one that runs {model.model}")
    name = Path(str(getattr(model, "model_name", None) or type(model).__name__)).name
    where = device or str(next(model.model.parameters()).device)
    return _ultralytics(model.model, model.overrides, name, head, imgsz, where)


def _yolo_file(name: str, head: str | None, imgsz: int | tuple[int, int] | None, device: str | None,
               unsafe: bool) -> Detector:
    from detcam.detectors.for_ultralytics.checkpoint import load_checkpoint

    network, overrides = load_checkpoint(name, YOLO_NAMES, unsafe)
    return _ultralytics(network, overrides, Path(name).name, head, imgsz, device or "cpu")


def _ultralytics(network: nn.Module, overrides: dict[str, Any], name: str, head: str | None,
                 imgsz: int | tuple[int, int] | None, device: str) -> Detector:
    """The adapter for what a checkpoint or a live model holds, whatever it is called."""
    if type(network).__name__ == "RTDETRDetectionModel":
        from detcam.detectors.for_ultralytics.rtdetr import RTDETRDetector

        _refuse(name, "RT-DETR", head=head)
        return RTDETRDetector(network, overrides, name, imgsz, device)
    from detcam.detectors.for_ultralytics.yolo import YOLODetector

    return YOLODetector(network, overrides, name, head, imgsz, device)


def _hugging_face(model: Any, name: str, device: str | None) -> Detector:
    from detcam.detectors.for_transformers.detr import HFDetrDetector

    live = isinstance(model, nn.Module)
    network, processor = (model, None) if live else load_hf(name)
    if device is not None or not live:
        network.to(device or "cpu")
    return HFDetrDetector(network, processor, name if live or name in PUBLISHED else Path(name).resolve().name)


@dataclass(frozen=True)
class _Asked:
    """What :func:`load` was asked to do with a model of torchvision's; its arguments of the same names."""

    weights: str | Path | None
    class_names: str | Path | Sequence[str] | None
    device: str | None
    score_activation: str | None
    task: str | None
    top_k: int | None

    @property
    def classes(self) -> int:
        return TOP if self.top_k is None else self.top_k


def _live(model: nn.Module, name: str, asked: _Asked) -> Detector:
    if asked.task != CLASSIFY and not is_classifier(model):
        return _torchvision(model, name, asked)
    _refuse(name, "a classifier", score_activation=asked.score_activation)
    if asked.weights is not None:
        load_state(model, Path(asked.weights))
    if asked.device is not None:
        model.to(asked.device)
    return live_classifier(model, name, read_class_names(asked.class_names, first=0), asked.classes)


def _torchvision(model: nn.Module, name: str, asked: _Asked, architecture: str | None = None) -> Detector:
    family = family_of(model)
    _refuse(name, family.word, task=asked.task, top_k=asked.top_k)
    options = {"score_activation": asked.score_activation}
    _refuse(name, family.word, **{key: value for key, value in options.items() if key not in family.options})
    if asked.weights is not None:
        load_state(model, Path(asked.weights))
    if asked.device is not None:
        model.to(asked.device)
    chosen = {key: value for key, value in options.items() if value is not None}
    words = read_class_names(asked.class_names)
    detector: Detector = adapter_of(family)(model, words, name=name, architecture=architecture, **chosen)
    last = max(detector.rivals)
    if words is not None and max(words) > last:
        raise InputError(f"class_names: {len(words)} names, the last of label {max(words)}, and {name} knows labels up "
                         f"to {last}: name its classes from label 1 on, without the background")
    return detector


def _person_ssd(asked: _Asked) -> Detector:
    from detcam.detectors.for_torchvision.person_ssd import MIN_SCORE, PERSON, PERSON_SSD_WEIGHTS, build_person_ssd

    model = build_person_ssd(None if asked.weights is not None else PERSON_SSD_WEIGHTS)
    words = list(PERSON.values()) if asked.class_names is None else asked.class_names
    detector = _torchvision(model, SHIPPED, replace(asked, class_names=words), SHIPPED)
    if asked.weights is None:
        detector.min_score = MIN_SCORE
    return detector


def _torchvision_name(name: str, asked: _Asked) -> Detector:
    words: str | Path | Sequence[str] = published_names(name) if asked.class_names is None else asked.class_names
    model = build(name, None if asked.weights is None else 1 + len(read_class_names(words) or {}))
    if asked.weights is not None:
        as_published(model, name, Path(asked.weights))
    return _torchvision(model, name, replace(asked, class_names=words), name)


def _from_function(name: str, asked: _Asked) -> Detector:
    file, _, function = name.rpartition(":")
    make = function_in(Path(file), function)
    try:
        model = make()
    except Exception as error:
        raise DetectorError(f"{name}: building the model failed ({type(error).__name__}: {error})") from error
    short = f"{Path(file).name}:{function}"
    if isinstance(model, Detector):
        _refuse(name, "a detector of your own", weights=asked.weights, class_names=asked.class_names,
                score_activation=asked.score_activation, task=asked.task, top_k=asked.top_k)
        return model
    if isinstance(model, nn.Module):
        return _live(model, short, asked)
    if callable(model):
        return _callable(model, replace(asked, device=None), short)
    raise DetectorError(f"{name}: expected the function to return a model of torchvision's ({WORDS}), a detector or a "
                        f"callable, got {type(model).__name__}")


def _callable(model: Any, asked: _Asked, name: str | None = None) -> Detector:
    from detcam.detectors.custom.black_box import BlackBoxDetector

    _refuse(name or str(getattr(model, "__name__", type(model).__name__)), "a plain callable", weights=asked.weights,
            device=asked.device, score_activation=asked.score_activation, task=asked.task, top_k=asked.top_k)
    return BlackBoxDetector(model, read_class_names(asked.class_names, first=0), name)
