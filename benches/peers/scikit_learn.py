"""Naive Bayes' ratios, TF-IDF and logistic regression by scikit-learn, the peer of benches/train.rs: the same n-grams, min_df, term
weights and C as a preset has, and as near to its words as a regular expression comes.

    scikit_learn.py IMDB_PARQUET fast|accurate lbfgs|liblinear    prints accuracy, roc_auc, peak_rss_bytes and the seconds of each
                                                                  step as JSON. liblinear is a trust-region Newton method
"""

import json
import resource
import sys
import time

import numpy
import pyarrow.parquet
from scipy.sparse import diags
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize

PRESETS = {
    "fast": {"ngram_range": (1, 3), "token_pattern": r"\w+(?:'\w+)?"},
    "accurate": {"ngram_range": (1, 3), "token_pattern": r"\w+(?:'\w+)?|[^\w\s]+"},
}
C = 30


def part(path, split):
    table = pyarrow.parquet.read_table(path, columns=["text", "label"], filters=[("split", "=", split)])
    texts = [text.replace("<br />", " ") for text in table["text"].to_pylist()]
    return texts, table["label"].to_numpy()


steps = {}
started = time.perf_counter()


def done(step):
    global started
    steps[step] = time.perf_counter() - started
    started = time.perf_counter()


path, preset, solver = sys.argv[1:]
texts, labels = part(path, "train")
done("read")
# The ratios come before the length of a document, so the vectorizer leaves it alone.
vectorizer = TfidfVectorizer(**PRESETS[preset], sublinear_tf=True, min_df=2, norm=None)
matrix = vectorizer.fit_transform(texts)
positive, negative = (numpy.asarray((matrix[labels == label] > 0).sum(axis=0)).ravel() + 1.0 for label in (1, 0))
ratios = diags(numpy.abs(numpy.log((positive / positive.sum()) / (negative / negative.sum()))))
matrix = normalize(matrix @ ratios)
done("vectorize")
model = LogisticRegression(C=C, max_iter=1000, solver=solver).fit(matrix, labels)
done("fit")
texts, labels = part(path, "test")
probabilities = model.predict_proba(normalize(vectorizer.transform(texts) @ ratios))[:, 1]
accuracy = ((probabilities > 0.5) == labels).mean()
auc = roc_auc_score(labels, probabilities)
done("test")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"accuracy": float(accuracy), "roc_auc": float(auc), "peak_rss_bytes": peak, "seconds": steps}))
