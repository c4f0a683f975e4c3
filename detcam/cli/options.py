"""The options that commands and scripts share, and the groups of them that a command takes as one parameter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detcam.cli.parsing import canvas_size, chosen_methods, quick_methods
from detcam.detectors.for_torchvision.registry import NAMES, SHIPPED
from detcam.errors import InputError
from detcam.version import __version__

if TYPE_CHECKING:
    from detcam.attribution.method import Method
    from detcam.datasets.ground_truth import DataSet, GroundTruth
    from detcam.detectors.base import Detector


class Activation(str, Enum):
    """How an SSD's logits become scores."""

    softmax = "softmax"
    sigmoid = "sigmoid"


class Head(str, Enum):
    """The head of an end-to-end YOLO model."""

    one2many = "one2many"
    one2one = "one2one"


def _checked_score(score: float | None) -> float | None:
    """A minimum score as it was given.

    Raises:
        InputError: it is not from 0 to 1.
    """
    if score is not None and not 0 <= score < 1:
        raise InputError(f"--min-score {score}: expected a number from 0 to 1")
    return score


def _print_version(asked: bool) -> None:
    if asked:
        print(f"detcam {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")]
Model = Annotated[str, typer.Option(
    help="detcam-person-ssd, which ships with detcam; a .pt file of a YOLO or RT-DETR, or a published name "
         "(yolov8n.pt, yolov5nu.pt, yolo12n.pt, rtdetr-l.pt); a folder with a DETR of transformers, or a published "
         f"name (facebook/detr-resnet-50); a name of torchvision's ({', '.join(NAMES)}, or a classifier such as "
         "resnet18), one of timm's (timm:resnet18), or FILE.py:FUNCTION that builds a model of torchvision's or a "
         "detector of your own (runs that file).")]
MinScore = Annotated[float | None, typer.Option(
    callback=_checked_score, help="Detections with a score above this, from 0 to 1. Default: 0.25; 0.5 for "
                                  "detcam-person-ssd; 0 for a classifier.")]
ColourMap = Annotated[str, typer.Option(help="Matplotlib colour map of the heat, such as jet.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random draws.")]
Classes = Annotated[list[str] | None, typer.Option("--class", help="Only this class; may be repeated.")]
Methods = Annotated[list[str] | None, typer.Option(
    "--method", metavar="METHOD[:SETTING=VALUE,...]",
    help="Attribution method, with or without settings; may be repeated. Default: hirescam (drise for a plain "
         "callable). 'detcam methods' lists all. smoothgrad+METHOD averages another method over noisy copies, as in "
         "smoothgrad+hirescam:samples=8; so do smoothgrad_squared and vargrad.")]
Layers = Annotated[list[str] | None, typer.Option(
    "--layer", help="depth (default: the box's own level fused with shallower layers), auto (its own level alone) or a "
                    "layer's name; several are fused.")]
ReferenceFile = Annotated[Path | None, typer.Option(
    "--reference", help="Well-placed boxes to compare the edges with, from scripts/validate_numbers.py "
                        "--reference-out.")]
UseEdges = Annotated[bool, typer.Option(help="Measure the evidence on each edge: four backward passes a box.")]
Annotations = Annotated[Path, typer.Option(
    help="True boxes: COCO's instances.json, YOLO's data.yaml, or Pascal VOC's folder of XML files.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON on standard output.")]


@dataclass(frozen=True)
class DetectorOptions:
    """Which detector, and how it is run."""

    model: Model = SHIPPED
    weights: Annotated[Path | None, typer.Option(help="State dict to load into a model of torchvision's.")] = None
    class_names: Annotated[Path | None, typer.Option(
        help="Class names of a model of torchvision's, one a line, from label 1 on; of a classifier from 0.")] = None
    head: Annotated[Head | None, typer.Option(help="Head of an end-to-end YOLO. Default: the one that predict runs."
                                              )] = None
    imgsz: Annotated[str | None, typer.Option(
        help="Canvas size of a YOLO or RT-DETR, 640 or HEIGHTxWIDTH. Default: the checkpoint's.")] = None
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps.")] = "cpu"
    score_activation: Annotated[Activation | None, typer.Option(
        help="How an SSD turns logits into scores. Default: softmax.")] = None
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Load a pickled checkpoint by running the code in it.")
                      ] = False
    top_k: Annotated[int | None, typer.Option(min=1, help="How many classes of a classifier are explained. Default: 5."
                                              )] = None

    def load(self) -> Detector:
        """:func:`detcam.load`, whatever goes wrong as one of detcam's errors, and nothing printed to stdout.

        Raises:
            InputError: an option is not what was expected, does not fit the model, or there is no such device.
            DetectorError: the model cannot be loaded.
        """
        size = canvas_size(self.imgsz)
        from detcam.detectors.for_torchvision.light_import import import_torchvision

        import_torchvision()
        from detcam.cli.loading import loaded

        return loaded(self.model, self.device, weights=self.weights, class_names=self.class_names,
                      head=self.head and self.head.value, imgsz=size, unsafe=self.unsafe,
                      score_activation=self.score_activation and self.score_activation.value, top_k=self.top_k)

    @property
    def words(self) -> str:
        """What the model is called in tables."""
        return self.model if self.weights is None else f"{self.model} with {self.weights.name}"


@dataclass(frozen=True)
class MethodOptions:
    """How the boxes are explained."""

    method: Methods = None
    layer: Layers = None
    target: Annotated[str, typer.Option(
        help="logit, probability, margin (over the runner-up or the background), objectness where there is one, left, "
             "top, right, bottom, width or height.")] = "logit"
    samples: Annotated[int | None, typer.Option(
        min=1, max=10000, help="SmoothGrad and its variants: noisy copies; D-RISE: masks.")] = None
    noise: Annotated[float | None, typer.Option(
        min=0, max=1, help="SmoothGrad and its variants: noise, as a share of the pixel range.")] = None
    steps: Annotated[int | None, typer.Option(min=1, max=10000, help="Integrated gradients of all kinds: steps.")
                     ] = None
    baseline: Annotated[str | None, typer.Option(
        help="Integrated gradients, occlusion: what replaces the photograph: black, white, grey, mean or blur.")] = None
    seed: Seed = 0

    @property
    def settings(self) -> dict[str, Any]:
        """Settings for all methods that take them; None for those that were not given."""
        return {"samples": self.samples, "noise": self.noise, "steps": self.steps, "baseline": self.baseline}

    def chosen(self, default: str | None = None) -> list[Method] | None:
        """The methods that are named, or the default one; None without either.

        Raises:
            InputError: there is no such method, or none takes a setting that was given.
        """
        words = self.method or ([default] if default else [])
        return chosen_methods(words, self.settings) if words else None

    def chosen_or_all(self) -> list[Method]:
        """The methods that are named, or every one with few passes.

        Raises:
            InputError: there is no such method, or none takes a setting that was given.
        """
        return self.chosen() or quick_methods(self.settings)


@dataclass(frozen=True)
class DiagnosisOptions:
    """How detections are joined to true boxes, and what is measured of them."""

    classes: Classes = None
    method: Annotated[list[str] | None, typer.Option(
        "--method", metavar="METHOD[:SETTING=VALUE,...]",
        help="Method whose heatmaps are measured, as in detcam explain; of several the first.")] = None
    layer: Layers = None
    min_score: MinScore = None
    edges: UseEdges = True
    intervene: Annotated[bool, typer.Option(
        "--intervene", help="Occlude what looks like a shortcut, and control regions beside it, and read the box "
                            "again: about 15 forward passes a box.")] = False
    fill: Annotated[str, typer.Option(help="What occludes a region: blur, grey or inpaint.")] = "grey"
    reference: ReferenceFile = None
    seed: Seed = 0

    def keywords(self) -> dict[str, Any]:
        """Keyword arguments of :func:`detcam.diagnose`, without the classes.

        Raises:
            InputError: an option is not what was expected.
        """
        if self.reference is not None and not self.edges:
            raise InputError("--reference needs --edges")
        from detcam.attribution.layers.names import DEPTH
        from detcam.diagnosis.interventions.fills import check_fill
        from detcam.measures.reference import load_reference

        check_fill(self.fill)
        return {"method": chosen_methods(self.method, {}) if self.method else None, "layer": self.layer or DEPTH,
                "min_score": self.min_score, "edges": self.edges, "intervene": self.intervene, "fill": self.fill,
                "reference": None if self.reference is None else load_reference(self.reference), "seed": self.seed}


@dataclass(frozen=True)
class DataOptions:
    """Photographs with true boxes that a script measures."""

    images: Annotated[Path, typer.Option(help="Folder of photographs.")]
    annotations: Annotations
    classes: Annotated[list[str] | None, typer.Option("--class", help="Class that is measured; may be repeated. "
                                                                      "Default: person.")] = None
    min_score: Annotated[float, typer.Option(callback=_checked_score, help="Detections with a score above this.")
                         ] = 0.25
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many photographs with true boxes.")] = None

    @property
    def wanted(self) -> list[str]:
        """The classes that are measured."""
        return self.classes or ["person"]

    def read(self) -> DataSet:
        """The data set.

        Raises:
            DataError: it cannot be read.
        """
        from detcam.datasets.formats import read_data_set

        return read_data_set(self.annotations, self.images)

    def photographs(self, data: DataSet) -> list[GroundTruth]:
        """Its photographs with an object of the classes that are measured."""
        return [each for each in data.photographs
                if any(len(each.of_class(name)) for name in self.wanted)][:self.limit]
