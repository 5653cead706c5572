"""Data sets as their publishers ship them -> parquet that verl trains on."""
