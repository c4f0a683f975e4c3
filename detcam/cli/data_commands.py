"""The commands about photographs with true boxes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from detcam.cli.options import (
    Activation,
    ClassNames,
    Device,
    Head,
    HeadChoice,
    ImageSize,
    Model,
    ScoreActivation,
    Unsafe,
    Weights,
    chosen_methods,
    load_detector,
)
from detcam.cli.terminal import report_interrupt
from detcam.detectors.loading.load import SHIPPED
from detcam.diagnosis.classes import shared_classes
from detcam.errors import InputError

Folder = Annotated[Path, typer.Argument(help="The folder of photographs.")]
Annotations = Annotated[Path, typer.Option(
    help="Their true boxes: COCO's instances.json, YOLO's data.yaml, or Pascal VOC's folder of XML files.")]
Classes = Annotated[list[str] | None, typer.Option("--class", help="The class in question; may be repeated.")]
Methods = Annotated[list[str] | None, typer.Option(
    "--method", metavar="METHOD[:SETTING=VALUE,...]", help="Whose heatmaps are measured, as detcam explain takes it; "
    "of several the first.")]
Layers = Annotated[list[str] | None, typer.Option("--layer", help="As detcam explain takes it.")]
MinScore = Annotated[float | None, typer.Option(help="Detections with a score above this, from 0 to 1: 0.25.")]
UseEdges = Annotated[bool, typer.Option(
    "--edges", help="Measure what each edge rests on: four backward passes a box.")]
Intervene = Annotated[bool, typer.Option(
    "--intervene", help="Hide what looks like a shortcut, beside control regions, and read the box again: about 15 "
                        "forward passes a box.")]
Fill = Annotated[str, typer.Option(help="What hides a region: blur, grey or inpaint.")]
ReferenceFile = Annotated[Path | None, typer.Option(
    "--reference", help="Sound boxes to compare with, from scripts/validate_numbers.py --reference-out.")]
KeepHeatmaps = Annotated[bool, typer.Option(help="Keep the raw heatmaps.")]
OwnWeights = Annotated[Path | None, typer.Option(help="As --weights elsewhere, of A or B alone.")]
OwnNames = Annotated[Path | None, typer.Option(help="As --class-names elsewhere, of A or B alone.")]
OwnHead = Annotated[Head | None, typer.Option(help="As --head elsewhere.")]
OwnSize = Annotated[str | None, typer.Option(help="As --imgsz elsewhere.")]
OwnActivation = Annotated[Activation | None, typer.Option(help="As --score-activation elsewhere.")]
Batch = Annotated[int | None, typer.Option(
    help="Photographs in one forward pass, where their canvases are of one size. None: 8 on a GPU, 1 elsewhere, where "
         "more are hardly faster.", min=1)]
Seed = Annotated[int, typer.Option(help="Where methods and controls draw from.", min=0)]


def audit(
    images: Folder, annotations: Annotations, model: Model = SHIPPED, weights: Weights = None,
    class_names: ClassNames = None, head: HeadChoice = None, imgsz: ImageSize = None, device: Device = "cpu",
    score_activation: ScoreActivation = None, unsafe: Unsafe = False, only: Classes = None, method: Methods = None,
    layer: Layers = None, min_score: MinScore = None, edges: UseEdges = False, intervene: Intervene = False,
    fill: Fill = "grey", reference: ReferenceFile = None,
    heatmaps: KeepHeatmaps = True, batch: Batch = None, seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Output folder; an audit that was interrupted there goes on.")] = Path(
        "audit"),
) -> None:
    """Audit a data set: a row a detection and a missed object, what is wrong, and how it goes with attention."""
    from detcam.cli.audit import audit_job
    from detcam.datasets.formats import read_data_set

    _check(min_score, fill, reference, edges)
    options = _options(method, layer, min_score, edges, intervene, fill, reference, seed)
    data = read_data_set(annotations, images, partial=True)
    with report_interrupt():
        detector = load_detector(model, weights, class_names, head, imgsz, device, score_activation, unsafe)
    classes = only or shared_classes(detector.class_names, data.class_names)
    raise typer.Exit(audit_job(detector, data, out,
                               options | {"classes": classes, "heatmaps": heatmaps, "batch": batch}))


def diagnose(
    images: Annotated[list[str], typer.Argument(help="Photographs, folders of them, or patterns.")],
    annotations: Annotations, model: Model = SHIPPED, weights: Weights = None, class_names: ClassNames = None,
    head: HeadChoice = None, imgsz: ImageSize = None, device: Device = "cpu",
    score_activation: ScoreActivation = None, unsafe: Unsafe = False, only: Classes = None, method: Methods = None,
    layer: Layers = None, min_score: MinScore = None,
    edges: Annotated[bool, typer.Option(help="Measure what each edge rests on.")] = True,
    intervene: Intervene = False, fill: Fill = "grey", reference: ReferenceFile = None, seed: Seed = 0,
    cmap: Annotated[str, typer.Option(help="Matplotlib colour map of the heat.")] = "inferno",
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("diagnoses"),
) -> None:
    """Say what is wrong with every box of a photograph, why objects were missed, and where the detector looked."""
    from detcam.cli.diagnose import annotated, diagnose_job
    from detcam.cli.photographs import collect
    from detcam.views.page.colours import colour_map

    colour_map(cmap)
    _check(min_score, fill, reference, edges)
    data = annotated(collect(images), annotations)
    options = _options(method, layer, min_score, edges, intervene, fill, reference, seed)
    with report_interrupt():
        detector = load_detector(model, weights, class_names, head, imgsz, device, score_activation, unsafe)
        classes = only or shared_classes(detector.class_names, data.class_names)
        raise typer.Exit(diagnose_job(detector, data, out, cmap, options | {"classes": classes}))


def compare(
    model_a: Annotated[str, typer.Argument(help="The one before: what --model takes elsewhere, or the folder of a "
                                                "finished audit.")],
    model_b: Annotated[str, typer.Argument(help="The one after, likewise.")],
    images: Annotated[Path | None, typer.Option(help="The folder of photographs.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="Their true boxes, as detcam audit takes them.")] = None,
    weights_a: OwnWeights = None, weights_b: OwnWeights = None, class_names_a: OwnNames = None,
    class_names_b: OwnNames = None, head_a: OwnHead = None, head_b: OwnHead = None, imgsz_a: OwnSize = None,
    imgsz_b: OwnSize = None, score_activation_a: OwnActivation = None, score_activation_b: OwnActivation = None,
    device: Device = "cpu", unsafe: Unsafe = False, only: Classes = None, method: Methods = None,
    layer: Layers = None, min_score: MinScore = None, edges: UseEdges = False, intervene: Intervene = False,
    fill: Fill = "grey", heatmaps: KeepHeatmaps = True, batch: Batch = None, seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Output folder: both audits, a and b, which go on where they were "
                                           "interrupted, and the comparison.")] = Path("compare"),
) -> None:
    """Compare two detectors on the same data: what became better, what worse, and how attention changed there."""
    from detcam.audits.finished import is_audit
    from detcam.cli.compare import Side, compare_job
    from detcam.datasets.formats import read_data_set

    _check(min_score, fill, None, edges)
    own = [(weights_a, class_names_a, head_a, imgsz_a, score_activation_a),
           (weights_b, class_names_b, head_b, imgsz_b, score_activation_b)]
    finished = [is_audit(word) for word in (model_a, model_b)]
    for letter, word, done, given in zip("ab", (model_a, model_b), finished, own, strict=True):
        if done and any(each is not None for each in given):
            raise InputError(f"{word} is a finished audit: the options ending in -{letter} do not go with it")
    if all(finished) and (images or annotations or only or method or layer or min_score is not None or edges
                          or intervene):
        raise InputError("both are finished audits: nothing but --out goes with them")
    if not all(finished) and (images is None or annotations is None):
        raise InputError(f"{model_b if finished[0] else model_a} is a model: it needs --images and --annotations")
    options = _options(method, layer, min_score, edges, intervene, fill, None, seed)
    data = None if annotations is None else read_data_set(annotations, images, partial=True)
    with report_interrupt():
        sides = [Side(_name(word, given[0]),
                      None if done else load_detector(word, *given[:4], device, given[4], unsafe))
                 for word, done, given in zip((model_a, model_b), finished, own, strict=True)]
    raise typer.Exit(compare_job(sides, data, out,
                                 options | {"classes": only, "heatmaps": heatmaps, "batch": batch}))


def _name(word: str, weights: Path | None) -> str:
    """What one of two models is called."""
    return word if weights is None else f"{word} with {weights.name}"


def _check(min_score: float | None, fill: str, reference: Path | None, edges: bool) -> None:
    """Refuse what cannot be meant before anything is loaded."""
    from detcam.diagnosis.interventions.fills import check_fill

    if min_score is not None and not 0 <= min_score < 1:
        raise InputError(f"--min-score {min_score}: expected a number from 0 to 1")
    check_fill(fill)
    if reference is not None and not edges:
        raise InputError("--reference needs --edges")


def _options(method: list[str] | None, layer: list[str] | None, min_score: float | None, edges: bool, intervene: bool,
             fill: str, reference: Path | None, seed: int) -> dict[str, Any]:
    """What a diagnosis takes, from the words of a command line."""
    from detcam.attribution.layers.names import DEPTH
    from detcam.measures.reference import load_reference

    return {"method": chosen_methods(method, {}) if method else None, "layer": layer or DEPTH, "min_score": min_score,
            "edges": edges, "intervene": intervene, "fill": fill,
            "reference": None if reference is None else load_reference(reference), "seed": seed}


