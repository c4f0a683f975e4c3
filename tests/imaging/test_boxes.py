"""Signed errors of edges, by hand and edge by edge."""

import numpy as np

from detcam.imaging.boxes import outward


def test_outward_by_hand() -> None:
    """A box that reaches 3 px too far left, 2 px too low at the top, 1 px short on the right, and 4 px below."""
    found, true = np.array([[7.0, 22, 49, 84]]), np.array([[10.0, 20, 50, 80]])
    assert outward(found, true).tolist() == [[3, -2, -1, 4]]
    assert outward(true, true).tolist() == [[0, 0, 0, 0]]
    assert outward(found[0], true[0]).tolist() == [3, -2, -1, 4]


def test_outward_edge_by_edge() -> None:
    generator = np.random.default_rng(0)
    found, true = generator.uniform(0, 100, (2, 50, 4))
    slow = []
    for box, other in zip(found.tolist(), true.tolist(), strict=True):
        left, top, right, bottom = box
        true_left, true_top, true_right, true_bottom = other
        slow.append([true_left - left, true_top - top, right - true_right, bottom - true_bottom])
    np.testing.assert_allclose(outward(found, true), slow, atol=1e-12)
