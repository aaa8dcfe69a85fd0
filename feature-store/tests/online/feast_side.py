"""Feast as its users have it, on the Redis of a test: reads rows, and brings rows of its own.

feast_side.py FOLDER PORT read ID..     prints the features of products as JSON
feast_side.py FOLDER PORT bring         materializes the product "materialized", and pushes the product "pushed"
"""

import json
import pathlib
import sys
from datetime import datetime, timedelta, timezone

import pandas
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

AT = datetime(2024, 5, 1, 10, 0, 0, 123000, tzinfo=timezone.utc)


def opened(folder: pathlib.Path, port: str) -> FeatureStore:
    (folder / "feature_store.yaml").write_text(
        f"""project: plaudit
provider: local
registry: {folder}/registry.db
entity_key_serialization_version: 3
online_store:
  type: redis
  connection_string: 127.0.0.1:{port}
offline_store:
  type: file
"""
    )
    rows = folder / "rows.parquet"
    row = {"product_id": ["materialized"], "rating_count": [1000], "rating_mean": [4.1], "event_timestamp": [AT]}
    pandas.DataFrame(row).to_parquet(rows)
    product = Entity(name="product", join_keys=["product_id"], value_type=ValueType.STRING)
    product_stats = FeatureView(
        name="product_stats",
        entities=[product],
        ttl=timedelta(days=0),
        schema=[Field(name="rating_count", dtype=Int64), Field(name="rating_mean", dtype=Float64)],
        source=FileSource(path=str(rows), timestamp_field="event_timestamp"),
    )
    store = FeatureStore(repo_path=str(folder))
    store.apply([product, product_stats])
    return store


def read(store: FeatureStore, ids: list[str]) -> None:
    names = ["product_stats:rating_count", "product_stats:rating_mean"]
    answer = store.get_online_features(features=names, entity_rows=[{"product_id": id} for id in ids])
    times = answer.proto.results[1].event_timestamps
    result = answer.to_dict()
    result["event_time"] = [time.seconds * 1000 + time.nanos // 1000000 for time in times]
    print(json.dumps(result))


def bring(store: FeatureStore) -> None:
    store.materialize(AT - timedelta(days=1), AT + timedelta(days=1))
    row = {"product_id": ["pushed"], "rating_count": [2], "rating_mean": [3.5], "event_timestamp": [AT]}
    store.write_to_online_store("product_stats", pandas.DataFrame(row))


folder, port, verb = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
store = opened(folder, port)
read(store, sys.argv[4:]) if verb == "read" else bring(store)
