"""What the past teaches: the score history, scorecards tried on earlier dates and fitted to them, what people did since."""
