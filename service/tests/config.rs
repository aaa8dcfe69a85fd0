//! Layers of configuration: what wins, and what a wrong one is told.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use serde::Deserialize;
use service::config::{self, Effective, Layer, Layers, Preset};
use toml::Value;

const DEFAULTS: &str = r#"
[kafka]
brokers = "localhost:9092"
connect_timeout_ms = 10000

[kafka.properties]

[redis]
url = ""

[gateway]
listen = "127.0.0.1:8080"

[model]
labels = ["negative", "positive"]

[telemetry]
format = "auto"
sample_ratio = 1.0
colours = true
"#;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Auto,
    Json,
}

#[derive(Debug, Deserialize)]
struct Telemetry {
    format: Format,
}

#[derive(Debug, Deserialize)]
struct Config {
    telemetry: Telemetry,
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name)
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn merge(file: Option<&str>, environment: &[(&str, &str)], flags: &[&str]) -> Result<Effective, String> {
    let file = file.map(fixture);
    let environment = variables(environment);
    let overrides: Vec<(String, Value)> = flags.iter().map(|flag| config::parse_override(flag).unwrap()).collect();
    let layers = Layers {
        defaults: DEFAULTS,
        open_tables: &["kafka.properties"],
        free_tables: &[],
        preset: None,
        file: file.as_deref(),
        environment_prefix: "APP",
        environment: &environment,
        overrides: &overrides,
    };
    // The folder of the checkout would make messages differ from machine to machine.
    let folder = fixture("").display().to_string();
    config::merge(&layers).map_err(|error| error.to_string().replace(&folder, ""))
}

fn refused(file: Option<&str>, environment: &[(&str, &str)], flags: &[&str]) -> String {
    merge(file, environment, flags).unwrap_err()
}

fn value(effective: &Effective, section: &str, key: &str) -> Value {
    effective.parse::<toml::Table>().unwrap()[section][key].clone()
}

#[test]
fn a_later_layer_wins() {
    let file = Some("right.toml");
    let brokers = |effective: Effective| value(&effective, "kafka", "brokers");
    assert_eq!(brokers(merge(None, &[], &[]).unwrap()), "localhost:9092".into());
    assert_eq!(brokers(merge(file, &[], &[]).unwrap()), "from-file:1".into());
    let environment = [("APP__KAFKA__BROKERS", "from-env:2"), ("OTHER__KAFKA__BROKERS", "no"), ("APP_KAFKA", "no")];
    assert_eq!(brokers(merge(file, &environment, &[]).unwrap()), "from-env:2".into());
    let flagged = merge(file, &environment, &["kafka.brokers=from-flag:3"]).unwrap();
    assert_eq!(flagged.origin("kafka.brokers"), Layer::CommandLine);
    assert_eq!(brokers(flagged), "from-flag:3".into());
}

#[test]
fn a_preset_lies_between_the_defaults_and_everything_else() {
    let preset = |settings| Some(Preset { name: "other", settings });
    let environment = variables(&[("APP__KAFKA__BROKERS", "from-env:2")]);
    let layers = Layers {
        defaults: DEFAULTS,
        open_tables: &["kafka.properties"],
        preset: preset("[kafka]\nbrokers = 'from-preset:1'\nconnect_timeout_ms = 7"),
        environment_prefix: "APP",
        environment: &environment,
        ..Layers::default()
    };
    let effective = config::merge(&layers).unwrap();
    assert_eq!(value(&effective, "kafka", "brokers"), "from-env:2".into());
    assert_eq!(value(&effective, "kafka", "connect_timeout_ms"), Value::Integer(7));
    assert_eq!(effective.origin("kafka.connect_timeout_ms").to_string(), "the preset other");
    let wrong = config::merge(&Layers { preset: preset("[kafka]\nbroker = 'x'"), ..layers }).unwrap_err().to_string();
    assert!(wrong.contains("the preset other") && wrong.contains("kafka.brokers"), "{wrong}");
}

#[test]
fn variables_take_the_type_of_the_default() {
    let environment = [
        ("APP__KAFKA__CONNECT_TIMEOUT_MS", " 250 "),
        ("APP__TELEMETRY__SAMPLE_RATIO", "0"),
        ("APP__TELEMETRY__COLOURS", "false"),
        ("APP__MODEL__LABELS", r#"["bad", "good"]"#),
        ("APP__REDIS__URL", "123"),
    ];
    let effective = merge(None, &environment, &[]).unwrap();
    assert_eq!(value(&effective, "kafka", "connect_timeout_ms"), Value::Integer(250));
    assert_eq!(value(&effective, "telemetry", "sample_ratio"), Value::Float(0.0));
    assert_eq!(value(&effective, "telemetry", "colours"), Value::Boolean(false));
    assert_eq!(value(&effective, "model", "labels"), vec!["bad", "good"].into());
    assert_eq!(value(&effective, "redis", "url"), "123".into());
}

#[test]
fn an_open_table_takes_any_key_in_every_layer() {
    let environment =
        [("APP__KAFKA__PROPERTIES__SASL__MECHANISM", "PLAIN"), ("APP__KAFKA__PROPERTIES__SASL_PASSWORD", "a_b")];
    let flags = ["kafka.properties.linger.ms=5"];
    let effective = merge(Some("right.toml"), &environment, &flags).unwrap();
    let properties = value(&effective, "kafka", "properties");
    for (key, expected) in [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("enable.idempotence", "true"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.password", "a_b"),
        ("linger.ms", "5"),
    ] {
        assert_eq!(properties[key], Value::from(expected), "{key}");
    }
}

#[test]
fn a_variable_sets_the_property_that_a_file_sets() {
    let environment = [("APP__KAFKA__PROPERTIES__SECURITY_PROTOCOL", "PLAINTEXT")];
    let effective = merge(Some("right.toml"), &environment, &[]).unwrap();
    assert_eq!(value(&effective, "kafka", "properties")["security.protocol"], "PLAINTEXT".into());
    let origin = effective.origin("kafka.properties.security.protocol");
    assert_eq!(origin, Layer::Variable("APP__KAFKA__PROPERTIES__SECURITY_PROTOCOL".to_owned()));
}

#[test]
fn an_unknown_key_names_its_layer_and_the_nearest_known_one() {
    assert_eq!(
        refused(Some("unknown_key.toml"), &[], &[]),
        "unknown key `kafka.broker` in unknown_key.toml; did you mean `kafka.brokers`?"
    );
    assert_eq!(
        refused(None, &[("APP__KAFKA__LISTEN", "x")], &[]),
        "unknown key `kafka.listen` in APP__KAFKA__LISTEN; did you mean `gateway.listen`?"
    );
    assert_eq!(refused(None, &[], &["weather.tomorrow=1"]), "unknown key `weather.tomorrow` in the command line");
    assert_eq!(
        refused(Some("unknown_section.toml"), &[], &[]),
        "unknown key `kakfa` in unknown_section.toml; did you mean `kafka`?"
    );
}

#[test]
fn a_wrong_type_says_what_was_expected() {
    assert_eq!(
        refused(Some("wrong_type.toml"), &[], &[]),
        "`kafka.connect_timeout_ms` in wrong_type.toml must be a whole number, not a string"
    );
    assert_eq!(
        refused(None, &[("APP__KAFKA__CONNECT_TIMEOUT_MS", "soon")], &[]),
        "`kafka.connect_timeout_ms` in APP__KAFKA__CONNECT_TIMEOUT_MS must be a whole number, not `soon`"
    );
    assert_eq!(
        refused(None, &[("APP__TELEMETRY__COLOURS", "true\nx = 1")], &[]),
        "`telemetry.colours` in APP__TELEMETRY__COLOURS must be true or false, not `true\nx = 1`"
    );
    assert_eq!(refused(None, &[("APP__KAFKA", "x")], &[]), "`kafka` in APP__KAFKA must be a table, not `x`");
    assert_eq!(
        refused(None, &[], &["model.labels=[1, 2]"]),
        "`model.labels` in the command line must be an array of strings, not an array"
    );
}

#[test]
fn a_value_that_a_section_refuses_names_key_and_layer() {
    let parse = |format: &str| merge(Some("right.toml"), &[], &[&format!("telemetry.format={format}")]).unwrap();
    assert_eq!(parse("json").parse::<Config>().unwrap().telemetry.format, Format::Json);
    let message = parse("jsn").parse::<Config>().unwrap_err().to_string();
    assert_eq!(message, "`telemetry.format` in the command line: unknown variant `jsn`, expected `auto` or `json`");
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_named() {
    assert_eq!(refused(Some("absent.toml"), &[], &[]), "cannot read config file absent.toml: it does not exist");
    let message = refused(Some("syntax.toml"), &[], &[]);
    assert!(message.starts_with("syntax.toml is not valid TOML: line 2, column "), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn what_is_shown_is_toml_without_secrets_and_says_where_values_come_from() {
    let environment = [("APP__REDIS__URL", "redis://user:hunter2@host:6379")];
    let flags = ["kafka.properties.sasl.password=hunter3", "kafka.properties.sasl.mechanism=PLAIN"];
    let text = merge(None, &environment, &flags).unwrap().render();
    assert!(!text.contains("hunter"), "{text}");
    assert!(text.contains("url = \"redis://user:***@host:6379\"  # APP__REDIS__URL\n"), "{text}");
    let shown: toml::Table = text.parse().unwrap();
    assert_eq!(shown["kafka"]["properties"]["sasl.password"], "***".into());
    assert_eq!(shown["kafka"]["properties"]["sasl.mechanism"], "PLAIN".into());
    assert_eq!(shown["kafka"]["connect_timeout_ms"], Value::Integer(10000));
    assert_eq!(shown["model"]["labels"], vec!["negative", "positive"].into());
}

#[test]
fn without_layers_the_defaults_come_back_whole() {
    let shown: toml::Table = merge(None, &[], &[]).unwrap().render().parse().unwrap();
    assert_eq!(shown, DEFAULTS.parse::<toml::Table>().unwrap());
}
