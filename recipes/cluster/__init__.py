"""More than one machine: a Ray cluster, a Slurm job, and how many judges a size of training needs."""
