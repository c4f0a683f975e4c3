"""The training loop of one stage: resumable, on CPU or one GPU."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.models.detection.ssd import SSD

from detcam.audits.average_precision import cases_of, evaluate
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.for_torchvision.person_ssd import PERSON, save_person_weights
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.errors import DetcamError
from detcam.training.augment import Augmentation
from detcam.training.batches import PICTURE_SIDE, BatchMaker, TrainingBatch, derived_seed
from detcam.training.checkpoint import load_training_state, save_training_state
from detcam.training.log import StageLog
from detcam.training.losses import detection_loss, distillation_loss, weighted_sum
from detcam.training.parallel import average_gradients, join_processes
from detcam.training.recipe import Recipe
from detcam.training.samples import Sample
from detcam.training.student import Student, default_boxes, on_canvas
from detcam.training.targets import batch_targets
from detcam.training.teacher import Teacher

GRADIENT_NORM = 10.0  # gradients with a larger norm are scaled down; only the first steps reach it


class RecipeError(DetcamError):
    """A recipe does not fit the checkpoint that it should continue, or cannot be trained."""


class Trainer:
    """Trains one stage. A checkpoint in ``folder`` is resumed.

    Args:
        ssd: the network, in training.
        recipe: the settings of the stage.
        samples: the training photographs of this process.
        folder: for the checkpoint and the log.
        start_from: the folder of the stage whose weights this one starts with; None starts with those of ``ssd``.
        held_out: photographs on which AP50 is measured for the log.
        teacher: for distillation; None trains on the annotations alone.
        device: such as ``"cpu"`` or ``"cuda"``.
        report: called with every line of the log.

    Raises:
        RecipeError: the checkpoint was made with other settings, ``start_from`` has no checkpoint, or the processes
            cannot share the batch equally.
    """

    def __init__(
        self,
        ssd: SSD,
        recipe: Recipe,
        samples: Sequence[Sample],
        folder: Path,
        *,
        start_from: Path | None = None,
        held_out: Sequence[GroundTruth] = (),
        teacher: Teacher | None = None,
        device: str = "cpu",
        report: Callable[[dict[str, Any]], None] = lambda line: None,
    ) -> None:
        self.recipe, self.folder, self.held_out = recipe, folder, held_out
        self.device, self.log = torch.device(device), StageLog(folder, report)
        self.rank, self.processes = join_processes()
        torch.manual_seed(recipe.seed)
        self.student = Student(ssd).to(self.device).to(memory_format=torch.channels_last).train()
        average = get_ema_multi_avg_fn(recipe.average_decay)
        self.average = AveragedModel(self.student, multi_avg_fn=average, use_buffers=True)
        self.optimiser = torch.optim.AdamW(self._parameter_groups(), lr=recipe.learning_rate)
        self.boxes = default_boxes(ssd, recipe.side).cpu()
        self.batches = self._batch_maker(samples, teacher)
        self.step, self.seconds = 0, 0.0
        if not self._resume() and start_from is not None:
            self._start_from(start_from)

    def _batch_maker(self, samples: Sequence[Sample], teacher: Teacher | None) -> BatchMaker:
        recipe = self.recipe
        if recipe.batch % self.processes:
            raise RecipeError(f"{self.processes} processes cannot share a batch of {recipe.batch} equally")
        share, seed = recipe.batch // self.processes, derived_seed(recipe.seed, self.rank)
        shares = (recipe.mosaic_share, recipe.whole_share, recipe.paste_share)
        augmentation = Augmentation(PICTURE_SIDE, *shares) if recipe.augment else None
        return BatchMaker(samples, recipe.side, share, seed, teacher, augmentation, recipe.crop_uses)

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Weight decay for convolution weights only, not for biases and batch norm."""
        decayed = [parameter for parameter in self.student.parameters() if parameter.ndim > 1]
        others = [parameter for parameter in self.student.parameters() if parameter.ndim <= 1]
        return [{"params": decayed, "weight_decay": self.recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]

    def _start_from(self, folder: Path) -> None:
        state = load_training_state(folder)
        if state is None:
            raise RecipeError(f"no checkpoint of an earlier stage in {folder}")
        self.student.load_state_dict(state["student"])
        self.average.load_state_dict(state["average"])

    def _resume(self) -> bool:
        state = load_training_state(self.folder)
        if state is None:
            return False
        if state["recipe"] != self.recipe.as_dict():
            changed = [key for key, value in self.recipe.as_dict().items() if state["recipe"].get(key) != value]
            raise RecipeError(f"{self.folder} was trained with other settings ({', '.join(changed)}): use a new folder")
        self.student.load_state_dict(state["student"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.log.rewind(self.step)
        return True

    def save(self) -> None:
        """Write a checkpoint of all that the next step depends on; random numbers follow from seed and step."""
        state = {
            "recipe": self.recipe.as_dict(),
            "student": self.student.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        save_training_state(self.folder, state)

    def loss(self, batch: TrainingBatch) -> dict[str, Tensor]:
        """The parts of the loss of one batch by name, each a scalar."""
        with torch.autocast(self.device.type, torch.bfloat16):
            answers = self.student(batch.pixels.to(self.device), distil=batch.views is not None)
        targets = batch_targets(batch.boxes, batch.views, self.boxes, self.student.ssd.box_coder)
        scores, deltas = targets.scores.to(self.device), targets.deltas.to(self.device)
        score, box = detection_loss(answers.cls_logits, answers.deltas, scores, deltas)
        parts = {"score": score, "box": box}
        if batch.views is not None:
            levels = zip(*(view.class_logits for view in batch.views), strict=True)
            teacher_maps = [torch.stack(level).to(self.device).float() for level in levels]
            parts["distil"] = distillation_loss(answers.class_maps, teacher_maps)
        return parts

    def train_step(self) -> dict[str, float]:
        """Make one optimiser step.

        Returns:
            The loss and its parts by name.

        Raises:
            RecipeError: the loss is not finite.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate_at(self.step)
        parts = self.loss(self.batches(self.step))
        total = weighted_sum(parts, self.recipe.loss_weights)
        if not torch.isfinite(total):
            raise RecipeError(f"the loss is {total.item()} at step {self.step}: lower the learning rate")
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        average_gradients(self.student.parameters(), self.processes)
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), GRADIENT_NORM)
        self.optimiser.step()
        self.average.update_parameters(self.student)
        self.step += 1
        return {"loss": total.item()} | {name: part.item() for name, part in parts.items()}

    def run(self) -> None:
        """Train to the last step of the recipe, with checkpoints, a log, and AP50 on the held-out photographs."""
        while self.step < self.recipe.steps:
            started = time.monotonic()
            losses = self.train_step()
            self.seconds += time.monotonic() - started
            if self.rank > 0:
                continue
            if self._due(self.recipe.log_every):
                self._log({name: round(value, 4) for name, value in losses.items()})
            if self._due(self.recipe.checkpoint_every):
                self.save()
            if self.held_out and self._due(self.recipe.evaluate_every):
                ssd = on_canvas(self.averaged_ssd(), self.recipe.side)
                figures = evaluate(cases_of(SSDDetector(ssd, PERSON), self.held_out, PERSON[1]), draws=0)
                self._log({f"AP50 {figure.heights}": round(figure.ap50, 4) for figure in figures})

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.recipe.steps

    def _log(self, values: dict[str, Any]) -> None:
        self.log.write(self.step, self.seconds, values)

    def averaged_ssd(self) -> SSD:
        """The SSD with averaged weights, in evaluation mode: the result of the training."""
        ssd: SSD = self.average.module.ssd
        return ssd.eval()

    def write_weights(self, path: Path) -> None:
        """Write the averaged weights as safetensors in half precision."""
        save_person_weights(self.averaged_ssd(), path)
