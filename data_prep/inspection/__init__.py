"""What a user must see of prepared parquet files before paying for a training."""
