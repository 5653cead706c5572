"""The stages of `recipes/quickstart.sh`: a small world of birds, and a tiny policy that learns how specific to be.

In the order in which they run: `birds` (data set), `policy` and `warmup` (the model before reinforcement learning),
`evaluate` (before and after training), `report` (the table and the figure). An output that exists is a finished one.
"""
