"""The training recipe in small: it learns, resumes bit for bit, and an interruption costs at most one checkpoint."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torchvision.models.detection._utils import BoxCoder

from detcam.cli.commands.train import persons_of
from detcam.detectors.for_torchvision.person_ssd import build_person_ssd
from detcam.errors import DataError
from detcam.training.augment import paste
from detcam.training.batches import BatchMaker, TrainingPicture
from detcam.training.calibration import shift_scores
from detcam.training.checkpoint import load_training_state
from detcam.training.loop import RecipeError, Trainer
from detcam.training.recipe import Recipe
from detcam.training.samples import Sample, load_samples, split_photographs
from detcam.training.targets import assign, merge_persons

PHOTOGRAPHS = 6
SMALL: dict[str, Any] = {
    "side": 144,
    "batch": 4,
    "warmup": 4,
    "learning_rate": 3e-3,
    "final_learning_rate": 3e-3,
    "average_decay": 0.7,
}


def _draw_photograph(number: int) -> tuple[Image.Image, list[float]]:
    """Grey noise with one upright figure of a head and a body: `(photograph, [left, top, right, bottom])`."""
    random = np.random.default_rng(number)
    picture = Image.fromarray(random.integers(90, 130, (140, 160, 3), dtype=np.uint8))
    left, top = int(random.integers(5, 80)), int(random.integers(5, 30))
    width, height = int(random.integers(30, 50)), int(random.integers(80, 100))
    pen, middle = ImageDraw.Draw(picture), left + width // 2
    pen.ellipse([middle - 9, top, middle + 9, top + 20], fill=(240, 190, 160))
    pen.rectangle([left, top + 20, left + width, top + height], fill=(200, 30, 40))
    return picture, [left, top, left + width, top + height]


@pytest.fixture(scope="module")
def coco_set(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("figures")
    (folder / "images").mkdir()
    images, annotations = [], []
    for number in range(PHOTOGRAPHS):
        picture, (left, top, right, bottom) = _draw_photograph(number)
        picture.save(folder / "images" / f"{number}.png")
        source = "drawn first" if number == 0 else "drawn later"
        images.append(
            {"id": number, "file_name": f"{number}.png", "width": 160, "height": 140, "source": source}
        )
        box = [left, top, right - left, bottom - top]
        outline = [left, top + 20, right, top + 20, right, bottom, left, bottom]  # the body without the head
        annotation = {"id": number + 1, "image_id": number, "category_id": 1, "bbox": box, "iscrowd": 0}
        annotations.append(annotation | {"segmentation": [outline]})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    (folder / "instances.json").write_text(json.dumps(content))
    return folder / "images", folder / "instances.json"


@pytest.fixture(scope="module")
def samples(coco_set: tuple[Path, Path]) -> list[Sample]:
    return load_samples(persons_of(*coco_set))


def _trainer(samples: list[Sample], folder: Path, steps: int, **changes: Any) -> Trainer:
    torch.manual_seed(0)
    recipe = Recipe(steps=steps, **(SMALL | changes))
    return Trainer(build_person_ssd(weights=None), recipe, samples, folder)


class _Interrupted(Exception):
    pass


def _interrupt_after(trainer: Trainer, step: int) -> None:
    """Make the trainer fail instead of taking the step after `step`, as a power cut would."""
    ordinary = trainer.train_step

    def train_step() -> dict[str, float]:
        if trainer.step == step:
            raise _Interrupted
        return ordinary()

    trainer.train_step = train_step  # type: ignore[method-assign]
    with pytest.raises(_Interrupted):
        trainer.run()


def test_twenty_steps_lower_the_loss(samples: list[Sample], tmp_path: Path) -> None:
    trainer = _trainer(samples, tmp_path, steps=20, augment=False, log_every=1)
    trainer.run()
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert len(losses) == 20
    assert sum(losses[-3:]) < 0.5 * sum(losses[:3])


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(samples: list[Sample], tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 6, "checkpoint_every": 3}
    _trainer(samples, tmp_path / "whole", **settings).run()
    _interrupt_after(_trainer(samples, tmp_path / "resumed", **settings), step=5)
    resumed = _trainer(samples, tmp_path / "resumed", **settings)
    assert resumed.step == 3
    resumed.run()
    whole, again = load_training_state(tmp_path / "whole"), load_training_state(tmp_path / "resumed")
    assert whole is not None
    assert again is not None
    for part in ("student", "average"):
        assert whole[part].keys() == again[part].keys()
        for name, tensor in whole[part].items():
            assert torch.equal(tensor, again[part][name]), f"{part}: {name}"
    assert whole["optimiser"]["state"]
    for number, state in whole["optimiser"]["state"].items():
        for name, tensor in state.items():
            assert torch.equal(tensor, again["optimiser"]["state"][number][name])


def test_an_interruption_costs_at_most_one_checkpoint(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = _trainer(samples, tmp_path, steps=6, checkpoint_every=2)

    def half_written(state: Any, file: Any) -> None:
        if state["step"] == 4:
            file.write(b"half a checkpoint")
            raise _Interrupted
        torch_save(state, file)

    torch_save = torch.save
    monkeypatch.setattr(torch, "save", half_written)
    with pytest.raises(_Interrupted):
        trainer.run()
    monkeypatch.undo()
    assert trainer.step == 4
    assert _trainer(samples, tmp_path, steps=6, checkpoint_every=2).step == 2


def test_the_log_of_a_resumed_run_repeats_no_step(samples: list[Sample], tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 4, "checkpoint_every": 2, "log_every": 1}
    _interrupt_after(_trainer(samples, tmp_path, **settings), step=3)
    _trainer(samples, tmp_path, **settings).run()
    steps = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4]


def test_other_settings_do_not_continue_a_checkpoint(samples: list[Sample], tmp_path: Path) -> None:
    _trainer(samples, tmp_path, steps=1).run()
    with pytest.raises(RecipeError, match="learning_rate"):
        _trainer(samples, tmp_path, steps=1, learning_rate=1e-4)


def test_written_weights_make_the_same_detector_to_half_precision(samples: list[Sample], tmp_path: Path) -> None:
    trainer = _trainer(samples, tmp_path, steps=2)
    trainer.run()
    trainer.write_weights(tmp_path / "weights.safetensors")
    loaded = build_person_ssd(tmp_path / "weights.safetensors").state_dict()
    for name, tensor in trainer.averaged_ssd().state_dict().items():
        torch.testing.assert_close(loaded[name], tensor, rtol=1e-3, atol=1e-6)


def test_coco_and_yolo_formats_give_the_same_samples(coco_set: tuple[Path, Path], tmp_path: Path) -> None:
    images, annotations = coco_set
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for truth in persons_of(images, annotations):
        left, top, right, bottom = truth.boxes[0].tolist()
        shares = [(left + right) / 320, (top + bottom) / 280, (right - left) / 160, (bottom - top) / 140]
        (tmp_path / "images" / truth.file.name).write_bytes(truth.file.read_bytes())
        (tmp_path / "labels" / f"{truth.file.stem}.txt").write_text("0 " + " ".join(f"{each:.8f}" for each in shares))
    (tmp_path / "data.yaml").write_text("names: [person]\n")
    pairs = zip(persons_of(images, annotations), persons_of(tmp_path / "images", tmp_path / "data.yaml"), strict=True)
    for coco, yolo in pairs:
        assert coco.file.name == yolo.file.name
        a, b = load_samples([coco, yolo])
        torch.testing.assert_close(a.boxes, b.boxes, rtol=0, atol=1e-3)
        assert torch.equal(a.pixels, b.pixels)


def test_a_data_set_without_persons_and_a_damaged_photograph_are_clear_errors(
    coco_set: tuple[Path, Path], tmp_path: Path
) -> None:
    content = json.loads(coco_set[1].read_text())
    content["categories"][0]["name"] = "cat"
    (tmp_path / "cats.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="knows no class 'person'; it knows cat"):
        persons_of(coco_set[0], tmp_path / "cats.json")
    broken = replace(persons_of(*coco_set)[0], file=tmp_path / "broken.jpg")
    broken.file.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"broken\.jpg: cannot be decoded"):
        load_samples([broken])


def test_held_out_photographs_are_not_trained_on(coco_set: tuple[Path, Path]) -> None:
    training, held_out = split_photographs(persons_of(*coco_set), held_out=2, seed=0)
    assert len(training) == PHOTOGRAPHS - 2
    assert {truth.file for truth in training}.isdisjoint(truth.file for truth in held_out)


def test_a_mirrored_picture_keeps_its_boxes_on_its_figure(samples: list[Sample]) -> None:
    maker = BatchMaker(samples, side=300, batch=1, seed=0)
    picture = maker(0)
    plain = TrainingPicture((picture.pixels[0] * 255).byte(), picture.boxes[0], None)
    mirrored = plain.mirrored()
    for boxed in (plain, mirrored):
        left, top, right, bottom = boxed.boxes[0].round().int().tolist()
        red = boxed.pixels[0, (top + bottom) // 2].float() - boxed.pixels[1, (top + bottom) // 2]
        columns = torch.nonzero(red > 100).flatten()
        assert abs(int(columns.min()) - left) <= 3
        assert abs(int(columns.max()) - right) <= 3


def test_a_source_is_drawn_as_often_as_asked(coco_set: tuple[Path, Path]) -> None:
    photographs = persons_of(*coco_set)
    repeated = load_samples(photographs, {"drawn first": 3})
    assert len(repeated) == PHOTOGRAPHS + 2
    assert all(sample is repeated[0] for sample in repeated[:3])
    with pytest.raises(DataError, match=r"no photograph comes from 'drawn frist'.*drawn first"):
        load_samples(photographs, {"drawn frist": 3})


def test_a_pasted_person_is_where_its_box_says(samples: list[Sample]) -> None:
    """The cutouts are the red bodies: on black, what is red after pasting is the new box, and nothing else is."""
    assert samples
    assert all(len(sample.cutouts) == 1 for sample in samples)
    black, hidden = torch.zeros(3, 100, 100, dtype=torch.uint8), 0
    full = torch.tensor([[0.0, 0.0, 100.0, 100.0], [40.0, 40.0, 60.0, 60.0]])
    for seed in range(40):
        torch.manual_seed(seed)
        pixels, boxes = paste(black, full, samples[seed % PHOTOGRAPHS].cutouts[0])
        red = (pixels[0] > 100).nonzero()
        found = torch.cat([red.amin(0).flip(0), red.amax(0).flip(0) + 1])
        assert (found - boxes[-1]).abs().max() <= 2  # the cutout's edge is softened
        share = (pixels[0, 40:60, 40:60] > 100).float().mean().item()
        kept = any(torch.equal(box, full[1]) for box in boxes[:-1])
        assert kept if share < 0.6 else not kept or share < 0.8
        hidden += not kept
    assert 0 < hidden < 40


def test_matching_gives_every_person_a_default_box_and_encodes_it() -> None:
    default = torch.tensor([[0.0, 0.0, 40.0, 80.0], [50.0, 0.0, 90.0, 80.0], [0.0, 0.0, 200.0, 200.0]])
    persons = torch.tensor([[2.0, 0.0, 42.0, 80.0], [50.0, 10.0, 60.0, 20.0]])  # the second overlaps none by half
    coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
    targets = assign(persons, torch.tensor([1.0, 0.3]), default, coder)
    torch.testing.assert_close(targets.scores, torch.tensor([1.0, 0.3, 0.0]))
    decoded = coder.decode_single(targets.deltas[:2], default[:2])
    torch.testing.assert_close(decoded, persons, rtol=0, atol=1e-3)


def test_agreement_of_annotation_and_teacher_scores_highest() -> None:
    annotated = torch.tensor([[0.0, 0.0, 10.0, 20.0], [50.0, 0.0, 60.0, 20.0]])
    seen = torch.tensor([[0.0, 0.0, 10.0, 19.0], [80.0, 0.0, 90.0, 20.0]])
    boxes, scores = merge_persons(annotated, seen, torch.tensor([0.9, 0.4]))
    torch.testing.assert_close(boxes, torch.cat([annotated, seen[1:]]))
    torch.testing.assert_close(scores, torch.tensor([0.96, 0.6, 0.4]))


def test_moved_scores_move_alike_and_put_the_chosen_one_at_one_half() -> None:
    torch.manual_seed(0)
    detector = build_person_ssd(weights=None)
    features = list(detector.backbone(torch.rand(1, 3, 300, 300)).values())
    before = detector.head(features)["cls_logits"].softmax(dim=-1)[0, :, 1]
    chosen = before[123].item()
    shift_scores(detector, chosen)
    after = detector.head(features)["cls_logits"].softmax(dim=-1)[0, :, 1]
    assert after[123].item() == pytest.approx(0.5, abs=1e-4)
    shift = (after.logit() - before.logit()).detach()
    torch.testing.assert_close(shift, shift.mean().expand_as(shift), rtol=0, atol=1e-3)
