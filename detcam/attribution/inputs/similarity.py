"""D-RISE's similarity between a detection and the prediction for a changed photograph."""

import torch
from torch import Tensor

from detcam.detectors.prediction import Prediction


def similarities(prediction: Prediction, boxes: Tensor, profiles: Tensor, labels: list[int]) -> Tensor:
    """Petsiuk et al. 2021, eq. 1 and 3: the largest ``IoU * cosine * objectness`` of any row.

    The cosine is that of the class probabilities of the detection and of the row. For heads without an objectness, such
    as SSD's and YOLO's since v8, the row's largest class probability takes its place.

    Args:
        prediction: of ``B`` changed canvases.
        boxes: ``[N, 4]`` xyxy, canvas pixels: the detections.
        profiles: ``[N, C]`` their class probabilities on the unchanged photograph, one column for each of ``labels``.
        labels: the C class labels, without the background.

    Returns:
        ``[N, B]`` from 0 to 1.
    """
    from torchvision.ops import box_iou  # imported late: torchvision sets environment variables

    found = []
    unit = torch.nn.functional.normalize(profiles, dim=1)
    for rows, scores in prediction.boxes_and_scores(labels):
        cosine = unit @ torch.nn.functional.normalize(scores, dim=1).T
        found.append((box_iou(boxes, rows) * cosine * scores.amax(1)).amax(1))
    return torch.stack(found, 1)
