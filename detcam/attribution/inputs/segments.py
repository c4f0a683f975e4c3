"""Segments of a photograph at several scales."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detcam.errors import MethodError

SCALES = (50, 100, 150, 250, 500, 1200)  # this and the numbers below are from XRAI's authors' code
SIGMA = 0.8
SIDE = 224  # pixels; the size for which the scales and the least size are chosen
LEAST = 150  # pixels of a segment, at that size


def segments_of(photograph: NDArray[np.floating], dilation: int) -> list[NDArray[np.bool_]]:
    """Felzenszwalb and Huttenlocher's segments at six scales; those of different scales overlap.

    Args:
        photograph: floats ``[h, w, 3]``, of any range, which is scaled to -1..1 first.
        dilation: radius in pixels by which every segment is enlarged, so that it contains its own edges.

    Returns:
        ``[h, w]`` each, True in the segment.

    Raises:
        MethodError: scikit-image is not installed.
    """
    try:
        from skimage.segmentation import felzenszwalb  # an optional dependency
        from skimage.transform import resize
    except ImportError:
        raise MethodError("method 'xrai' needs scikit-image for its segments: pip install 'detcam[xrai]'") from None
    low, high = float(photograph.min()), float(photograph.max())
    stretched = (photograph - low) / max(high - low, np.finfo(np.float32).tiny) * 2 - 1
    small = resize(stretched, (SIDE, SIDE), order=3, mode="constant", preserve_range=True, anti_aliasing=True)
    disc = _disc(dilation)
    masks = []
    for scale in SCALES:
        labels = felzenszwalb(small, scale=scale, sigma=SIGMA, min_size=LEAST)
        whole = resize(labels, photograph.shape[:2], order=0, mode="constant", preserve_range=True,
                       anti_aliasing=False).astype(int)
        masks += [cv2.dilate((whole == label).astype(np.uint8), disc) > 0 for label in np.unique(whole)]
    return masks


def _disc(radius: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (x * x + y * y <= radius * radius).astype(np.uint8)
