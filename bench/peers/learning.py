"""One epoch of scikit-learn's MLPClassifier, as rows of JSON: the peer of bench/learning.cc.

10,000 records of 8 features, 4 labels, hidden layers 32 and 16, batches of 200, Adam, double
precision, one thread. Run with the Python that has scikit-learn. An epoch is the difference between
a fit of 11 epochs and one of 1, so that set-up does not count; the median of several.
"""

import json
import os
import statistics
import time
import warnings

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
import sklearn  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

RECORDS, FEATURES, LABELS, BATCH = 10_000, 8, 4, 200
REPEATS, EPOCHS = 9, 10


def problem():
    random = np.random.default_rng(7)
    features = random.uniform(-1, 1, (RECORDS, FEATURES))
    scores = np.tanh(features @ random.normal(size=(FEATURES, LABELS)) * 2)
    return features, np.argmax(scores + 0.3 * random.normal(size=scores.shape), axis=1)


def seconds_of(features, labels, epochs):
    model = MLPClassifier((32, 16), solver="adam", batch_size=BATCH, max_iter=epochs, alpha=0,
                          tol=0, n_iter_no_change=epochs + 1, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        model.fit(features, labels)
        return time.perf_counter() - start


def main():
    features, labels = problem()
    seconds_of(features, labels, 1)
    epochs = [
        (seconds_of(features, labels, EPOCHS + 1) - seconds_of(features, labels, 1)) / EPOCHS
        for _ in range(REPEATS)
    ]
    print(json.dumps({"name": "mlp_epoch", "value": round(1e3 * statistics.median(epochs), 4),
                      "unit": "ms", "peer": f"scikit-learn {sklearn.__version__}"}))


if __name__ == "__main__":
    main()
