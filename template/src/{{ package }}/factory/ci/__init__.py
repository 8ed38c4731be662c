"""What pipelines do besides the everyday commands: report, propose, and update the template."""
