"""DuckDB's ASOF join, and the files for it.

generate FOLDER ROWS FEATURE_ROWS SHARE   writes rows.parquet and features.parquet; so many percent of either are of one product
join FOLDER OUTPUT                        joins them, and prints seconds and peak memory as JSON
"""

import json
import resource
import sys
import time

import duckdb

# Milliseconds since 1970: the times of all rows lie within the 10^8 seconds behind it.
START = 1_600_000_000_000
SPAN = 100_000_000_000


def generate(folder, rows, feature_rows, share):
    # About 25 feature rows for each product.
    products = max(feature_rows // 25, 1)
    product = f"'product-' || (case when hash(i, {{0}}) % 100 < {share} then 0 else hash(i, {{1}}) % {products} end)"
    moment = f"make_timestamp(({START} + (hash(i, {{}}) % {SPAN})::bigint) * 1000)"
    duckdb.execute(
        f"""copy (select 'r' || i as review_id, {product.format(7, 1)} as product_id,
            'user-' || (hash(i, 2) % {products}) as user_id, 'a short text, number ' || (hash(i, 3) % 100000) as text,
            (1 + hash(i, 4) % 5)::double as rating, {moment.format(5)} as created_at, (hash(i, 6) % 2)::int as label
            from range({rows}) rows(i)) to '{folder}/rows.parquet' (format parquet)"""
    )
    duckdb.execute(
        f"""copy (select {product.format(15, 11)} as product_id, {moment.format(12)} as event_timestamp,
            (hash(i, 13) % 1000)::bigint as rating_count, 1 + (hash(i, 14) % 400) / 100.0::double as rating_mean
            from range({feature_rows}) rows(i)) to '{folder}/features.parquet' (format parquet)"""
    )


def join(folder, output):
    started = time.monotonic()
    duckdb.execute(
        f"""copy (select l.*, f.rating_count as "product_stats.rating_count", f.rating_mean as "product_stats.rating_mean"
            from '{folder}/rows.parquet' l asof left join '{folder}/features.parquet' f
            on l.product_id = f.product_id and l.created_at > f.event_timestamp)
            to '{output}' (format parquet, compression zstd)"""
    )
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_rss_bytes": peak}))


if sys.argv[1] == "generate":
    generate(sys.argv[2], *map(int, sys.argv[3:6]))
else:
    join(sys.argv[2], sys.argv[3])
