"""The study of `recipes/study.sh`: a world that can rank methods, a policy that hedges in it, and trainings of it.

The world: `world` (names), `evidence` (what pictures show), `drawing`, `birds` (files to train on). The policy before
training: `hedging`, `language`, `warmup`. What it says and knows: `pixels`, `answers`, `knowledge`, `oracle`,
`scoring`, `evaluate`. The trainings: `rows`, `run`, `results`. The report: `contrasts`, `plots`, `report`. `tabular`
needs none of these.
"""
