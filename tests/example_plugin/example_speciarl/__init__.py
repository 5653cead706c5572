"""A judge and a reward rule of one's own for speciarl_verl; copy this folder to begin with yours."""
