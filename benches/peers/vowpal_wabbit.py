"""Vowpal Wabbit on prepared tokens, the peer of benches/score.rs.

    vowpal_wabbit.py prepare FOLDER COPIES    tokens and a model of FOLDER/train.jsonl; tokens of FOLDER/test.jsonl
    vowpal_wabbit.py measure FOLDER COPIES    seconds to score the test documents COPIES times, as JSON

Four forms are measured, so that the fastest can be chosen: from the text file of tokens, or from Vowpal Wabbit's own
binary cache of it (tokens hashed already); in one process, or in two with half of the documents each. Each process of
Vowpal Wabbit has two threads of its own, one that parses and one that predicts. What it takes to start with an empty
file (the model is read then) does not count. No predictions are written, and no accuracy counts but in `prepare`.
"""

import html
import json
import multiprocessing
import random
import re
import sys
import time

from vowpalwabbit import Workspace

SETTINGS = ["--quiet", "--loss_function", "logistic"]
WORD = re.compile(r"\w+")


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            text = html.unescape(row["text"].replace("<br />", " ")).lower()
            yield f"{1 if row['label'] else -1} | {' '.join(WORD.findall(text))}\n"


def run(arguments):
    started = time.perf_counter()
    Workspace(arg_list=SETTINGS + arguments).finish()
    return time.perf_counter() - started


def prepare(folder, copies):
    train = list(lines(f"{folder}/train.jsonl"))
    random.Random(1).shuffle(train)
    test = list(lines(f"{folder}/test.jsonl"))
    half = len(test) // 2
    parts = {"train": train, "test": test, "all": test * copies, "a": test[:half] * copies, "b": test[half:] * copies, "empty": []}
    for name, part in parts.items():
        with open(f"{folder}/{name}.vw", "w", encoding="utf-8") as file:
            file.writelines(part)
    started = time.perf_counter()
    run(["-d", f"{folder}/train.vw", "-b", "22", "--ngram", "3", "--passes", "6", "-k", "-c", "--holdout_off", "-f", f"{folder}/model"])
    seconds = time.perf_counter() - started
    run(["-t", "-i", f"{folder}/model", "-d", f"{folder}/test.vw", "-p", f"{folder}/predictions"])
    with open(f"{folder}/predictions") as predictions:
        right = sum((float(p) > 0) == line.startswith("1 ") for p, line in zip(predictions, test, strict=True))
    for name in ("all", "a", "b", "empty"):
        run(["-t", "-i", f"{folder}/model", *source(folder, name, True)])
    print(f"accuracy {right / len(test):.4f}, -b 22 --ngram 3 --passes 6 trained in {seconds:.1f} s from prepared tokens")


def source(folder, name, cached):
    data = ["-d", f"{folder}/{name}.vw"]
    return [*data, "--cache_file", f"{folder}/{name}.cache"] if cached else data


def in_process(barrier, results, folder, name, cached):
    arguments = ["-t", "-i", f"{folder}/model"]
    start = min(run([*arguments, *source(folder, "empty", cached)]) for _ in range(3))
    barrier.wait()
    results.put(run([*arguments, *source(folder, name, cached)]) - start)


def seconds(folder, names, cached):
    barrier = multiprocessing.Barrier(len(names))
    results = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=in_process, args=(barrier, results, folder, name, cached)) for name in names
    ]
    for process in processes:
        process.start()
    slowest = max(results.get() for _ in processes)
    for process in processes:
        process.join()
    return slowest


def measure(folder):
    print(
        json.dumps(
            {
                "tokens as text, 1 process": seconds(folder, ["all"], False),
                "tokens as text, 2 processes": seconds(folder, ["a", "b"], False),
                "hashed cache, 1 process": seconds(folder, ["all"], True),
                "hashed cache, 2 processes": seconds(folder, ["a", "b"], True),
            }
        )
    )


if __name__ == "__main__":
    step, folder, copies = sys.argv[1:]
    if step == "prepare":
        prepare(folder, int(copies))
    else:
        measure(folder)
