"""DuckDB's balanced sample, each text once, and the files for it.

generate REVIEWS FOLDER BYTES   repeats reviews with new ids and a word of noise into FOLDER/input until it has so many bytes
sample FOLDER                   writes FOLDER/duckdb.parquet, and prints seconds, rows and peak memory as JSON
"""

import json
import os
import resource
import sys
import time

import duckdb

# Rows are written in files of so many repetitions: of more, texts would stand beside their copies, and compress as no reviews do.
REPETITIONS = 1


def generate(reviews, folder, wanted):
    os.mkdir(f"{folder}/input")
    size, number = 0, 0
    while size < wanted:
        path = f"{folder}/input/{number:04}.parquet"
        first = number * REPETITIONS
        # Copies of a text stay copies within a repetition: the word depends on the text alone.
        duckdb.execute(
            f"""copy (select timestamp_ms + i as timestamp_ms, review_id || '-' || i as review_id, user_id, product_id,
                category, stars, title, text || ' ' || to_base((hash(text, i) >> 1)::bigint, 36) as text
                from '{reviews}', range({first}, {first + REPETITIONS}) repetitions(i))
                to '{path}' (format parquet, compression zstd, row_group_size 122880)"""
        )
        size += os.path.getsize(path)
        number += 1


def sample(folder):
    started = time.monotonic()
    # Keys first, so that texts are not carried through the grouping; then the rows of those that stay.
    # What it does not hold goes to disk, as ours does.
    duckdb.execute(f"set temp_directory = '{folder}/duckdb.tmp'")
    duckdb.execute("set memory_limit = '8GB'")
    duckdb.execute(f"create view input as from read_parquet('{folder}/input/*.parquet')")
    duckdb.execute(
        """create temp table firsts as select hash(text) as text_hash,
            min({'time': timestamp_ms, 'review_id': review_id, 'label': (stars >= 4)::tinyint}) as first
            from input where trim(text) <> '' and stars <> 3 group by text_hash"""
    )
    duckdb.execute(
        """create temp table chosen as with ranked as (select text_hash, first,
            row_number() over (partition by first.label order by text_hash) as place from firsts)
            select text_hash, first.review_id as review_id, first.label as label from ranked where place <= (
                select min(texts) from (select count(*) as texts from firsts group by first.label))"""
    )
    duckdb.execute(
        f"""copy (select input.* exclude (stars), stars::double as rating, label from input
            join chosen on input.review_id = chosen.review_id and hash(text) = text_hash)
            to '{folder}/duckdb.parquet' (format parquet, compression zstd, compression_level 1)"""
    )
    seconds = time.monotonic() - started
    rows = duckdb.execute("select count(*) from chosen").fetchone()[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_rss_bytes": peak}))


if sys.argv[1] == "generate":
    generate(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    sample(sys.argv[2])
