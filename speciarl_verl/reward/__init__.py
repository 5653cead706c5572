"""From the categories of one group to its rewards, and the places in verl where that happens."""
