"""``detcam compare``: two detectors on the same data, audited where they are not yet, and what changed between them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detcam.audits.journal import is_audit
from detcam.cli.commands.audit import Batch, KeepHeatmaps, check_folder, watched_audit, write_summary
from detcam.cli.console import note
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import DetectorOptions, DiagnosisOptions
from detcam.errors import DataError, InputError, printable

if TYPE_CHECKING:
    from detcam.audits.finished import Finished
    from detcam.datasets.ground_truth import DataSet
    from detcam.detectors.base import Detector

NAME = "comparison.json"
OWN = ("weights", "class_names", "head", "imgsz", "score_activation")  # options of each of the two models


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    Attributes:
        name: the model in the user's words, or the folder of a finished audit.
        detector: None for a finished audit.
    """

    name: str
    detector: Detector | None


@grouped
def compare(
    model_a: Annotated[str, typer.Argument(help="The model before: what --model takes elsewhere, or the folder of a "
                                                "finished audit.")],
    model_b: Annotated[str, typer.Argument(help="The model after, likewise.")],
    own_a: Annotated[DetectorOptions, Part(OWN, of="a")], own_b: Annotated[DetectorOptions, Part(OWN, of="b")],
    both: Annotated[DetectorOptions, Part(("device", "unsafe"))], how: DiagnosisOptions,
    images: Annotated[Path | None, typer.Option(help="The folder of photographs.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="True boxes, as in detcam audit.")] = None,
    heatmaps: KeepHeatmaps = True, batch: Batch = None,
    out: Annotated[Path, typer.Option(
        help="Output folder: both audits, a and b, which are resumed where they were interrupted, and the comparison.")
        ] = Path("compare"),
) -> None:
    """Compare two detectors on the same data: what became better, what worse, and how attention changed there."""
    asked = [replace(own, model=model, device=both.device, unsafe=both.unsafe)
             for model, own in ((model_a, own_a), (model_b, own_b))]
    finished = [is_audit(model) for model in (model_a, model_b)]
    _check(asked, finished, how, images, annotations)

    from detcam.datasets.formats import read_data_set

    options = how.keywords() | {"classes": how.classes, "heatmaps": heatmaps, "batch": batch}
    data = None if annotations is None else read_data_set(annotations, images, partial=True)
    sides = [Side(one.words, None if done else one.load()) for one, done in zip(asked, finished, strict=True)]
    raise typer.Exit(compare_sides(sides, data, out, options))


def _check(asked: Sequence[DetectorOptions], finished: Sequence[bool], how: DiagnosisOptions, images: Path | None,
           annotations: Path | None) -> None:
    """See that the options go with what is compared.

    Raises:
        InputError: they do not.
    """
    for letter, one, done in zip("ab", asked, finished, strict=True):
        if done and replace(one, device="cpu", unsafe=False) != DetectorOptions(one.model):
            raise InputError(f"{one.model} is a finished audit: the options ending in -{letter} do not go with it")
    if all(finished) and (images or annotations or how != DiagnosisOptions()):
        raise InputError("both are finished audits: nothing but --out goes with them")
    if not all(finished) and (images is None or annotations is None):
        raise InputError(f"{asked[1 if finished[0] else 0].model} is a model: it needs --images and --annotations")
    if images is not None:
        check_folder(images)


def compare_sides(sides: Sequence[Side], data: DataSet | None, out: Path, options: dict[str, Any]) -> int:
    """Audit what is not audited yet, compare and report; the exit code: 0, or 1 where photographs failed in either.

    Args:
        sides: A and B.
        data: the data set, where there is a detector.
        out: the folder for both audits, ``a`` and ``b``, and the comparison.
        options: further keyword arguments of :func:`detcam.audits.audit.audit`; ``classes`` and ``min_score`` may be
            None for what both sides share.

    Raises:
        DataError: the two are not of the same data, classes and minimum score, or no photograph is done in both.
        InputError: the detectors share no class or no threshold.
        Interrupted: the user stopped it; the same command resumes it.
    """
    from rich.console import Console

    from detcam.audits.comparison import LETTERS, compare
    from detcam.audits.finished import check_alike
    from detcam.cli.tables import print_comparison
    from detcam.store.files import output_folder, written_whole
    from detcam.views.audit.comparison_page import save_comparison

    output_folder(out)
    options = options | _shared(sides, data, options) if data is not None else options
    first, second = (_settings(side, data, options) for side in sides)
    check_alike(first, second, (sides[0].name, sides[1].name))
    audits = [_audited(side, data, out / letter, options) for letter, side in zip(LETTERS, sides, strict=True)]
    summary = compare(*audits)
    with written_whole(out / NAME) as file:
        file.write(json.dumps(summary, indent=1, allow_nan=False).encode())
    figure = save_comparison(summary, out)
    print_comparison(summary, Console())
    print(f"{NAME} and {figure.name} are in {printable(str(out))}")
    return 1 if any(one.failed for one in audits) else 0


def _shared(sides: Sequence[Side], data: DataSet, options: dict[str, Any]) -> dict[str, Any]:
    """The classes and the minimum score, where the user leaves them open: a finished audit's, or what both share."""
    known = [_settings(side, data, options) for side in sides if side.detector is None]
    detectors = [side.detector for side in sides if side.detector is not None]
    return {"classes": options["classes"] or _shared_classes(known, detectors, data),
            "min_score": _shared_score(known, detectors) if options["min_score"] is None else options["min_score"]}


def _shared_classes(known: Sequence[dict[str, Any]], detectors: Sequence[Detector], data: DataSet) -> list[str]:
    words = [set(each["classes"]) for each in known] + [set(each.class_names.values()) for each in detectors]
    classes = [name for name in data.class_names if all(name in each for each in words)]
    if not classes:
        raise InputError(f"the annotations know {', '.join(data.class_names[:5]) or 'no class'}, and not both "
                         "detectors one of them: the same words are needed on all sides")
    return classes


def _shared_score(known: Sequence[dict[str, Any]], detectors: Sequence[Detector]) -> float:
    limits = {each["min_score"] for each in known} or {each.min_score for each in detectors}
    if len(limits) > 1:
        raise InputError(f"the detectors count boxes above {' and '.join(map(str, sorted(limits)))}: give one "
                         "--min-score for both")
    return float(limits.pop())


def _settings(side: Side, data: DataSet | None, options: dict[str, Any]) -> dict[str, Any]:
    """What the rows of a side's audit depend on."""
    from detcam.audits.audit import settings_of
    from detcam.audits.finished import read_finished

    if side.detector is None or data is None:
        return read_finished(Path(side.name)).settings
    own = {name: value for name, value in options.items() if name not in ("classes", "heatmaps", "batch")}
    found = settings_of(side.detector, data, options["classes"], own, options.get("heatmaps", True))
    return dict(json.loads(json.dumps(found)))


def _audited(side: Side, data: DataSet | None, folder: Path, options: dict[str, Any]) -> Finished:
    """A side's finished audit, run if need be."""
    from detcam.audits.audit import names_of
    from detcam.audits.finished import read_finished

    if side.detector is None or data is None:
        return read_finished(Path(side.name))
    words = f"{folder.name.upper()}: {side.name}"
    if is_audit(folder):
        try:
            found = read_finished(folder, side.name)
        except DataError:  # it is resumed
            pass
        else:
            if found.settings == _settings(side, data, options) and set(found.photographs) == set(
                    names_of(data.photographs)):
                note(f"{words}: done before")
                return found
    note(words)
    outcome = watched_audit(side.detector, data, folder, options)
    write_summary(outcome, folder)
    return read_finished(folder, side.name)
