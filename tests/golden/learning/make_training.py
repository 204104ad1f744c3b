#!/usr/bin/python3
"""Writes training.json: problems, and the models that scikit-learn fits to them.

Made with Debian 12's python3-sklearn 1.2.1 and python3-numpy 1.24.2. Run again: the file must not
change. Features have three decimals, so that the file is short and exact.
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor

random = np.random.default_rng(20240301)


def features(records, columns):
    return np.round(random.uniform(-1, 1, (records, columns)), 3)


def linear_models():
    x = features(200, 4)
    y = np.round(x @ [1, -2, 0.5, 0] + 0.3 + 0.2 * random.normal(size=200), 3)
    # Ours is the mean loss + l2/2 |w|², the library's the sum + alpha/2 |w|²: alpha = records · l2.
    for kind, l2, model in (("linear", 0, LinearRegression()), ("ridge", 0.1, Ridge(alpha=20))):
        model.fit(x, y)
        yield {"kind": kind, "l2": l2, "features": x.tolist(), "targets": y.tolist(),
               "weights": model.coef_.reshape(1, -1).T.tolist(), "bias": [model.intercept_]}


def logistic_models():
    for labels in (2, 3):
        x = features(200, 4)
        scores = 2 * x @ random.normal(size=(4, labels)) + random.normal(size=(200, labels))
        y = scores.argmax(axis=1)
        model = LogisticRegression(C=1 / (200 * 0.02), multi_class="multinomial",
                                   solver="newton-cg", tol=1e-7, max_iter=100_000).fit(x, y)
        weights, bias = model.coef_.T, model.intercept_
        if labels == 2:  # the library keeps one of the two symmetric columns, its softmax is (-w, w)
            weights, bias = np.hstack([-weights, weights]), np.hstack([-bias, bias])
        yield {"kind": "logistic", "l2": 0.02, "features": x.tolist(), "targets": y.tolist(),
               "weights": weights.tolist(), "bias": bias.tolist()}


def rings(records):
    # Three rings around the origin: nothing that a linear model could part.
    x = features(records, 2)
    return x, np.digitize(np.hypot(*x.T) + 0.05 * random.normal(size=records), [0.5, 0.85])


def networks():
    x, y = rings(600)
    test_x, test_y = rings(400)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stops after max_iter on purpose
        scores = [MLPClassifier((16, 8), learning_rate_init=0.01, batch_size=32, alpha=0,
                                max_iter=60, random_state=seed).fit(x, y).score(test_x, test_y)
                  for seed in range(9)]
        value, test_value = np.sin(3 * x[:, 0]) * x[:, 1], np.sin(3 * test_x[:, 0]) * test_x[:, 1]
        fits = [MLPRegressor((16, 8), learning_rate_init=0.01, batch_size=32, alpha=0,
                             max_iter=60, random_state=seed).fit(x, value)
                .score(test_x, test_value) for seed in range(9)]
    return {"features": x.tolist(), "labels": y.tolist(), "values": value.tolist(),
            "test_features": test_x.tolist(), "test_labels": test_y.tolist(),
            "test_values": test_value.tolist(), "median_accuracy": float(np.median(scores)),
            "median_r2": float(np.median(fits))}


def main():
    made = {"made_with": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
            "convex": list(linear_models()) + list(logistic_models()), "network": networks()}
    path = pathlib.Path(__file__).with_name("training.json")
    path.write_text(json.dumps(made, separators=(",", ":")).replace('{"', '\n{"') + "\n")


if __name__ == "__main__":
    main()
