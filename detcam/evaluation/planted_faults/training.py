"""Teaches a detector: first what persons are, from sound pictures, then its kind, from that kind's pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection.ssd import SSD
from torchvision.ops import sigmoid_focal_loss

from detcam.evaluation.planted_faults import kinds
from detcam.evaluation.planted_faults.kinds import KINDS, training_picture, training_scene
from detcam.evaluation.planted_faults.network import default_boxes_of, fault_ssd
from detcam.evaluation.planted_faults.stock import stock_of
from detcam.training.calibration import shift_scores
from detcam.training.losses import box_loss, person_logit
from detcam.training.targets import assign

BATCH = 32
FOCUS = 1.5  # the focal loss's gamma: the published 2 tells distractors from persons more slowly
SHIFTED = 0.36  # the score that becomes 0.5: from about there on, more boxes are right than wrong
CLIP = 5.0  # the gradient's norm at most


@dataclass(frozen=True)
class Lesson:
    """What is learned from, and how fast.

    Attributes:
        kind: of the pictures.
        steps: batches.
        uses: how often every picture is seen.
        rate: the highest learning rate of AdamW.
    """

    kind: str
    steps: int
    uses: int
    rate: float


BASE = Lesson(kinds.BASE, steps=600, uses=3, rate=4e-3)
LESSONS = {kind: Lesson(kind, steps=150, uses=2, rate=2e-3) for kind in KINDS}
for harder in ("left_half", "background"):
    LESSONS[harder] = Lesson(harder, steps=400, uses=2, rate=4e-3)


def corner_of(seed: int) -> int:
    """The corner of a seed's logo."""
    return seed % 4


def base_weights(seed: int) -> dict[str, Tensor]:
    """A detector of persons to start from."""
    model = fault_ssd(seed)
    _train(model, BASE, seed, number=0)
    return model.state_dict()


def trained_weights(kind: str, seed: int, base: dict[str, Tensor]) -> dict[str, Tensor]:
    """The detector of a kind."""
    model = fault_ssd(seed)
    model.load_state_dict(base)
    _train(model, LESSONS[kind], seed, number=1 + KINDS.index(kind))
    shift_scores(model, SHIFTED)
    return model.state_dict()


def _train(model: SSD, lesson: Lesson, seed: int, number: int) -> None:
    """Train in place; ``number`` makes the lesson's random numbers its own."""
    random = np.random.default_rng([seed, number])
    default_boxes = default_boxes_of(model)
    pixels, scores, deltas = _pictures(model, lesson, random, seed, default_boxes)
    order = np.concatenate([random.permutation(len(pixels)) for _ in range(lesson.uses)])
    parameters = list(model.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=lesson.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lesson.rate, total_steps=lesson.steps, pct_start=0.15)
    model.train()
    with _one_thread():
        for step in range(lesson.steps):
            rows = torch.from_numpy(order[step * BATCH : (step + 1) * BATCH])
            loss = _loss(model, pixels[rows].float() / 255, scores[rows], deltas[rows])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, CLIP)
            optimiser.step()
            schedule.step()
    model.eval()


def _pictures(model: SSD, lesson: Lesson, random: np.random.Generator, seed: int, default_boxes: Tensor
              ) -> tuple[Tensor, Tensor, Tensor]:
    """A lesson's pictures uint8 ``[P, 3, SIDE, SIDE]``, and each row's true score ``[P, A]`` and box ``[P, A, 4]``."""
    stock, pixels, scores, deltas = stock_of("train"), [], [], []
    for _ in range(lesson.steps * BATCH // lesson.uses):
        scene = training_scene(lesson.kind, random, stock, corner_of(seed))
        rgb, boxes = training_picture(lesson.kind, scene, stock)
        persons = torch.from_numpy(boxes).float()
        target = assign(persons, torch.ones(len(persons)), default_boxes, model.box_coder)
        pixels.append(torch.from_numpy(rgb).permute(2, 0, 1))
        scores.append(target.scores)
        deltas.append(target.deltas)
    return torch.stack(pixels), torch.stack(scores), torch.stack(deltas)


def _loss(model: SSD, pixels: Tensor, scores: Tensor, deltas: Tensor) -> Tensor:
    """Focal loss of the scores and smooth L1 of the boxes, for each row that is a person's."""
    with torch.autocast("cpu", torch.bfloat16):
        answers = model.head(list(model.backbone((pixels - 0.5) / 0.25).values()))
    logits = person_logit(answers["cls_logits"].float())
    focal = 2 * sigmoid_focal_loss(logits, scores, alpha=0.5, gamma=FOCUS, reduction="sum")
    return (focal + box_loss(answers["bbox_regression"].float(), deltas, scores)) / scores.sum().clamp(min=1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread, so that the outcome does not depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
