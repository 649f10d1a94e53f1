"""Parquet and Arrow tables."""

from __future__ import annotations

from pathlib import Path

from boundcalc.logs.extra import imported
from boundcalc.logs.writers.content import Content, Told


def write_parquet(content: Content, path: Path, told: Told) -> None:
    """A row group per block of rows, compressed by zstd."""
    pa = imported("pyarrow", "formats", str(path), "a Parquet table")
    pq = imported("pyarrow.parquet", "formats", str(path), "a Parquet table")
    writer = None
    try:
        for done, block in content.blocks():
            table = pa.table(block)
            if writer is None:
                # Losses hardly repeat: dictionaries would only be given up after the first page.
                writer = pq.ParquetWriter(
                    path, table.schema, compression="zstd", use_dictionary=_labels(content)
                )
            writer.write_table(table)
            told(done)
    finally:
        if writer is not None:
            writer.close()


def write_arrow(content: Content, path: Path, told: Told) -> None:
    """A record batch per block of rows, uncompressed: it is mapped into memory."""
    pa = imported("pyarrow", "formats", str(path), "an Arrow file")
    writer = None
    try:
        for done, block in content.blocks():
            batch = pa.record_batch(block)
            if writer is None:
                writer = pa.ipc.new_file(str(path), batch.schema)
            writer.write_batch(batch)
            told(done)
    finally:
        if writer is not None:
            writer.close()


def _labels(content: Content) -> list[str]:
    """Columns of few different values."""
    return [name for name in ("run", "sample", "stepsize", "loss_min") if name in content.columns]
