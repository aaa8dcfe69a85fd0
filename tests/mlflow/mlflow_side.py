"""What MLflow's own client sees and does: mlflow_side.py URL COMMAND ARGUMENTS.."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import mlflow


def look(client, name):
    """Everything of a registered model."""
    versions = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda version: int(version.version))
    runs = [client.get_run(version.run_id) for version in versions]
    return {
        "aliases": client.get_registered_model(name).aliases,
        "versions": [{"version": version.version, "tags": version.tags} for version in versions],
        "runs": [
            {
                "status": run.info.status,
                "params": run.data.params,
                "metrics": run.data.metrics,
                "gap": [[metric.step, metric.value] for metric in client.get_metric_history(run.info.run_id, "fit.gap")],
                "datasets": [[given.dataset.name, json.loads(given.dataset.profile)] for given in run.inputs.dataset_inputs],
                "files": [file.path for file in client.list_artifacts(run.info.run_id, "plaudit")],
            }
            for run in runs
        ],
        "run_count": len(client.search_runs([runs[0].info.experiment_id])) if runs else 0,
    }


def predict(uri, records):
    """The answers of the loaded model, and those of `mlflow models serve`."""
    import pandas

    path = mlflow.artifacts.download_artifacts(uri)
    loaded = mlflow.pyfunc.load_model(path).predict(pandas.DataFrame(records)).to_dict("records")
    port = sys.argv[4]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", path, "--env-manager", "local", "-p", port]
    # It looks for uvicorn by name.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    server = subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr, start_new_session=True, env=environment)
    try:
        return {"loaded": loaded, "served": invocations(server, port, records)}
    finally:
        os.killpg(server.pid, signal.SIGKILL)


def invocations(server, port, records):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        json.dumps({"dataframe_records": records}).encode(),
        {"Content-Type": "application/json"},
    )
    deadline = time.monotonic() + 100
    while True:
        try:
            return json.load(urllib.request.urlopen(request))["predictions"]
        except urllib.error.HTTPError as error:
            raise SystemExit(error.read().decode())
        except OSError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise
            time.sleep(0.1)


url, command, name = sys.argv[1:4]
mlflow.set_tracking_uri(url)
client = mlflow.MlflowClient()
if command == "look":
    answer = look(client, name)
elif command == "alias":
    answer = client.set_registered_model_alias(name, "production", sys.argv[4])
elif command == "predict":
    answer = predict(f"models:/{name}@production", json.load(sys.stdin))
print(json.dumps(answer))
