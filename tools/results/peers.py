"""scikit-learn on the records and folds of a job: the pooled numbers that a reader knows.

A job's records and folds come from `hanse data export JOB --seed N`, so that both sides learn from the same numbers and
test on the same records. No tuning: the library's defaults, with more iterations where its own warn.
"""
import csv
import io
import subprocess
import warnings

import numpy as np
from scipy import stats
from sklearn import ensemble, exceptions, linear_model, metrics, neural_network

warnings.filterwarnings("ignore", category=exceptions.ConvergenceWarning)

KEYS = ("site", "site_class", "group", "fold", "target")


class Table:
    """One repeat of a job: records, and in which fold each tests (0: in none, -1: not used)."""

    def __init__(self, text, labels):
        rows = list(csv.reader(io.StringIO(text)))
        at = {name: i for i, name in enumerate(rows[0][:len(KEYS)])}
        body = rows[1:]
        self.site = np.array([row[at["site"]] for row in body])
        self.group = np.array([row[at["group"]] for row in body])
        self.fold = np.array([int(row[at["fold"]] or -1) for row in body])
        self.target = np.array([labels.index(row[at["target"]]) if labels
                                else float(row[at["target"]]) for row in body])
        self.features = np.array([[float(x) for x in row[len(KEYS):]] for row in body])

    def folds(self):
        for fold in range(1, self.fold.max() + 1):
            yield (self.fold != fold) & (self.fold >= 0), self.fold == fold


def export(binary, job, seed, labels):
    done = subprocess.run([binary, "data", "export", job, "--seed", str(seed)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return Table(done.stdout, labels)


def models(regression, seed):
    if regression:
        return {"ridge": linear_model.Ridge(),
                "mlp": neural_network.MLPRegressor(random_state=seed, max_iter=500),
                "boosting": ensemble.HistGradientBoostingRegressor(random_state=seed)}
    return {"logistic": linear_model.LogisticRegression(max_iter=5000),
            "mlp": neural_network.MLPClassifier(random_state=seed, max_iter=500),
            "boosting": ensemble.HistGradientBoostingClassifier(random_state=seed)}


def score(metric, truth, predicted, labels):
    """None where the metric is undefined on these records, as in Hanse."""
    if metric == "rmse":
        return float(np.sqrt(np.mean((truth - predicted) ** 2)))
    if metric == "accuracy":
        return float(np.mean(labels[predicted.argmax(1)] == truth))
    if len(set(truth)) < len(labels):
        return None
    if metric == "pr_auc":
        return metrics.average_precision_score(truth, predicted[:, 1])
    if metric == "roc_auc" and len(labels) == 2:
        return metrics.roc_auc_score(truth, predicted[:, 1])
    if metric == "roc_auc":
        return metrics.roc_auc_score(truth, predicted, multi_class="ovr", labels=labels)
    raise ValueError(f"no peer for the metric {metric}")


def mean_score(metric, over, table, test, predicted, labels):
    """Over all test records, or the mean over sites or groups where it is defined."""
    if over == "records":
        return score(metric, table.target[test], predicted, labels)
    key = (table.site if over == "sites" else table.group)[test]
    parts = [score(metric, table.target[test][key == k], predicted[key == k], labels)
             for k in np.unique(key)]
    parts = [part for part in parts if part is not None]
    return float(np.mean(parts)) if parts else None


def interval(values, test_to_train):
    """Mean and 95 % interval, corrected for training sets that overlap (Nadeau and Bengio 2003)."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None, None
    spread = np.sqrt((1 / len(values) + test_to_train) * np.var(values, ddof=1))
    half = float(stats.t.ppf(0.975, len(values) - 1) * spread)
    return mean, mean - half, mean + half


def run(binary, job, seeds, metric, over, labels):
    """{model: (mean, low, high)} over folds and seeds."""
    scores = {}
    for seed in seeds:
        table = export(binary, job, seed, labels)
        known = np.arange(len(labels))
        for train, test in table.folds():
            for name, model in models(not labels, seed).items():
                model.fit(table.features[train], table.target[train])
                predicted = (model.predict_proba(table.features[test]) if labels
                             else model.predict(table.features[test]))
                value = mean_score(metric, over, table, test, predicted, known)
                if value is not None:
                    scores.setdefault(name, []).append((value, test.sum() / train.sum()))
    return {name: interval([value for value, _ in of_model],
                           float(np.mean([share for _, share in of_model])))
            for name, of_model in scores.items()}
