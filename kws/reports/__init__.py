"""Reports of an evaluation: JSON, figures, and a page of wrong clips."""
