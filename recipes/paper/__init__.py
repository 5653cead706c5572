"""Every experiment of the paper by name: one table (`runs.yaml`), the commands of a run, and the paper's table."""
