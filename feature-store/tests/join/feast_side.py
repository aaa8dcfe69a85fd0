"""What Feast's get_historical_features answers for rows.parquet and features.parquet of a folder.

Prints JSON: for each row number the values, or none where Feast leaves the row out of its answer.
"""

import datetime
import json
import pathlib
import sys

import pandas
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, Int64, String

folder = pathlib.Path(sys.argv[1])
ttl_seconds = int(sys.argv[2])
store = FeatureStore(
    config=RepoConfig(
        project="plaudit",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store=None,
        offline_store={"type": "file"},
        entity_key_serialization_version=3,
    )
)
product = Entity(name="product", join_keys=["product_id"], value_type=ValueType.STRING)
view = FeatureView(
    name="product_stats",
    entities=[product],
    ttl=datetime.timedelta(seconds=ttl_seconds),
    schema=[
        Field(name="product_id", dtype=String),
        Field(name="rating_count", dtype=Int64),
        Field(name="rating_mean", dtype=Float64),
    ],
    source=FileSource(path=str(folder / "features.parquet"), timestamp_field="event_timestamp"),
)
store.apply([product, view])
rows = pandas.read_parquet(folder / "rows.parquet")
rows = rows.rename(columns={"created_at": "event_timestamp"})[["row", "product_id", "event_timestamp"]]
answer = store.get_historical_features(
    rows,
    ["product_stats:rating_count", "product_stats:rating_mean"],
    full_feature_names=True,
).to_df()
found = {}
for row in answer.to_dict("records"):
    values = [row["product_stats__rating_count"], row["product_stats__rating_mean"]]
    found[str(int(row["row"]))] = [None if pandas.isna(value) else float(value) for value in values]
print(json.dumps(found))
