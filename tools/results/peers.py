"""scikit-learn on the records and folds of a job: the pooled numbers that a reader knows.

A job's records and folds come from `hanse data export JOB --seed N`, so that both sides learn from the same numbers and
test on the same records. No tuning: the library's defaults, warnings that it has not converged included.
"""
import csv
import io
import subprocess
import warnings

import numpy as np
from scipy import stats
from sklearn import compose, ensemble, exceptions, linear_model, metrics, neural_network, preprocessing

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
                # Its tolerance is absolute: a target in hundreds would never be within it.
                "mlp": compose.TransformedTargetRegressor(
                    neural_network.MLPRegressor(random_state=seed),
                    transformer=preprocessing.StandardScaler()),
                "boosting": ensemble.HistGradientBoostingRegressor(random_state=seed)}
    return {"logistic": linear_model.LogisticRegression(max_iter=1000),
            "mlp": neural_network.MLPClassifier(random_state=seed),
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


def per_fold(scores):
    """One value per fold: other seeds that deal the same folds say nothing about other records."""
    folds = {}
    for fold, value, _ in scores:
        folds.setdefault(fold, []).append(value)
    return [float(np.mean(values)) for values in folds.values()]


def run(binary, job, seeds, metric, over, labels):
    """{model: (mean, low, high)} over folds and seeds."""
    scores = {}
    dealt = set()
    for seed in seeds:
        table = export(binary, job, seed, labels)
        if table.fold.tobytes() in dealt and len(dealt) == 1:
            continue  # the same records and folds again: once is enough
        dealt.add(table.fold.tobytes())
        known = np.arange(len(labels))
        for fold, (train, test) in enumerate(table.folds()):
            for name, model in models(not labels, seed).items():
                model.fit(table.features[train], table.target[train])
                predicted = (model.predict_proba(table.features[test]) if labels
                             else model.predict(table.features[test]))
                value = mean_score(metric, over, table, test, predicted, known)
                if value is not None:
                    scores.setdefault(name, []).append((fold, value, test.sum() / train.sum()))
    same = len(dealt) == 1 and len(list(table.folds())) > 1
    return {name: interval(per_fold(of_model) if same else [value for _, value, _ in of_model],
                           float(np.mean([share for _, _, share in of_model])))
            for name, of_model in scores.items()}
