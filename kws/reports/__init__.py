"""Reports of an evaluation: JSON, plots, the page of wrong clips."""
