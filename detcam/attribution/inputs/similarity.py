"""D-RISE's similarity between a detection and what a detector says about a changed photograph."""

import torch
from torch import Tensor

from detcam.detectors.prediction import Prediction


def similarities(prediction: Prediction, boxes: Tensor, profiles: Tensor, labels: list[int]) -> Tensor:
    """Petsiuk et al. 2021, eq. 1 and 3: the largest ``IoU * cosine * objectness`` of any row, ``[N, B]``.

    The cosine is that of the rows' class probabilities. Heads without an objectness of their own, as SSD's and
    YOLO's since v8, say by the largest of those how surely there is an object: that takes its place.

    Args:
        prediction: of ``B`` changed canvases.
        boxes: ``[N, 4]`` xyxy, canvas pixels: the detections.
        profiles: ``[N, C]`` their class probabilities on the photograph itself, one column for each of ``labels``.
        labels: the columns of the classes; the background is none.
    """
    from torchvision.ops import box_iou  # imported late: torchvision sets environment variables

    found = []
    unit = torch.nn.functional.normalize(profiles, dim=1)
    for rows, scores in prediction.boxes_and_scores(labels):
        cosine = unit @ torch.nn.functional.normalize(scores, dim=1).T
        found.append((box_iou(boxes, rows) * cosine * scores.amax(1)).amax(1))
    return torch.stack(found, 1)
