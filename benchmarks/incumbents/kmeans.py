"""Two clusters of recent shapes per model, many models that must agree, in the manner of Netdata's agent."""

from collections import deque

import numpy as np

from benchmarks.incumbents.incumbent import LEAST, Incumbent, filled, steps_in
from detector.model import Floats

HOUR = 3_600.0
# Netdata's defaults: difference, mean of 3, 6 values in a row; trained on 6 hours, anew every 3, 18 models kept.
SMOOTH, LAGS = 3, 6
TRAIN_SECONDS, EVERY_SECONDS = 6 * HOUR, 3 * HOUR
MODELS = 18
CLUSTERS, ITERATIONS = 2, 12
QUANTILE = 0.99
# The anomaly rate of a window is what alerts look at: so many points, and this share of them.
WINDOW, RATE = 15, 0.5


def score(values: Floats, times: Floats) -> Floats:
    """Return the share of a window's points that all models find far from their clusters, over the usual share.

    Source: learn.netdata.cloud, "Machine learning and anomaly detection", from its description.
    """
    shapes = _shapes(filled(values))
    every, train = steps_in(EVERY_SECONDS, times), steps_in(TRAIN_SECONDS, times)
    anomalous = np.zeros(values.shape)
    models: deque[tuple[Floats, Floats]] = deque(maxlen=MODELS)
    for begin in range(every, values.shape[1], every):
        known = shapes[:, max(0, begin - train) : begin]
        if known.shape[1] > 4 * LAGS:
            models.append(_train(known))
        ahead = shapes[:, begin : begin + every]
        anomalous[:, begin : begin + every] = _beyond(ahead, models)
    return _rate(np.where(np.isfinite(values), anomalous, 0.0)) / RATE


def _shapes(held: Floats) -> Floats:
    """Return the newest smoothed differences at each column; shape (series, columns, LAGS)."""
    change = np.diff(held, axis=1, prepend=held[:, :1])
    padded = np.pad(change, ((0, 0), (SMOOTH + LAGS - 2, 0)))
    smooth = np.lib.stride_tricks.sliding_window_view(padded, SMOOTH, axis=1).mean(2)
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(smooth, LAGS, axis=1))


def _train(shapes: Floats) -> tuple[Floats, Floats]:
    """Return the clusters' centres, shape (series, clusters, LAGS), and the usual greatest distance, (series,)."""
    size = np.abs(shapes).sum(2)
    order = np.argsort(size, axis=1)
    begin = np.stack([order[:, order.shape[1] // 4], order[:, -1]], axis=1)
    centres = np.take_along_axis(shapes, begin[..., None], 1)
    for _ in range(ITERATIONS):
        nearest = _distances(shapes, centres).argmin(2)
        for each in range(CLUSTERS):
            mine = (nearest == each)[..., None]
            count = mine.sum(1)
            mean = (shapes * mine).sum(1) / np.maximum(count, 1)
            centres[:, each] = np.where(count > 0, mean, centres[:, each])
    return centres, np.quantile(_distances(shapes, centres).min(2), QUANTILE, axis=1) + LEAST


def _distances(shapes: Floats, centres: Floats) -> Floats:
    """Return each shape's distance from each centre; shape (series, columns, clusters)."""
    return np.asarray(np.sqrt(((shapes[:, :, None, :] - centres[:, None, :, :]) ** 2).sum(3)))


def _beyond(shapes: Floats, models: deque[tuple[Floats, Floats]]) -> Floats:
    """Return 1 where every model finds a shape too far from its centres, else 0; shape (series, columns)."""
    result = np.ones(shapes.shape[:2]) if models else np.zeros(shapes.shape[:2])
    for centres, usual in models:
        result *= _distances(shapes, centres).min(2) > usual[:, None]
    return result


def _rate(anomalous: Floats) -> Floats:
    padded = np.pad(anomalous, ((0, 0), (WINDOW - 1, 0)))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=1).mean(2))


KMEANS = Incumbent("k-means", "k-means of recent shapes, like Netdata's (re-implementation)", score)
