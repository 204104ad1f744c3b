#!/usr/bin/python3
"""Writes metrics.json: predictions, targets and the values that scikit-learn gives them.

Made with Debian 12's python3-sklearn 1.2.1 and python3-numpy 1.24.2. Run again: the file must not
change. Doubles are written as repr does, so they come back bit by bit.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.preprocessing import label_binarize

random = np.random.default_rng(20240229)
BINS = 15


def brier(p, y):
    if p.shape[1] == 2:
        return metrics.brier_score_loss(y, p[:, 1])
    # The library has the binary score only; over labels it is the sum of theirs (Brier 1950).
    return sum(metrics.brier_score_loss(y == k, p[:, k]) for k in range(p.shape[1]))


def ece(p, y):
    # Not in the library: bins (k/15, (k+1)/15] of the top probability, by numpy's digitize.
    top, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.digitize(top, np.arange(1, BINS) / BINS, right=True)
    return sum(abs(right[bins == b].mean() - top[bins == b].mean()) * (bins == b).mean()
               for b in np.unique(bins))


def classification(name, p, y):
    labels = p.shape[1]
    top = p.argmax(axis=1)
    if labels == 2:
        roc = metrics.roc_auc_score(y, p[:, 1])
        pr = metrics.average_precision_score(y, p[:, 1])
    else:
        roc = metrics.roc_auc_score(y, p, multi_class="ovr", average="macro")
        pr = metrics.average_precision_score(label_binarize(y, classes=range(labels)), p,
                                             average="macro")
    return {
        "name": name, "predictions": p.tolist(), "targets": y.tolist(),
        "expected": {
            "accuracy": metrics.accuracy_score(y, top),
            "macro_f1": metrics.f1_score(y, top, average="macro"),
            "mcc": metrics.matthews_corrcoef(y, top),
            "roc_auc": roc, "pr_auc": pr, "brier": brier(p, y), "ece": ece(p, y),
        },
    }


def regression(name, p, y):
    return {
        "name": name, "predictions": p.reshape(-1, 1).tolist(), "targets": y.tolist(),
        "expected": {
            "rmse": metrics.mean_squared_error(y, p, squared=False),
            "mae": metrics.mean_absolute_error(y, p),
            "r2": metrics.r2_score(y, p),
        },
    }


def probabilities(records, labels, y, sharpness, digits=None):
    scores = random.normal(size=(records, labels))
    scores[np.arange(records), y] += sharpness
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    if digits is not None:  # coarse scores tie with one another
        p = np.round(p, digits)
        p[:, -1] = 1 - p[:, :-1].sum(axis=1)
    return p


def labels_of(records, labels, skew):
    share = np.arange(1, labels + 1) ** float(skew)
    y = random.choice(labels, records, p=share / share.sum())
    y[:labels] = np.arange(labels)
    return y


def cases():
    y = labels_of(60, 2, 0)
    yield classification("two labels", probabilities(60, 2, y, 1), y)
    y = labels_of(80, 2, 2)
    yield classification("two labels, many ties", probabilities(80, 2, y, 1, 1), y)
    y = labels_of(70, 4, 1)
    yield classification("four labels", probabilities(70, 4, y, 1), y)
    y = labels_of(90, 3, 2)
    p = probabilities(90, 3, y, 1.5)
    p = np.round(p * 8) / 8  # eighths are exact: rows sum to 1, or are mended below
    p[:, 2] = np.clip(1 - p[:, 0] - p[:, 1], 0, 1)
    p /= p.sum(axis=1, keepdims=True)
    yield classification("three labels, many ties", p, y)
    y = labels_of(40, 3, 0)
    p = np.eye(3)[y]
    yield classification("all right", p, y)
    yield classification("all wrong", np.roll(p, 1, axis=1), y)
    y = labels_of(30, 2, 0)
    yield classification("one score for all", np.tile([0.25, 0.75], (30, 1)), y)
    # Top probabilities on the edges of the bins.
    p = np.array([[k / 15, 1 - k / 15] for k in range(16)] * 2)
    yield classification("bin edges", p, (np.arange(32) % 3 == 0).astype(int))
    y = random.normal(size=50)
    yield regression("close", y + 0.1 * random.normal(size=50), y)
    yield regression("worse than the mean", -y, y)
    yield regression("far from zero", 1e6 + y + 0.1, 1e6 + y)
    yield regression("exact", y, y)


def main():
    made = {"made_with": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
            "cases": list(cases())}
    for case in made["cases"]:
        case["expected"] = {name: None if value is None else float(value)
                            for name, value in case["expected"].items()}
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps(made, indent=None, separators=(",", ":")).replace(
        '{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
