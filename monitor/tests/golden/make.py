"""Makes the golden files of this folder with River and SciPy.

    python3 -m venv /tmp/river && /tmp/river/bin/pip install river==0.26.1 scipy==1.17.1
    /tmp/river/bin/python monitor/tests/golden/make.py

`detectors.json`: series of numbers, and where River's detectors find a change in them.
`streams.json`: errors of a frozen classifier on River's generated streams, and where River's detectors find the drift.
`distances.json`: quantiles, distances and tests by SciPy.
"""

import itertools
import json
import pathlib
import random

import numpy as np
from river import drift, linear_model, preprocessing, tree
from river._river_rust.drift import AdaptiveWindowing
from river.datasets import synth
from scipy import spatial, stats

FOLDER = pathlib.Path(__file__).parent
MASK = 2**64 - 1


class SplitMix:
    """The random numbers of our KSWIN (Steele, Lea & Flood 2014), in the place of Python's."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def sample(self, places, k):
        places = list(places)
        for i in range(k):
            j = i + ((self.next() * (len(places) - i)) >> 64)
            places[i], places[j] = places[j], places[i]
        return places[:k]


def series():
    """Thousandths; a change every 1,000."""
    rng = random.Random(7)
    levels = [0.2, 0.5, 0.5, 0.1, 0.4]
    bits = [1000 * (rng.random() < level) for level in levels for _ in range(1000)]
    scores = [round(1000 * rng.betavariate(1 + 8 * level, 9 - 8 * level)) for level in levels for _ in range(1000)]
    slow = [round(1000 * min(1.0, max(0.0, rng.gauss(0.3 + 0.4 * min(1, max(0, i - 1000) / 2000), 0.1)))) for i in range(4000)]
    still = [round(1000 * rng.random()) for _ in range(3000)]
    return {"bits": bits, "scores": scores, "slow": slow, "still": still}


def adwin(values):
    helper, found, states = AdaptiveWindowing(), [], []
    for i, value in enumerate(values):
        if helper.update(value):
            found.append(i)
        if i % 500 == 499:
            states.append([helper.get_width(), helper.get_total(), helper.get_variance()])
    return {"drifts": found, "states": states}


def page_hinkley(values):
    detector, found = drift.PageHinkley(threshold=10.0), []
    for i, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            found.append(i)
    return {"drifts": found}


def ddm(values):
    detector, found, warnings = drift.binary.DDM(), [], []
    for i, value in enumerate(values):
        detector.update(value >= 0.5)
        if detector.drift_detected:
            found.append(i)
        if detector.warning_detected:
            warnings.append(i)
    return {"drifts": found, "warnings": len(warnings)}


def kswin(values):
    """As the paper has it: after a change the recent part of the window stays, where River forgets all of it."""
    detector, found, p_values = drift.KSWIN(seed=1), [], []
    detector._rng = SplitMix(1)
    for i, value in enumerate(values):
        detector._drift_detected = False
        detector.update(value)
        if detector.drift_detected:
            found.append(i)
        if i % 500 == 499:
            p_values.append(float(detector.p_value))
    return {"drifts": found, "p_values": p_values}


def detectors():
    out = {}
    for name, thousandths in series().items():
        values = [value / 1000 for value in thousandths]
        out[name] = {
            "thousandths": thousandths,
            "adwin": adwin(values),
            "page_hinkley": page_hinkley(values),
            "ddm": ddm(values),
            "kswin": kswin(values),
        }
    return out


TRAINED, BEFORE, AFTER = 1000, 3000, 3000
SEEDS = range(1, 11)


def generated(kind, seed):
    """Pairs of x and y. What is learned from, then BEFORE of the same kind, then AFTER of another (or not)."""
    at = TRAINED + BEFORE
    sea = lambda variant, seed: synth.SEA(variant=variant, noise=0.1, seed=seed)
    if kind == "stationary":
        yield from sea(0, seed)
    elif kind == "SEA, abrupt":
        yield from itertools.chain(itertools.islice(sea(2, seed), at), sea(3, seed + 100))
    elif kind == "SEA, gradual":
        middle = at + 500
        yield from synth.ConceptDriftStream(sea(2, seed), sea(3, seed + 100), position=middle, width=1000, seed=seed)
    elif kind == "rotating hyperplane":
        stream = synth.Hyperplane(n_features=10, n_drift_features=5, noise_percentage=0.05, seed=seed)
        for i, pair in enumerate(stream):
            stream.mag_change = 0.005 if i >= at else 0.0
            yield pair
    elif kind == "Agrawal, abrupt":
        first, second = (synth.Agrawal(classification_function=f, seed=seed + f) for f in (0, 2))
        yield from itertools.chain(itertools.islice(first, at), second)
    else:
        raise ValueError(kind)


KINDS = ["stationary", "SEA, abrupt", "SEA, gradual", "rotating hyperplane", "Agrawal, abrupt"]


def errors(kind, seed):
    """Whether a model that learned once, and then no more, is wrong: what becomes of a batch model."""
    if kind.startswith("Agrawal"):
        model = tree.HoeffdingTreeClassifier(grace_period=50)
    else:
        model = preprocessing.StandardScaler() | linear_model.LogisticRegression()
    wrong = []
    for i, (x, y) in enumerate(generated(kind, seed)):
        if i < TRAINED:
            model.learn_one(x, y)
        elif i < TRAINED + BEFORE + AFTER:
            wrong.append(int(bool(model.predict_one(x)) != bool(y)))
        else:
            return wrong


def found(detector, bits):
    places = []
    for i, bit in enumerate(bits):
        detector.update(bit)
        if detector.drift_detected:
            places.append(i)
    return places


def streams():
    runs = []
    for kind in KINDS:
        for seed in SEEDS:
            bits = errors(kind, seed)
            packed = np.packbits(np.array(bits, dtype=np.uint8)).tobytes().hex()
            peers = {
                "adwin": drift.ADWIN(),
                "ddm": drift.binary.DDM(),
                "page_hinkley": drift.PageHinkley(),
                "kswin": drift.KSWIN(seed=seed),
            }
            drifts = {name: found(peer, bits) for name, peer in peers.items()}
            runs.append({"kind": kind, "seed": seed, "errors": packed, "river": drifts})
    return {"before": BEFORE, "after": AFTER, "runs": runs}


def distances():
    rng = np.random.default_rng(3)
    chi = [[q, k, float(stats.chi2.ppf(q, k))] for q in (0.01, 0.5, 0.95, 0.999, 0.9999) for k in (1, 2, 9, 19, 127, 1000)]
    tails = [[x, k, float(stats.chi2.sf(x, k))] for x in (0.1, 3.0, 20.0, 150.0) for k in (1, 2, 9, 127)]
    pairs = []
    for _ in range(4):
        p, q = rng.integers(1, 500, 12), rng.integers(1, 500, 12)
        pairs.append({"p": p.tolist(), "q": q.tolist(), "jensen_shannon": float(spatial.distance.jensenshannon(p, q) ** 2)})
    tests = []
    for n, m, shift in [(30, 30, 0.0), (30, 30, 0.8), (100, 100, 0.3), (200, 350, 0.0), (200, 350, 0.2), (1000, 400, 0.1)]:
        one, other = np.round(rng.normal(0, 1, n), 2), np.round(rng.normal(shift, 1, m), 2)
        result = stats.ks_2samp(one, other, method="exact")
        tests.append({"one": one.tolist(), "other": other.tolist(), "statistic": float(result.statistic), "p_value": float(result.pvalue)})
    return {"chi_squared_quantiles": chi, "chi_squared_tails": tails, "jensen_shannon": pairs, "kolmogorov_smirnov": tests}


for make in [detectors, distances, streams]:
    (FOLDER / f"{make.__name__}.json").write_text(json.dumps(make(), separators=(",", ":")) + "\n")
