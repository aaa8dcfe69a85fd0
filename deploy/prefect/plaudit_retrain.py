"""Retrains the model in production with `plaudit retrain`, as a flow of Prefect 3.

    python plaudit_retrain.py                   one run
    python plaudit_retrain.py --serve           each night at 3:00 UTC

The process needs the program `plaudit` (or PLAUDIT_BIN with its path) and its configuration in its environment:
PLAUDIT__OFFLINE__URL, PLAUDIT__REGISTRY__URL, PLAUDIT__MODEL__NAME. The program does the rest: it never runs twice at a time,
leaves no half version, and promotes only what holds the gates.
"""

import json
import os
import subprocess
import sys

from prefect import flow, get_run_logger, task

WRONG_USAGE = 2


class WrongUsage(Exception):
    """The configuration is wrong: trying again would not help."""


def may_pass(task, run, state) -> bool:
    """Whether a task that failed is tried again."""
    return not isinstance(state.result(raise_on_failure=False), WrongUsage)


@task(retries=3, retry_delay_seconds=[60, 120, 240], retry_jitter_factor=0.5, retry_condition_fn=may_pass, timeout_seconds=4 * 3600)
def retrain(since: str) -> dict:
    """One run; its report."""
    command = [os.environ.get("PLAUDIT_BIN", "plaudit"), "retrain", "--since", since, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode == WRONG_USAGE:
        raise WrongUsage(done.stderr.strip())
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


@flow(name="plaudit-retrain", log_prints=True)
def plaudit_retrain(since: str = "90d") -> dict:
    report = retrain(since)
    version, outcome = report["model"]["version"], report["outcome"]
    get_run_logger().info("%s is %s: %s", version, outcome, report["reason"])
    return {key: report[key] for key in ("run", "outcome", "reason", "model", "rows")}


if __name__ == "__main__":
    if "--serve" in sys.argv[1:]:
        plaudit_retrain.serve(name="nightly", cron="0 3 * * *")
    else:
        print(json.dumps(plaudit_retrain()))
