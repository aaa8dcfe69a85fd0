"""TF-IDF and logistic regression by scikit-learn, the peer of benches/train.rs: the same n-grams, min_df, tf and C.

    scikit_learn.py IMDB_PARQUET    prints accuracy, peak_rss_bytes and the seconds of each step as JSON
"""

import json
import resource
import sys
import time

import pyarrow.parquet
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression


def part(path, split):
    table = pyarrow.parquet.read_table(path, columns=["text", "label"], filters=[("split", "=", split)])
    return table["text"].to_pylist(), table["label"].to_numpy()


steps = {}
started = time.perf_counter()


def done(step):
    global started
    steps[step] = time.perf_counter() - started
    started = time.perf_counter()


texts, labels = part(sys.argv[1], "train")
done("read")
vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, lowercase=True)
matrix = vectorizer.fit_transform(texts)
done("vectorize")
model = LogisticRegression(C=30, max_iter=1000).fit(matrix, labels)
done("fit")
texts, labels = part(sys.argv[1], "test")
accuracy = model.score(vectorizer.transform(texts), labels)
done("test")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"accuracy": float(accuracy), "peak_rss_bytes": peak, "seconds": steps}))
