"""From the pictures of a source to the rows of a parquet: check, re-encode, write."""
