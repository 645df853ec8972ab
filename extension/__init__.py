"""What the notebook's front end shows: the cells of nodes and the board of a run."""
