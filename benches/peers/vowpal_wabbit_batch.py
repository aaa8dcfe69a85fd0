"""Vowpal Wabbit's batch training on reviews in time order, the peer of benches/train.rs.

    vowpal_wabbit_batch.py split REVIEWS_PARQUET FOLDER    the first 60 % of the rated rows by time to FOLDER/train.parquet, the
                                                           others to FOLDER/test.parquet; rows of 3 stars are left out
    vowpal_wabbit_batch.py train FOLDER NGRAMS             trains on the one, tests on the other; prints JSON
"""

import json
import re
import sys
import time

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.parquet
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from vowpalwabbit import Workspace

WORD = re.compile(r"\w+(?:'\w+)?")


def split(reviews, folder):
    table = pyarrow.parquet.read_table(reviews).sort_by("timestamp_ms")
    table = table.filter(pyarrow.compute.not_equal(table["stars"], 3))
    ours = {"stars": "rating", "timestamp_ms": "created_at"}
    table = table.rename_columns([ours.get(name, name) for name in table.column_names])
    rows = table.num_rows * 6 // 10
    pyarrow.parquet.write_table(table.slice(0, rows), f"{folder}/train.parquet")
    pyarrow.parquet.write_table(table.slice(rows), f"{folder}/test.parquet")


def lines(path):
    table = pyarrow.parquet.read_table(path, columns=["rating", "title", "text"])
    labels = numpy.array(table["rating"].to_pylist()) > 3
    with open(f"{path}.vw", "w", encoding="utf-8") as file:
        for label, title, text in zip(labels, table["title"].to_pylist(), table["text"].to_pylist(), strict=True):
            title, text = (" ".join(WORD.findall((field or "").lower())) for field in (title, text))
            file.write(f"{1 if label else -1} |h {title} |t {text}\n")
    return labels


def run(arguments):
    Workspace(arg_list=["--quiet", "--loss_function", "logistic", *arguments]).finish()


def train(folder, ngrams):
    lines(f"{folder}/train.parquet")
    labels = lines(f"{folder}/test.parquet")
    started = time.perf_counter()
    passes = ["--passes", "6", "-k", "--cache_file", f"{folder}/train.cache", "--holdout_off"]
    run(["-d", f"{folder}/train.parquet.vw", "-b", "24", "--ngram", ngrams, *passes, "-f", f"{folder}/model"])
    seconds = time.perf_counter() - started
    run(["-t", "-i", f"{folder}/model", "-d", f"{folder}/test.parquet.vw", "--link", "logistic", "-p", f"{folder}/predictions"])
    with open(f"{folder}/predictions") as predictions:
        probabilities = numpy.array([float(line) for line in predictions])
    figures = {
        "roc_auc": roc_auc_score(labels, probabilities),
        "macro_f1": f1_score(labels, probabilities > 0.5, average="macro"),
        "log_loss": log_loss(labels, probabilities),
        "seconds": seconds,
    }
    print(json.dumps({name: float(figure) for name, figure in figures.items()}))


if __name__ == "__main__":
    step, *arguments = sys.argv[1:]
    {"split": split, "train": train}[step](*arguments)
