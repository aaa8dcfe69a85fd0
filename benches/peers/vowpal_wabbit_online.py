"""Vowpal Wabbit's FTRL on reviews in time order, scored and then learned from; the peer of benches/learn.rs.

    vowpal_wabbit_online.py prepare FOLDER    tokens of FOLDER/reviews.parquet without rows of 3 stars
    vowpal_wabbit_online.py measure FOLDER    learns from them; prints its seconds and figures as JSON

One process, which has two threads of its own: one that parses and one that learns. What it takes to start with an empty
file does not count. Predictions for the figures are written in a run that is not timed.
"""

import json
import re
import sys
import time

import numpy
import pyarrow.parquet
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from vowpalwabbit import Workspace

WORD = re.compile(r"\w+(?:'\w+)?")
SETTINGS = ["--quiet", "--loss_function", "logistic", "-b", "22", "--ngram", "2", "--ftrl", "--ftrl_alpha", "0.1"]


def prepare(folder):
    table = pyarrow.parquet.read_table(f"{folder}/reviews.parquet", columns=["stars", "title", "text"])
    with open(f"{folder}/reviews.vw", "w", encoding="utf-8") as file:
        for stars, title, text in zip(*(table[name].to_pylist() for name in ("stars", "title", "text")), strict=True):
            if stars != 3:
                title, text = (" ".join(WORD.findall((field or "").lower())) for field in (title, text))
                file.write(f"{1 if stars > 3 else -1} |h {title} |t {text}\n")
    open(f"{folder}/empty.vw", "w", encoding="utf-8").close()
    print("{}")


def run(arguments):
    started = time.perf_counter()
    Workspace(arg_list=SETTINGS + arguments).finish()
    return time.perf_counter() - started


def measure(folder):
    start = min(run(["-d", f"{folder}/empty.vw"]) for _ in range(3))
    seconds = run(["-d", f"{folder}/reviews.vw"]) - start
    run(["-d", f"{folder}/reviews.vw", "--link", "logistic", "-p", f"{folder}/predictions"])
    with open(f"{folder}/predictions") as predictions:
        probabilities = numpy.array([float(line.split()[0]) for line in predictions])
    with open(f"{folder}/reviews.vw", encoding="utf-8") as file:
        labels = numpy.array([line.startswith("1 ") for line in file])
    first = len(labels) // 10
    labels, probabilities = labels[first:], probabilities[first:]
    figures = {
        "seconds": seconds,
        "roc_auc": roc_auc_score(labels, probabilities),
        "macro_f1": f1_score(labels, probabilities > 0.5, average="macro"),
        "log_loss": log_loss(labels, probabilities),
    }
    print(json.dumps({name: float(figure) for name, figure in figures.items()}))


if __name__ == "__main__":
    {"prepare": prepare, "measure": measure}[sys.argv[1]](sys.argv[2])
