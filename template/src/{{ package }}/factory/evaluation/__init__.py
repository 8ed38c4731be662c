"""What a model is worth, for people: report, model card, record of the run."""
