//! The example DAG and flow in `deploy/`, each run by the real thing.

use crate::support::names::program;
use crate::world::{World, said};
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A Python that has what `dev/<name>` installs.
fn python(variable: &str, name: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("this test needs {name}: run `dev/test`, or `export {variable}=$(dev/{name})`"))
}

/// The program and its settings.
fn within(world: &World, command: &mut Command) -> Output {
    command.envs(world.variables()).env("PLAUDIT_BIN", env!("CARGO_BIN_EXE_plaudit"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap()
}

/// The flow, with a server of its own for as long as it runs.
fn prefect(world: &World, settings: &[(&str, &str)]) -> Output {
    let mut command = program(python("PLAUDIT_TEST_PREFECT", "prefect"));
    command.arg(format!("{ROOT}/deploy/prefect/plaudit_retrain.py")).envs(settings.iter().copied());
    command.env("PREFECT_HOME", world.path("prefect")).env("PREFECT_SERVER_ANALYTICS_ENABLED", "false");
    command.env("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120");
    within(world, &mut command)
}

#[test]
fn prefect_runs_the_example_flow_and_does_not_try_again_what_is_wrong_usage() {
    let world = World::with_reviews(1200);
    let output = prefect(&world, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    let report: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    assert_eq!((&report["outcome"], &report["model"]["version"]), (&"promoted".into(), &"v1".into()));
    assert_eq!((world.states(), world.versions()), (vec!["promoted"], (Some(1), 1)));
    // Trying again would take minutes: the pauses are those of the example.
    let output = prefect(&world, &[("PLAUDIT__RETRAIN__TEST_SHARE", "2")]);
    assert!(!output.status.success());
    assert!(said(&output).contains("retrain.test_share must lie above 0"), "{}", said(&output));
    assert!(!said(&output).contains("Retry 1/3"), "{}", said(&output));
}

#[test]
fn airflow_runs_the_example_dag() {
    let python = python("PLAUDIT_TEST_AIRFLOW", "airflow");
    let airflow = Path::new(&python).with_file_name("airflow");
    let world = World::with_reviews(1200);
    let run = |arguments: &[&str]| {
        let mut command = program(&airflow);
        command.args(arguments).env("AIRFLOW_HOME", world.path("airflow"));
        command.env("AIRFLOW__CORE__DAGS_FOLDER", format!("{ROOT}/deploy/airflow"));
        command.env("AIRFLOW__CORE__LOAD_EXAMPLES", "false");
        let output = within(&world, &mut command);
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), said(&output));
        output
    };
    run(&["db", "migrate"]);
    run(&["dags", "test", "plaudit_retrain"]);
    assert_eq!((world.states(), world.versions()), (vec!["promoted"], (Some(1), 1)));
}
