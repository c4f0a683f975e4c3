"""Which maps are faithful? Insertion, deletion and heat on masks of any method at any layer, against knowing nothing.

    python scripts/measure_methods.py --images val/images --annotations val/instances.json --model yolov8n.pt \\
      --map hirescam@auto --map hirescam@auto+model.9 --map smoothgrad:samples=8~8px --json methods.json
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from detcam.attribution.inputs.baselines import BASELINES
from detcam.attribution.target import get_target
from detcam.cli.console import note_failures, progress_bar
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import DataOptions, DetectorOptions
from detcam.cli.reports import ReportOptions, markdown_table, plain, print_lines, write_text
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.diagnosis.classes import check_classes
from detcam.diagnosis.interventions.copies import CHUNK
from detcam.errors import DataError, InputError, near
from detcam.evaluation.faithfulness import STEPS
from detcam.evaluation.map_comparison import Plan, Row, compare_maps
from detcam.evaluation.map_spec import FORMAT, GAUSSIAN, MapSpec, check_map_spec, read_map_spec
from detcam.evaluation.map_summary import PARTS, RESAMPLES, map_table, photographs_of, summarise_maps
from detcam.interruption import Interrupted

SCHEMA, DIGITS = 1, 5
MAPS = ("gaussian", "random", "hirescam@auto", "gradcam@auto", "gradient~8px", "smoothgrad:samples=8~8px")


@grouped
def main(
    where: Annotated[DataOptions, Part(("images", "annotations", "min_score"))], options: DetectorOptions,
    files: ReportOptions,
    maps: Annotated[list[str] | None, typer.Option("--map", help=f"{FORMAT}, or gaussian, random, random-pixels; "
                                                   "repeatable. @auto is the box's own level.")] = None,
    against: Annotated[list[str] | None, typer.Option(
        help="A map that the others are compared with, object by object; repeatable.")] = None,
    class_name: Annotated[str, typer.Option("--class", help="The class of the objects.")] = "person",
    objects: Annotated[int, typer.Option("--objects-per-photograph", min=1,
                                         help="At most so many, drawn by the seed.")] = 1,
    target: Annotated[str, typer.Option(help="What the maps explain.")] = "logit",
    baselines: Annotated[list[str] | None, typer.Option(
        "--baseline", help="What takes a pixel's place: blur, mean; repeatable.")] = None,
    steps: Annotated[int, typer.Option(min=2, help="Steps of the curves, from 1 % of the pixels to all.")] = STEPS,
    chunk: Annotated[int, typer.Option(min=1, help="Masked canvases in one forward pass.")] = CHUNK,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many photographs, drawn by the seed.")] = None,
    part: Annotated[str, typer.Option(help="choose: a half of the photographs; confirm: the other.")] = "all",
    resamples: Annotated[int, typer.Option(min=100, help="How often the photographs are drawn.")] = RESAMPLES,
    seed: Annotated[int, typer.Option(help="Where draws, noise and random maps start from.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what the JSON file holds already.")] = False,
) -> None:
    """Print how faithful each map is, with the intervals that resampling photographs gives."""
    json_file = files.json_file
    plan = Plan(class_name, where.min_score, objects, get_target(target).name, _known(baselines or list(BASELINES)),
                steps, chunk, seed)
    specs = [read_map_spec(words) for words in dict.fromkeys(maps or MAPS)]
    if json_file is None and resume:
        raise InputError("--resume needs --json: the file to go on with")
    files.check()
    data = where.read()
    photographs = photographs_of(data.photographs, class_name, seed, part)[:limit]
    detector = options.load()
    check_classes(detector, data, [class_name])
    for spec in specs:
        check_map_spec(spec, detector)
    settings = {"detector": detector.name, "architecture": detector.architecture, "weights": detector.fingerprint,
                "images": where.images.name, **{key: value for key, value in asdict(plan).items() if key != "chunk"}}
    rows = _held(json_file, settings) if resume and json_file is not None and json_file.exists() else []
    record = Record(json_file, settings, rows)
    interrupted = _measure(detector, photographs, specs, plan, record)
    wanted = {each.words for each in specs}
    _report(record, [row for row in record.rows if row["map"] in wanted], data.photographs, part,
            [GAUSSIAN] if against is None else against, resamples, seed, interrupted, files.markdown)


class Record:
    """What was measured so far, and the file that it is kept in."""

    def __init__(self, path: Path | None, settings: dict[str, Any], rows: list[Row]) -> None:
        self.path, self.settings, self.rows = path, settings, rows
        self.failures: dict[str, str] = {}

    def holds(self, photograph: str, words: str) -> bool:
        """Whether a map of a photograph is there already."""
        return any(row["photograph"] == photograph and row["map"] == words for row in self.rows)

    def write(self, **more: Any) -> None:
        """Write everything, whole or not at all."""
        if self.path is None:
            return
        columns = list(self.rows[0]) if self.rows else []
        head = {"schema_version": SCHEMA, **self.settings, "failures": self.failures, **more, "columns": columns}
        lines = [json.dumps([plain(row[column], DIGITS) for column in columns]) for row in self.rows]
        words = json.dumps(plain(head, DIGITS), indent=1)[:-2] + ',\n "rows": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n"
        write_text(self.path, words)


def _known(baselines: Sequence[str]) -> tuple[str, ...]:
    for name in baselines:
        if name not in BASELINES:
            raise InputError(f"--baseline {name!r}: {near(name, BASELINES)}")
    return tuple(dict.fromkeys(baselines))


def _held(path: Path, settings: dict[str, Any]) -> list[Row]:
    """The rows of an earlier run.

    Raises:
        DataError: the file is none of this script's, or holds another measurement.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = [dict(zip(content["columns"], row, strict=True)) for row in content["rows"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: cannot go on with it ({type(error).__name__}: {error}); name another file") from None
    for key, value in plain(settings, DIGITS).items():
        if content.get(key) != value:
            raise DataError(f"{path}: was measured with {key} {content.get(key)!r}, not {value!r}; name another file")
    return rows


def _measure(detector: Detector, photographs: list[GroundTruth], specs: list[MapSpec], plan: Plan, record: Record
             ) -> bool:
    """Fill the record, photograph by photograph; whether the user stopped it."""
    with progress_bar() as progress:
        task = progress.add_task("measuring", total=len(photographs))
        try:
            for rows in compare_maps(detector, photographs, specs, plan, record.failures, record.holds):
                record.rows += rows
                progress.advance(task)
                if rows:
                    record.write(complete=False)
        except KeyboardInterrupt:
            return True
    return False


def _report(record: Record, rows: list[Row], data: Sequence[GroundTruth], part: str, against: list[str],
            resamples: int, seed: int, interrupted: bool, markdown: Path | None) -> None:
    if not rows:
        raise DataError(f"no {record.settings['class_name']} was found and measured; "
                        + (next(iter(record.failures.values())) if record.failures else "is --min-score too high?"))
    baselines = record.settings["baselines"]
    summary = {}
    for name in PARTS:
        names = {each.file.name for each in photographs_of(data, record.settings["class_name"], seed, name)}
        own = [row for row in rows if row["photograph"] in names]
        summary[name] = summarise_maps(own, baselines, against, resamples, seed)
    record.write(complete=not interrupted, resamples=resamples, against=against, summary=summary)
    lines = map_table(summary[part], baselines, against)
    print_lines(lines, f"{record.settings['detector']}: {summary[part][0]['objects']} objects on "
                       f"{summary[part][0]['photographs']} photographs",
                "Insertion and deletion of the box's own score, as shares of it. In square brackets what 95 % of draws "
                "of the photographs give.")
    if markdown is not None:
        write_text(markdown, markdown_table(lines))
    note_failures(record.failures.items(), len(data))
    if interrupted:
        raise Interrupted("the table holds what is finished; --resume continues")
    if record.failures:
        raise typer.Exit(1)
