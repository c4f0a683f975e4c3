"""load(): a detector by its name, its file, a function in a file, or the live model itself."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detcam.detectors.loading.model_kinds import ModelKind, model_kind_of, refuse_options
from detcam.detectors.loading.request import Request
from detcam.errors import InputError

if TYPE_CHECKING:
    from detcam.detectors.base import Detector

CLASSIFY = "classify"


def load(model: Any, *, weights: str | Path | None = None,
         class_names: str | Path | Sequence[str] | Mapping[int, str] | None = None, head: str | None = None,
         imgsz: int | tuple[int, int] | None = None, device: str | None = None, score_activation: str | None = None,
         unsafe: bool = False, task: str | None = None, top_k: int | None = None) -> "Detector":
    """Make a model ready to be explained.

    A live model is explained in place and left as it was found; of one of ultralytics' a copy is. An option that does
    not go with the model is refused, and the message names those that do.

    Args:
        model: one of

            - ``"detcam-person-ssd"``, which ships with detcam; with ``weights`` those of your own training;
            - ``"ssd300_vgg16"``, ``"fasterrcnn_resnet50_fpn"`` and torchvision's other detectors by name: SSD,
              RetinaNet, FCOS, Faster, Mask and Keypoint R-CNN, with their published weights or with ``weights``;
            - ``"yolov8n.pt"`` and ultralytics' other published names (v3u, v5u, v8 to v10, 11, 12, 26; ``-seg`` and
              ``-pose`` of some, which are explained by their boxes), ``"rtdetr-l.pt"`` and ``"rtdetr-x.pt"``;
            - a path to a ``.pt`` checkpoint of ultralytics;
            - ``"facebook/detr-resnet-50"`` and other published names of a DETR or Conditional DETR, or a folder that
              ``save_pretrained`` of Hugging Face's transformers wrote for one;
            - ``"resnet18"`` and torchvision's other classifiers, ``"timm:resnet18"`` and timm's;
            - ``"FILE.py:FUNCTION"``: a function without arguments that makes any of the live ones below. The file's
              Python code is run;
            - a live model: one of torchvision's detectors or classifiers, or of a class derived from one; a ``YOLO`` or
              ``RTDETR`` of ultralytics; a classifier of timm's; a DETR of transformers, seen through the size and
              normalisation of its published image processor (``HFDetrDetector(model, processor)`` takes another);
              with ``task="classify"`` any other network from pixels ``[B, 3, h, w]`` to logits ``[B, C]``;
            - any other callable from a photograph, uint8 ``[H, W, 3]`` RGB, to boxes ``[N, 4]`` xyxy in source pixels,
              labels ``[N]`` and scores ``[N]`` (:class:`~detcam.detectors.custom.black_box.BlackBoxDetector`);
            - a :class:`Detector`, such as :func:`detcam.adapt` makes: it is given back.
        weights: a file with a state dict for a model of torchvision's or a classifier; None takes the published weights
            of a name, and leaves a live model its own.
        class_names: the words of the labels: a list, a text file with one a line, or a dictionary. Lists and files
            count from label 1 for torchvision's detectors, where 0 is the background, and from label 0 for classifiers
            and callables. A callable needs them; None takes the model's own.
        head: which head of an end-to-end YOLO is run and explained, ``"one2many"`` or ``"one2one"``; None takes the
            one that the installed ``predict`` runs.
        imgsz: canvas of an ultralytics model in pixels: its longer side, or height and width; None takes the
            checkpoint's.
        device: ``"cpu"``, ``"cuda:0"``, …; None leaves a live model where it is, and puts any other on the CPU.
        score_activation: how an SSD's logits become scores, ``"softmax"`` or ``"sigmoid"``; None takes softmax.
        unsafe: whether a pickled checkpoint that the safe loader refuses is loaded all the same, which runs code from
            the file.
        task: ``"classify"`` for a live classifier that is neither torchvision's nor timm's.
        top_k: how many of a classifier's likeliest classes are explained; None takes 5.

    Returns:
        The detector, which :func:`detcam.explain` takes.

    Raises:
        InputError: there is no such model, file or function, or an option does not go with the model.
        WeightsError: weights are missing (the message says which file to put where), unsafe, or do not fit.
        DetectorError: the model cannot be explained.
    """
    if task not in (None, CLASSIFY):
        raise InputError(f"task {task!r}: expected {CLASSIFY!r}, or None")
    options = {"weights": weights, "class_names": class_names, "device": device, "head": head, "imgsz": imgsz,
               "score_activation": score_activation, "task": task, "top_k": top_k}
    given = {option: value for option, value in options.items() if value is not None}
    text = str(model) if isinstance(model, (str, Path)) else None
    name = text if text is not None else str(getattr(model, "__name__", type(model).__name__))
    made: Any = Request(model if text is None else text, name, given, unsafe)
    while isinstance(made, Request):  # a file is opened first, and what is in it looked up again
        kind = model_kind_of(made)
        refuse_options(kind, made.name, made.options)
        made = _build(kind, made)
    detector: Detector = made
    return detector


def _build(kind: ModelKind, request: Request) -> "Detector | Request":
    module, _, function = kind.build.partition(":")
    built: Detector | Request = getattr(import_module(module), function)(request)
    return built
