"""Retrains the model in production each night with `plaudit retrain`, as a DAG of Airflow 3.

Put this file into the folder of DAGs. The workers need the program `plaudit` (or PLAUDIT_BIN with its path) and its
configuration in their environment: PLAUDIT__OFFLINE__URL, PLAUDIT__REGISTRY__URL, PLAUDIT__MODEL__NAME. The program does the
rest: it never runs twice at a time, leaves no half version, and promotes only what holds the gates.
"""

import json
import os
import subprocess
from datetime import datetime, timedelta, timezone

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

WRONG_USAGE = 2


@dag(
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    # A night that was missed is made up for by the next one, which takes the same 90 days.
    catchup=False,
    max_active_runs=1,
    params={"since": "90d"},
    tags=["plaudit"],
)
def plaudit_retrain():
    @task(retries=3, retry_delay=timedelta(minutes=1), retry_exponential_backoff=True, execution_timeout=timedelta(hours=4))
    def retrain(params=None) -> dict:
        """One run; its report. Exit code 1 may pass and is tried again, 2 is a matter of configuration and is not."""
        command = [os.environ.get("PLAUDIT_BIN", "plaudit"), "retrain", "--since", params["since"], "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        print(done.stderr, end="")
        if done.returncode == WRONG_USAGE:
            raise AirflowFailException(done.stderr.strip())
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        report = json.loads(done.stdout)
        return {key: report[key] for key in ("run", "outcome", "reason", "model", "rows", "metrics")}

    @task.branch
    def outcome(report: dict) -> str:
        return report["outcome"]

    @task
    def promoted(report: dict) -> None:
        """What follows a new version in production: a message, a warm-up, .."""
        print(f"{report['model']['version']} is in production: {report['reason']}")

    @task
    def kept(report: dict) -> None:
        """What follows a version that was not promoted."""
        print(f"{report['model']['version']} is kept: {report['reason']}")

    report = retrain()
    outcome(report) >> [promoted(report), kept(report)]


plaudit_retrain()
