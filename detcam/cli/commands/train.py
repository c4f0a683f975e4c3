"""``scripts/train_person_detector.py``: a stage of the training recipe."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console

from detcam.audits.average_precision import Case, cases_of, evaluate
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.for_torchvision.person_ssd import PERSON, build_person_ssd, save_person_weights
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.errors import DataError, InputError
from detcam.training.calibration import recentre_scores
from detcam.training.loop import Trainer
from detcam.training.parallel import join_processes
from detcam.training.recipe import Recipe
from detcam.training.samples import load_samples, split_photographs
from detcam.training.teacher import Teacher, load_teacher

DEFAULT_DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def train(
    images: Annotated[Path, typer.Option(help="Folder of photographs.")],
    annotations: Annotated[Path, typer.Option(help="COCO instances.json, YOLO data.yaml or VOC folder.")],
    output: Annotated[Path, typer.Option(help="Folder of the stage: checkpoint, log, weights and figures.")],
    steps: Annotated[int, typer.Option(help="Optimiser steps of this stage.")],
    side: Annotated[int, typer.Option(help="Canvas in pixels; smaller ones train faster.")] = 300,
    batch: Annotated[int, typer.Option(help="Pictures a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate of AdamW.")] = 2e-3,
    final_learning_rate: Annotated[float | None, typer.Option(help="At the last step; default: no decay.")] = None,
    decay_from: Annotated[int, typer.Option(help="Step from which the learning rate falls.")] = 0,
    warmup: Annotated[int, typer.Option(help="Steps in which the learning rate rises.")] = 150,
    score_weight: Annotated[float, typer.Option(help="Weight of the person scores in the loss.")] = 2.0,
    box_weight: Annotated[float, typer.Option(help="Weight of the boxes in the loss.")] = 0.4,
    distil_weight: Annotated[float, typer.Option(help="Weight of the teacher's class maps in the loss.")] = 2.0,
    average_decay: Annotated[float, typer.Option(help="Decay a step of the moving average of the weights.")] = 0.998,
    start_from: Annotated[Path | None, typer.Option(help="Folder of an earlier stage to begin with.")] = None,
    teacher: Annotated[Path | None, typer.Option(help="Python file with build(weights) of a sigmoid COCO SSD.")] = None,
    teacher_weights: Annotated[Path | None, typer.Option(help="The weights that its build() takes.")] = None,
    least_score: Annotated[float, typer.Option(help="Of the teacher's persons that the student hears of.")] = 0.5,
    held_out: Annotated[int, typer.Option(help="Photographs kept from training for the AP in the log.")] = 150,
    only: Annotated[int | None, typer.Option(help="Train on this many photographs only.")] = None,
    crop_uses: Annotated[int, typer.Option(help="Passes through the data that share a photograph's crop.")] = 1,
    augment: Annotated[bool, typer.Option(help="Crops, mosaics, flips and colours.")] = True,
    mosaic_share: Annotated[float, typer.Option(help="Of the pictures, made of four photographs each.")] = 0.15,
    whole_share: Annotated[float, typer.Option(help="Of the others, whole photographs instead of crops.")] = 0.2,
    paste_share: Annotated[float, typer.Option(help="Of all pictures, with masked persons pasted onto them.")] = 0.0,
    repeat: Annotated[
        list[str] | None, typer.Option(help="SOURCE=TIMES: draw photographs of this COCO source more often.")
    ] = None,
    evaluate_every: Annotated[int, typer.Option(help="Steps between evaluations.")] = 300,
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 50,
    recentre: Annotated[
        bool, typer.Option(help="Move the scores: best F1 on the held-out photographs at 0.5.")
    ] = False,
    test_images: Annotated[Path | None, typer.Option(help="Photographs never trained on, for the figures.")] = None,
    test_annotations: Annotated[Path | None, typer.Option(help="Their annotations, in any of these formats.")] = None,
    seed: Annotated[int, typer.Option(help="Of the split, the first weights and every batch.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = DEFAULT_DEVICE,
) -> None:
    """Train one stage of the person detector. The same command again goes on after an interruption."""
    recipe = Recipe(
        steps=steps,
        side=side,
        batch=batch,
        learning_rate=learning_rate,
        final_learning_rate=learning_rate if final_learning_rate is None else final_learning_rate,
        decay_from=decay_from,
        warmup=warmup,
        score_weight=score_weight,
        box_weight=box_weight,
        distil_weight=distil_weight,
        average_decay=average_decay,
        augment=augment,
        mosaic_share=mosaic_share,
        whole_share=whole_share,
        paste_share=paste_share,
        crop_uses=crop_uses,
        evaluate_every=evaluate_every,
        checkpoint_every=checkpoint_every,
        seed=seed,
    )
    train_stage(
        recipe,
        persons_of(images, annotations),
        output,
        start_from=start_from,
        teacher=_teacher(teacher, teacher_weights, least_score, device),
        held_out=held_out,
        only=only,
        repeats=_repeats(repeat or []),
        test=_test_set(test_images, test_annotations),
        recentre=recentre,
        device=device,
    )


def _teacher(module: Path | None, weights: Path | None, least_score: float, device: str) -> Teacher | None:
    if module is None and weights is None:
        return None
    if module is None or weights is None:
        raise InputError("--teacher and --teacher-weights go together")
    return Teacher(load_teacher(module, weights), least_score, device=device)


def _repeats(options: Sequence[str]) -> dict[str, int]:
    repeats = {}
    for option in options:
        source, _, times = option.rpartition("=")
        if not source or not times.isdigit() or int(times) < 1:
            raise InputError(f"--repeat {option!r}: expected SOURCE=TIMES, such as 'COCO train2017=4'")
        repeats[source] = int(times)
    return repeats


def persons_of(images: Path, annotations: Path) -> list[GroundTruth]:
    """The persons of every photograph of a data set.

    Raises:
        DataError: it cannot be read, or knows no class `person`.
    """
    data, name = read_data_set(annotations, images), PERSON[1]
    if name not in data.class_names:
        raise DataError(f"{annotations} knows no class {name!r}; it knows {', '.join(data.class_names)}")
    return [truth.of_class(name) for truth in data.photographs]


def _test_set(images: Path | None, annotations: Path | None) -> list[GroundTruth]:
    if images is None and annotations is None:
        return []
    if images is None or annotations is None:
        raise InputError("--test-images and --test-annotations go together")
    return persons_of(images, annotations)


def train_stage(
    recipe: Recipe,
    photographs: list[GroundTruth],
    output: Path,
    *,
    start_from: Path | None = None,
    teacher: Teacher | None = None,
    held_out: int = 150,
    only: int | None = None,
    repeats: Mapping[str, int] | None = None,
    test: Sequence[GroundTruth] = (),
    recentre: bool = False,
    device: str = DEFAULT_DEVICE,
) -> None:
    """Run one stage and write `weights.safetensors` and `figures.json` into `output`."""
    console = Console()
    training, kept = split_photographs(photographs, held_out, recipe.seed)
    rank, processes = join_processes()
    samples = load_samples(training[:only][rank::processes], repeats)
    console.print(f"process {rank} trains on {len(samples)} photographs; {len(kept)} are held out")
    torch.manual_seed(recipe.seed)
    trainer = Trainer(
        build_person_ssd(weights=None),
        recipe,
        samples,
        output,
        start_from=start_from,
        held_out=kept,
        teacher=teacher,
        device=device,
        report=lambda line: console.print(json.dumps(line), highlight=False, soft_wrap=True),
    )
    trainer.run()
    if trainer.rank == 0:
        trainer.write_weights(output / "weights.safetensors")
        if recentre:
            recentre_weights(output / "weights.safetensors", kept)
        write_figures(output, recipe, trainer.seconds, {"held_out": kept, "test": test})


def _persons_found(path: Path, photographs: Sequence[GroundTruth]) -> list[Case]:
    return cases_of(SSDDetector(build_person_ssd(path), PERSON), photographs, PERSON[1])


def recentre_weights(path: Path, held_out: Sequence[GroundTruth]) -> None:
    """Move the scores of written weights so that 0.5 is where F1 on the held-out photographs is highest."""
    ssd = build_person_ssd(path)
    recentre_scores(ssd, _persons_found(path, held_out))
    save_person_weights(ssd, path)


def write_figures(output: Path, recipe: Recipe, seconds: float, sets: dict[str, Sequence[GroundTruth]]) -> None:
    """Evaluate the weights as they were written, on every set, into `figures.json` of the stage's folder."""
    content: dict[str, Any] = {"recipe": recipe.as_dict(), "seconds": round(seconds)}
    for name, photographs in sets.items():
        cases = _persons_found(output / "weights.safetensors", photographs)
        content[name] = [figure.as_json() for figure in evaluate(cases)] if cases else []
    (output / "figures.json").write_text(json.dumps(content, indent=2) + "\n")
